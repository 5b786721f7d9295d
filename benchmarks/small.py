"""What it costs to start: an example of three targets in which nothing changed."""

from __future__ import annotations

import sys
from pathlib import Path

from timing import Clock, table

BUILD = """[workspace]
[files.code]
srcs = ["src/*.py"]
to = "/app"
[files.conf]
srcs = ["conf/*"]
to = "/etc/app"
[image.img]
layers = [":code", ":conf"]
entrypoint = ["/app/main.py"]
"""


def section(root: Path, runs: int) -> list[str]:
    """The section of the page."""
    for name in ("src/main.py", "src/more.py", "conf/app.toml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    (root / "BUILD.toml").write_text(BUILD)
    title = "A small example: 3 targets"
    clock = Clock(title, root)
    python = [sys.executable, "-c", "pass"]
    clock.run(python)
    clock.settle("img")
    for _ in range(runs):
        clock.run(python, "python -c pass")
        clock.image("img", "stackbuild, no change")
    base = clock.median("python -c pass")
    rows = [[n, f"{clock.median(n) * 1000:.0f}", f"{clock.median(n) / base:.1f}"] for n in clock.found]
    return [f"## {title}", "", *table(["", "ms", "to python -c pass"], rows)]
