"""Builds the native core where there is a Rust compiler, as a part of an install.

Without one the install goes on, and everything works in pure Python.

STACKBUILD_NATIVE=0 leaves it out. `python hatch_build.py` builds it again in a checkout (`make native`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
LIBRARY = ROOT / "src/stackbuild/native/libstackbuild.so"  # on macOS too: dlopen minds no suffix


def build_native() -> str:
    """Build the native core, or remove one of another time; "" when it is there, else why it is not."""
    why = _compile()
    if why:
        LIBRARY.unlink(missing_ok=True)
    return why


def _compile() -> str:
    if os.environ.get("STACKBUILD_NATIVE") == "0":
        return "STACKBUILD_NATIVE=0"
    cargo = shutil.which("cargo") or shutil.which("cargo", path=Path.home() / ".cargo/bin")
    if not cargo:
        return "there is no cargo"
    target = ROOT / "native/target"
    command = [cargo, "build", "--release", "--offline", "--quiet", "--target-dir", str(target)]
    try:
        done = subprocess.run(command, cwd=ROOT / "native", capture_output=True, text=True)
        if done.returncode:
            return f"cargo failed: {done.stderr.strip()}"
        suffix = "dylib" if sys.platform == "darwin" else "so"
        fresh = LIBRARY.with_suffix(".so.new")
        shutil.copyfile(target / "release" / f"libstackbuild.{suffix}", fresh)
        fresh.replace(LIBRARY)  # a new file: a process may have the old one open
    except OSError as error:
        return str(error)
    return ""


def _platform_tag() -> str:
    """The wheel's platform: this machine's own, as nothing here was checked against manylinux."""
    from packaging.tags import platform_tags

    return next(tag for tag in platform_tags() if not tag.startswith(("manylinux", "musllinux")))


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # `make native` needs no hatchling
    pass
else:

    class NativeCore(BuildHookInterface[Any]):
        """Puts the native core into a wheel, which is then this platform's."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Called by hatchling before it makes a wheel, or an editable one."""
            if why := build_native():
                self.app.display_info(f"without the native core: {why}")
                return
            build_data["artifacts"].append(str(LIBRARY.relative_to(ROOT)))
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform_tag()}"


if __name__ == "__main__":
    why = build_native()
    print(f"without the native core: {why}" if why else f"built {LIBRARY.relative_to(ROOT)}")
