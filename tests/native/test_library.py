"""Where the native core is not to be used, everything goes on without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stackbuild.native import library as loading

ROOT = Path(__file__).parents[2]
PACKAGE = Path(loading.__file__).parent


@pytest.fixture
def load(tmp_path):
    """What a copy of the package says of its core, with another library in its place."""
    shutil.copytree(PACKAGE, tmp_path / "native")

    def check(content: bytes | None = None, **env: str) -> str:
        file = tmp_path / "native/libstackbuild.so"
        if content is not None:
            file.unlink(missing_ok=True)
            file.write_bytes(content)
        code = "import native; h = native.sha256(); h.update(b'abc'); print(native.is_native(), h.hexdigest()[:8], native.unchanged(b''))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
            env={name: value for name, value in os.environ.items() if name != "STACKBUILD_PURE"} | env,
        )  # fmt: skip
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout.strip()

    return check


PURE = "False ba7816bf -1"


def test_without_a_library(tmp_path, load, way):
    assert load(b"") == PURE  # as one that is cut off
    assert load(b"not a library at all") == PURE
    (tmp_path / "native/libstackbuild.so").unlink()
    assert load() == PURE


def test_switched_off(load, way):
    here = "True ba7816bf -1" if way == "native" else load()
    assert load() == load(STACKBUILD_PURE="0") == load(STACKBUILD_PURE="") == here
    assert load(STACKBUILD_PURE="1") == PURE


def test_a_library_of_another_time(tmp_path, load, need):
    need("cc")
    for source in ("unsigned stackbuild_abi(void) { return 999; }", "int unrelated;"):
        (tmp_path / "other.c").write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", "other.so", "other.c"], cwd=tmp_path, check=True)
        assert load((tmp_path / "other.so").read_bytes()) == PURE


def test_both_sides_have_one_version():
    assert f"const ABI: u32 = {loading._ABI};" in (ROOT / "native/src/lib.rs").read_text()


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, stackbuild.native; print({'ctypes', 'hashlib', 'array', 'stackbuild.native.pure'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
