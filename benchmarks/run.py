"""Times stackbuild beside its peers on one tree in one run, and writes docs/benchmarks.md.

Two trees: "many" (50,000 files of about 4 KiB) and "big" (20 files of 50 MiB). Each figure is the median of
whole processes, the commands taking turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import monorepo
import packages
import registry

TOP = Path(__file__).parents[1]
BUILD = '[workspace]\n[files.tree]\nsrcs = ["app/**"]\n[image.img]\nlayers = [":tree"]\n'
DOCKERFILE = "FROM scratch\nCOPY app /app\n"


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


def timed(command: list[str], root: Path, env: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def edit(root: Path, number: int) -> None:
    """Change a few bytes of one file."""
    files = sorted(path for path in (root / "app").rglob("*") if path.is_file())
    with open(files[number * 7919 % len(files)], "r+b") as file:
        file.write(os.urandom(8))


def measure(root: Path, runs: int, with_buildah: bool) -> dict[str, float]:
    """Medians in seconds."""
    found: dict[str, list[float]] = {}
    env = {**os.environ, "STACKBUILD_STORE": str(root / "store")}
    ours = [sys.executable, "-m", "stackbuild", "image", "//:img", "--progress", "none"]
    buildah = ["buildah", "--root", str(root / "b"), "--runroot", str(root / "r"), "--storage-driver", "vfs"]
    bud = [*buildah, "bud", "--layers", "--isolation", "chroot", "-f", "Dockerfile", "-t", "x", "."]

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    for number in range(runs):
        for folder in ("store", "dist"):
            shutil.rmtree(root / folder, ignore_errors=True)
        note("stackbuild, cold", timed(ours, root, env))
        for level in ("1", "6"):
            pipe = f"tar --sort=name -c app | pigz -{level} | sha256sum"
            note(f"tar, pigz -{level}, sha256sum", timed(["sh", "-c", pipe], root, env))
        note("stackbuild, no change", timed(ours, root, env))
        edit(root, number)
        note("stackbuild, one file changed", timed(ours, root, env))
    if with_buildah:
        note("buildah bud --layers, cold", timed(bud, root, env))
        note("buildah bud --layers, no change", timed(bud, root, env))
        edit(root, runs)
        note("buildah bud --layers, one file changed", timed(bud, root, env))
    return {name: statistics.median(values) for name, values in found.items()}


def table(title: str, medians: dict[str, float]) -> list[str]:
    base = medians["stackbuild, cold"]
    lines = [f"## {title}", "", "| | seconds | ratio to stackbuild, cold |", "| --- | --- | --- |"]
    lines += [f"| {name} | {value:.2f} | {value / base:.2f} |" for name, value in sorted(medians.items())]
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=TOP / "docs" / "benchmarks.md")
    options = parser.parse_args()
    buildah = shutil.which("buildah") is not None
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make benchmark`. {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, "
        f"scale {options.scale}, medians of {options.runs} whole processes taking turns (buildah: one). "
        "Compare ratios, not seconds: the machine is shared.",
        "",
    ]
    for title, make in (("Many: 50,000 small files", make_many), ("Big: 20 files of 50 MiB", make_big)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "BUILD.toml").write_text(BUILD)
            (root / "Dockerfile").write_text(DOCKERFILE)
            (root / ".dockerignore").write_text("store\ndist\nb\nr\n")
            make(root, options.scale)
            lines += table(title, measure(root, options.runs, buildah))
    if shutil.which("docker-registry") and shutil.which("skopeo"):
        with tempfile.TemporaryDirectory() as folder:
            lines += registry.table(registry.measure(Path(folder) / "x", options.runs, options.scale))
    with tempfile.TemporaryDirectory() as folder:
        lines += monorepo.table(Path(folder), options.scale, options.runs)
    with tempfile.TemporaryDirectory() as folder:
        lines += packages.tables(Path(folder), options.runs)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    lines.append(f"The largest process of all, peers included, took {peak:.0f} MiB.")
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
