"""The native core is in a wheel where it can be built; where it cannot, there is a wheel without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = "stackbuild/native/libstackbuild.so"

pytestmark = pytest.mark.real


@pytest.fixture
def wheel(tmp_path, need):
    """Builds a wheel of a copy of the sources: (its platform, whether the native core is in it)."""
    need("cargo")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "src/stackbuild/native", tmp_path / "src/stackbuild/native")
    shutil.copytree(ROOT / "native", tmp_path / "native", ignore=shutil.ignore_patterns("target"))

    def build(**env: str) -> tuple[str, bool]:
        shutil.rmtree(tmp_path / "dist", ignore_errors=True)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
        given = {name: value for name, value in os.environ.items() if name != "STACKBUILD_NATIVE"} | env
        done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (path,) = (tmp_path / "dist").iterdir()
        with zipfile.ZipFile(path) as content:
            return path.stem.rpartition("-")[2], CORE in content.namelist()

    build.root = tmp_path
    return build


def test_with_a_compiler(wheel):
    platform, has_core = wheel()
    assert platform != "any" and has_core
    assert wheel(STACKBUILD_NATIVE="0") == ("any", False)  # nor the one that was built before


def test_without_a_compiler(wheel):
    nowhere = {"PATH": str(wheel.root / "nothing"), "HOME": str(wheel.root)}
    assert wheel(**nowhere) == ("any", False)


def test_a_compiler_that_fails(wheel):
    (wheel.root / "native/src/lib.rs").write_text("this is not Rust")
    assert wheel() == ("any", False)


def test_the_rust_side_passes_its_own_tests(tmp_path, need):
    need("cargo")
    command = ["cargo", "test", "--quiet", "--offline", "--target-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT / "native", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
