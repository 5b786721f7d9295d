"""How cost grows with the number of files."""

from __future__ import annotations

import shutil
from pathlib import Path

from timing import Clock, table
from trees import apart, make_even

COUNTS = (5_000, 50_000, 500_000)
BUILD = '[workspace]\n[files.tree]\nsrcs = ["app/**"]\n[image.img]\nlayers = [":tree"]\n'


def section(folder: Path, runs: int, scale: float) -> list[str]:
    """The section of the page; the largest tree is built once."""
    title = "Growth: files of 1 KiB, cold"
    rows, before = [], (0.0, 0)
    for count in (round(number * scale) for number in COUNTS):
        root = folder / str(count)
        root.mkdir()
        (root / "BUILD.toml").write_text(BUILD)
        apart(make_even, root, count)
        clock = Clock(f"{title}, {count:,} files", root)
        for _ in range(1 if count > 100_000 else runs):
            clock.forget()
            clock.image("img", "stackbuild, cold")
        now = clock.median("stackbuild, cold"), clock.peak("stackbuild, cold")
        ratios = [f"{a / b:.2f}" if b else "" for a, b in zip(now, before, strict=True)]
        rows.append([f"{count:,}", f"{now[0]:.2f}", ratios[0], str(now[1]), ratios[1]])
        before = now
        clock.forget()
        shutil.rmtree(root)
    return [f"## {title}", "", *table(["files", "seconds", "to 10x fewer", "peak MiB", "ratio"], rows)]
