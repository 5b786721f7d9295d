"""Where the figures were taken."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from timing import table

TOOLS = ("tar", "pigz", "igzip", "umoci", "git", "buildah", "skopeo", "mmdebstrap")


def version(tool: str) -> str:
    """The first line that a tool says of its version."""
    if not shutil.which(tool):
        return "not here"
    said = subprocess.run([tool, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return next(iter(said.stdout.splitlines()), "")


def section() -> list[str]:
    """The section of the page."""
    from stackbuild.native import is_native

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    rows = [
        ["processor", f"{model or platform.machine()}, {os.cpu_count()} cores"],
        ["system", f"{platform.system()} {platform.release()}, {platform.machine()}"],
        ["Python", f"{platform.python_implementation()} {platform.python_version()}"],
        ["stackbuild's native core", "used" if is_native() else "not used"],
        *([tool, version(tool)] for tool in TOOLS),
    ]
    return ["## The machine", "", *table(["", ""], rows)]
