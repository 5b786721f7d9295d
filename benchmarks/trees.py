"""The trees that the benchmarks build, the same on every machine."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path


def apart(make: Callable[..., None], *arguments: object) -> None:
    """Make a tree in a process of its own: on Linux what it takes of memory counts as the peak of all that
    its process starts later."""
    child = multiprocessing.get_context("fork").Process(target=make, args=arguments)
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(f"making a tree failed: {child.exitcode}")


def make_many(root: Path, scale: float) -> None:
    """Small files, a fifth of them noise, in nested folders."""
    rng = random.Random(1)
    words = [f"{rng.choice('abcdefgh')}{rng.randrange(10**6):x}" for _ in range(4000)]
    for number in range(max(20, round(50_000 * scale))):
        size = min(262_144, max(1, int(rng.lognormvariate(8.3, 1.0))))
        text = " ".join(rng.choices(words, k=size // 7 + 1)).encode()
        path = root / "app" / f"m{number // 400}" / f"d{number // 20 % 20}" / f"f{number}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(size) if number % 5 == 0 else text[:size])


def make_big(root: Path, scale: float) -> None:
    """Big files that compress to about half."""
    rng = random.Random(2)
    noise, text = rng.randbytes(1 << 20), b"the quick brown fox, line after line;\n" * 27_000
    (root / "app").mkdir()
    for number in range(20):
        with open(root / "app" / f"shard{number}", "wb") as file:
            for _ in range(max(1, round(100 * scale))):
                start = rng.randrange(1 << 19)
                file.write(noise[start : start + (1 << 18)] + text[start : start + (1 << 18)])


def make_even(root: Path, count: int) -> None:
    """`count` files of 1 KiB, 500 to a folder: half noise, half text."""
    rng = random.Random(3)
    noise, text = rng.randbytes(1 << 20), b"the quick brown fox, line after line;\n" * 14
    for number in range(count):
        if number % 500 == 0:
            folder = root / "app" / f"d{number // 500}"
            folder.mkdir(parents=True)
        start = rng.randrange(1 << 19)
        with open(f"{folder}/f{number}", "wb", buffering=0) as file:
            file.write(noise[start : start + 512] + text[:512])


def files(root: Path) -> Iterator[str]:
    """The paths under app/, one at a time: a list of them all would count as memory of what is timed."""
    for folder, folders, names in os.walk(root / "app"):
        folders.sort()
        for name in sorted(names):
            yield os.path.join(folder, name)  # noqa: PTH118  quicker


def edit(root: Path, number: int) -> None:
    """Change a few bytes of one file, another one for each number."""
    chosen = number * 7919 % sum(1 for _ in files(root))
    with open(next(islice(files(root), chosen, None)), "r+b") as file:
        file.write(os.urandom(8))


def commit(root: Path) -> None:
    """The tree in a git repository."""
    author = ["-c", "user.name=a", "-c", "user.email=a@a"]
    alone = ["config", "gc.auto", "0"]  # else it collects in the background, beside what is timed
    for words in (["init", "-q"], alone, ["add", "-A"], [*author, "commit", "-qm", "1"]):
        subprocess.run(["git", *words], cwd=root, check=True)
