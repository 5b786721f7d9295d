"""Times stackbuild beside its peers in one run, and writes docs/benchmarks.md.

Two trees: "many" (50,000 files of about 4 KiB) and "big" (20 files of 50 MiB); then a small example, growth,
registries, a monorepo and packages. Each figure is the median of whole processes, the commands taking turns.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import growth
import layers
import machine
import monorepo
import packages
import registry
import small
import timing
import trees

TOP = Path(__file__).parents[1]
HEAD = """# Benchmarks

Written by `make benchmark`: medians of {runs} whole processes, the commands taking turns, page cache
warm{scale}.

Compare ratios, not seconds: a ratio is one median by another of the same run, on the same tree, so that a
slow machine slows both; below 1, stackbuild is the quicker. Ours end with an OCI layout on the disk, durable
(fsync) when cold; with one file changed, the disk is not waited for, as the layer is mostly an earlier one's
(docs/decisions/0007-speed.md). The pipes of tar write no file at all, and umoci never waits for the disk. MB
are 10^6 bytes, of the compressed layer. Peak memory is that of the largest process of the command.
"""


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    flag = argparse.BooleanOptionalAction
    parser.add_argument("--scale", type=float, default=1.0, help="size of the trees; 1 for the whole")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--buildah", action=flag, default=False, help="buildah too, one run of minutes")
    parser.add_argument("--grow", action=flag, default=None, help="up to 500,000 files; default: at scale 1")
    parser.add_argument("--network", action=flag, default=True, help="packages, fetched from the internet")
    parser.add_argument("--network-runs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=TOP / "docs" / "benchmarks.md")
    return parser.parse_args()


def within(section: Callable[[Path], list[str]]) -> list[str]:
    """A section made in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "x"
        root.mkdir()
        return section(root)


def main() -> None:
    asked = options()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    runs, scale = asked.runs, asked.scale

    def tree(title: str, make: Callable[[Path, float], None]) -> list[str]:
        def section(root: Path) -> list[str]:
            trees.apart(make, root, scale)
            return layers.section(title, root, runs, asked.buildah and shutil.which("buildah") is not None)

        return within(section)

    sections = [
        lambda: tree("Many: 50,000 small files", trees.make_many),
        lambda: tree("Big: 20 files of 50 MiB", trees.make_big),
        lambda: within(lambda root: small.section(root, 3 * runs)),
    ]
    if asked.grow if asked.grow is not None else scale == 1:
        sections.append(lambda: within(lambda root: growth.section(root, runs, scale)))
    if asked.network:
        sections.append(lambda: within(lambda root: packages.tables(root, asked.network_runs)))
    sections.append(lambda: within(lambda root: monorepo.table(root, scale, runs)))
    if shutil.which("docker-registry") and shutil.which("skopeo"):
        sections.append(lambda: within(lambda x: registry.table(registry.measure(x / "x", runs, scale))))
    lines = [*HEAD.format(runs=runs, scale="" if scale == 1 else f"; scale {scale}").splitlines(), ""]
    for section in sections:
        lines += section()
        # Whole after each: a run takes most of an hour, and what breaks late must not cost the rest.
        asked.out.write_text("\n".join([*lines, *machine.section(), *timing.details()]) + "\n")


if __name__ == "__main__":
    main()
