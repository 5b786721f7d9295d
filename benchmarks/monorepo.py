"""A generated monorepo (1,000 folders, 5,000 targets, 100,000 files): what questions and builds cost in it.

Beside git, in the same run: `git status` stats every file, `git ls-files` reads its index.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from pathlib import Path

from timing import PAUSE, keep, run
from trees import apart, commit

COMMON = 20
PACKAGE = """[files.src]
srcs = ["src/**", "!**/test_*"]
strip_prefix = "src"
to = "/app/{name}"

[files.assets]
srcs = ["assets/**"]
to = "/app/{name}"

[files.conf]
srcs = ["conf/*.toml"]
to = "/etc/{name}"
owner = "0:0"

[image.img]
layers = [{common}, ":src", ":conf"]
entrypoint = ["/app/{name}/main"]
tags = ["app"]

[image.debug]
base = ":img"
layers = [":assets"]
"""
SHARED = "//libs/l0:src"


def make(root: Path, scale: float) -> None:
    """The tree, committed. scale: 1 for the whole."""
    rng = random.Random(5)
    folders = max(10, round(1000 * scale))
    (root / "BUILD.toml").write_text('[workspace]\n\n[defaults.files]\nowner = "1000:1000"\n')
    words = [f"{rng.choice('abcdefgh')}{rng.randrange(10**6):x}" for _ in range(2000)]
    libs = [f"libs/l{number}" for number in range(min(COMMON, folders // 2))]
    apps = [f"apps/g{number // 50}/a{number}" for number in range(folders - len(libs))]
    for folder in [*libs, *apps]:
        name = folder.rpartition("/")[2]
        chosen = rng.sample(libs[1:], 3) if folder in apps else []
        common = ", ".join(f'"//{lib}:src"' for lib in ([libs[0], *chosen] if chosen else chosen))
        text = PACKAGE.format(name=name, common=common).replace("[, ", "[")
        for kind, count, suffix in (("src", 60, "py"), ("assets", 35, "svg"), ("conf", 4, "toml")):
            for number in range(count):
                path = root / folder / kind / f"d{number // 20}" / f"f{number}.{suffix}"
                path = path if kind != "conf" else root / folder / kind / f"f{number}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(
                    f"{folder} {kind} {number} " + " ".join(rng.choices(words, k=rng.randrange(20, 120)))
                )
        (root / folder / "BUILD.toml").write_text(text)
    (root / ".gitignore").write_text("dist/\n")
    commit(root)


def settle(command: list[str], root: Path, env: dict[str, str]) -> None:
    """Build until the next build finds its answer saved."""
    time.sleep(PAUSE)
    for _ in range(2):
        run(command, root, env)


def measure(root: Path, runs: int) -> dict[str, tuple[float, int]]:
    """name -> (median seconds, most MiB); the commands take turns."""
    env = {**os.environ, "STACKBUILD_STORE": str(root.parent / "store"), "GIT_OPTIONAL_LOCKS": "1"}
    ours = [sys.executable, "-m", "stackbuild"]
    image = [*ours, "image", "//...", "--progress", "none", "--output", "none"]
    found: dict[str, list[tuple[float, int]]] = {"cold image //...": [run(image, root, env)]}
    edited = sorted((root / "apps").rglob("src/d0/f7.py"))
    commands = {
        "git status": ["git", "status", "--porcelain"],
        "git ls-files": ["git", "ls-files"],
        "list //...": [*ours, "list", "//..."],
        "dependents of the most shared layer": [*ours, "dependents", "--transitive", SHARED],
        "list one package": [*ours, "list", "//libs/l0:all"],
        "image of one target, no change": [
            *ours,
            "image",
            str(edited[0].parents[2].relative_to(root)) + ":img",
            "--output",
            "none",
        ],
        "image //..., no change": image,
        "image //..., no change, with dist/": [*ours, "image", "//...", "--progress", "none"],
    }
    for number in range(runs):
        for name, command in commands.items():
            if "no change" in name:
                settle(command, root, env)
            found.setdefault(name, []).append(run(command, root, env))
        path = edited[number * 37 % len(edited)]
        path.write_text(f"edited {number} {time.time()}")
        time.sleep(PAUSE)
        since = [*ours, "list", "--changed-since", "HEAD", "--dependents", "transitive", "//..."]
        found.setdefault("list --changed-since, one file edited", []).append(run(since, root, env))
        found.setdefault("image //..., one file edited", []).append(run(image, root, env))
    keep("Monorepo", {name: [seconds for seconds, _ in rows] for name, rows in found.items()})
    return {
        name: (statistics.median(seconds for seconds, _ in rows), max(memory for _, memory in rows))
        for name, rows in found.items()
    }


def table(folder: Path, scale: float, runs: int) -> list[str]:
    """The section of the page, in lines of Markdown."""
    root = folder / "monorepo"
    root.mkdir()
    apart(make, root, scale)
    found = measure(root, runs)
    status, files = found["git status"][0], found["git ls-files"][0]
    lines = [
        "## A monorepo: 1,000 folders, 5,000 targets, 100,000 files",
        "",
        "| | seconds | of `git status` | of `git ls-files` | MiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (seconds, memory) in found.items():
        ratios = f"{seconds / status:.2f}x | {seconds / files:.1f}x"
        lines.append(f"| {name} | {seconds:.2f} | {ratios} | {memory} |")
    return [*lines, ""]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temp:
        print("\n".join(table(Path(temp), float(sys.argv[1]), int(sys.argv[2]))))
