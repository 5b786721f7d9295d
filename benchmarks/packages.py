"""Packages: some 120 Debian packages beside mmdebstrap, some 60 wheels beside uv and buildah.

Both sides fetch over the network; "warm" has what was fetched in its cache, where the peer keeps one.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from timing import keep

MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBS = ["postgresql", "nginx", "git", "python3-venv", "ffmpeg"]
WHEELS = [
    *("flask", "numpy", "psycopg[binary]", "requests", "sqlalchemy", "alembic", "celery", "redis"),
    *(
        "pydantic",
        "fastapi",
        "uvicorn",
        "httpx",
        "jinja2",
        "click",
        "rich",
        "aiohttp",
        "cryptography",
        "pillow",
    ),
    *("pandas", "lxml", "pyyaml", "orjson", "boto3", "gunicorn", "structlog", "tenacity"),
]
OURS = [sys.executable, "-m", "stackbuild", "image", "//:img", "--progress", "none"]


def workspace(root: Path, debs: list[str], wheels: list[str]) -> None:
    """One image, of Debian packages or of wheels."""
    root.mkdir(exist_ok=True)
    text = f'[workspace]\n[workspace.deb.bookworm]\nsuite = "bookworm"\nurl = "{MIRROR}"\n[packages.p]\n'
    if debs:
        text += f'ecosystem = "deb"\ninstall = {debs}\n'
    else:
        text += f'ecosystem = "wheel"\npython = "3.11"\nto = "/app"\ninstall = {wheels}\n'
    (root / "BUILD.toml").write_text(text + '[image.img]\nlayers = [":p"]\n')


class Clock:
    """Seconds by name."""

    def __init__(self, root: Path) -> None:
        self.found: dict[str, list[float]] = {}
        self._root = root

    def run(self, name: str, *commands: list[str], cwd: Path | None = None) -> None:
        """Time commands that run one after the other."""
        env = {
            **os.environ,
            "STACKBUILD_STORE": str(self._root / "store"),
            "UV_CACHE_DIR": str(self._root / "uv"),
        }
        start = time.perf_counter()
        for command in commands:
            subprocess.run(command, cwd=cwd or self._root, env=env, check=True, capture_output=True)
        self.found.setdefault(name, []).append(time.perf_counter() - start)


def ours(clock: Clock, root: Path, kind: str, names: list[str], more: str) -> None:
    """Nothing there, no change, one package more, and a lost layer with everything fetched."""
    shutil.rmtree(root / "store", ignore_errors=True)
    shutil.rmtree(root / "ws", ignore_errors=True)

    def write(extra: list[str]) -> None:
        workspace(root / "ws", [*names, *extra] if kind == "deb" else [], [*names, *extra])

    write([])
    clock.run("stackbuild, cold", OURS, cwd=root / "ws")
    clock.run("stackbuild, no change", OURS, cwd=root / "ws")
    write([more])
    clock.run("stackbuild, one package more", OURS, cwd=root / "ws")


def mmdebstrap(clock: Clock, root: Path) -> None:
    """The same packages, unpacked into a tar that pigz compresses."""
    for name, names in (("cold", DEBS), ("one package more", [*DEBS, "tmux"])):
        source = f"deb [signed-by={KEYRING}] {MIRROR} bookworm main"
        made = [
            "mmdebstrap",
            "--variant=extract",
            "--mode=root",
            f"--include={','.join(names)}",
            "bookworm",
            "m.tar",
            source,
        ]
        clock.run(f"mmdebstrap and pigz -1, {name}", made, ["pigz", "-1", "-f", "m.tar"])


def uv(clock: Clock, root: Path) -> None:
    """The same wheels, installed into a folder that buildah copies into an image."""
    from uv import find_uv_bin

    shutil.rmtree(root / "uv", ignore_errors=True)
    for name, names in (("cold", WHEELS), ("one package more", [*WHEELS, "tabulate"])):
        shutil.rmtree(root / "target", ignore_errors=True)
        install = [
            find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--target",
            "target",
            "--python-version",
            "3.11",
            *names,
        ]
        build = "c=$(buildah from scratch) && buildah copy -q $c target /app && buildah commit -q $c oci:made"
        clock.run(f"uv pip install, buildah copy, {name}", install, ["sh", "-c", build])


def measure(root: Path, runs: int, kind: str, peer: Callable[[Clock, Path], None]) -> dict[str, float]:
    """Medians in seconds."""
    root.mkdir(parents=True, exist_ok=True)
    clock = Clock(root)
    names, more = (DEBS, "tmux") if kind == "deb" else (WHEELS, "tabulate")
    for _ in range(runs):
        ours(clock, root, kind, names, more)
        peer(clock, root)
    keep("Packages, " + kind, clock.found)
    return {name: statistics.median(values) for name, values in clock.found.items()}


def tables(root: Path, runs: int) -> list[str]:
    """Both comparisons; a peer that is not here leaves its one out."""
    lines: list[str] = []
    for kind, title, tools, peer in (
        ("deb", "Debian packages", ("mmdebstrap", "pigz"), mmdebstrap),
        ("wheel", "wheels", ("buildah",), uv),
    ):
        if not all(map(shutil.which, tools)):
            continue
        try:
            medians = measure(root / kind, runs, kind, peer)
        except (subprocess.CalledProcessError, ImportError) as error:
            print(f"{title}: {error}", file=sys.stderr)
            lines += [f"## {title}", "", "Left out: a command failed, for want of a network perhaps.", ""]
            continue
        base = medians["stackbuild, cold"]
        number = (root / kind / "ws" / "stackbuild.lock").read_text().count("[package.")
        lines += [f"## {number} {title}, fetched and installed (runs: {runs})", ""]
        lines += ["| | seconds | ratio to stackbuild, cold |", "| --- | --- | --- |"]
        lines += [
            f"| {name} | {value:.2f} | {value / base:.2f} |" for name, value in sorted(medians.items())
        ]
        lines.append("")
    return lines


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(tables(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 1)))
