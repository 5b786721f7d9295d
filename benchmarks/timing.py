"""Times whole processes, and keeps every single timing for the end of the page."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

OURS = [sys.executable, "-m", "stackbuild"]
PAUSE = 0.2
"""Seconds after an edit: files younger than 50 ms at a build are not believed unchanged in the next."""
RAW: dict[str, dict[str, list[float]]] = {}


def run(command: list[str], root: Path, env: dict[str, str]) -> tuple[float, int]:
    """Seconds, and the most memory in MiB, of a whole process. The memory is never less than this one's."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(command)}: {said.decode()}")
    return seconds, usage.ru_maxrss // 1024


def keep(section: str, found: dict[str, list[float]]) -> None:
    """Have timings, in seconds by name, among the raw rows."""
    RAW.setdefault(section, {}).update(found)


class Clock:
    """Times commands in one folder, with a store outside of it."""

    def __init__(self, section: str, root: Path) -> None:
        self.root, self.store = root, root.parent / f"{root.name}-store"
        self.found: dict[str, list[float]] = {}
        self._peaks: dict[str, int] = {}
        self._env = {**os.environ, "STACKBUILD_STORE": str(self.store), "STACKBUILD_PROGRESS": "none"}
        RAW[section] = self.found

    def run(self, command: list[str], name: str = "") -> None:
        """Run a command; without a name, its time does not count. What others left to be written is first."""
        if name:
            os.sync()
        seconds, peak = run(command, self.root, self._env)
        if name:
            self.found.setdefault(name, []).append(seconds)
            self._peaks[name] = max(peak, self._peaks.get(name, 0))

    def image(self, target: str, name: str = "") -> None:
        """Build one of our images."""
        self.run([*OURS, "image", f"//:{target}"], name)

    def settle(self, target: str) -> None:
        """Build until the next build finds its answer saved."""
        time.sleep(PAUSE)
        for _ in range(2):
            self.image(target)

    def forget(self) -> None:
        """Take away all that was built."""
        for folder in (self.store, self.root / "dist", self.root / "L"):
            shutil.rmtree(folder, ignore_errors=True)

    def median(self, name: str) -> float:
        """Seconds."""
        return statistics.median(self.found[name])

    def peak(self, name: str) -> int:
        """The most MiB of a run."""
        return self._peaks[name]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table in lines of Markdown, and an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def details() -> list[str]:
    """Every timing, in seconds, folded away."""
    lines = ["<details><summary>Every single timing, in seconds</summary>", ""]
    for section, found in RAW.items():
        for name, values in found.items():
            lines.append(f"- {section}: {name}: " + ", ".join(f"{value:.3f}" for value in values))
    return [*lines, "", "</details>"]
