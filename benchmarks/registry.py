"""Registries: pushing 40 images that share 5 layers, twice, and pulling a large base; beside skopeo."""

from __future__ import annotations

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from timing import keep
from trees import apart

IMAGES, SHARED = 40, 5


@contextmanager
def registry(root: Path):
    """docker-registry on a port of its own, empty."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = root / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {root / 'registry'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(root / "registry", ignore_errors=True)


def fill(root: Path, host: str, scale: float) -> None:
    """A monorepo of images over shared layers."""
    rng = random.Random(1)
    text = [f'[workspace]\nrepository = "{host}/team/{{name}}"\n']
    for number in range(SHARED):
        (root / f"shared{number}").mkdir()
        (root / f"shared{number}" / "data").write_bytes(rng.randbytes(int(20 * scale * (1 << 20))))
        text.append(f'[files.shared{number}]\nsrcs = ["shared{number}/*"]\n')
    for number in range(IMAGES):
        (root / f"own{number}").mkdir()
        (root / f"own{number}" / "data").write_bytes(rng.randbytes(100_000))
        layers = [f":shared{shared}" for shared in range(SHARED)] + [f":own{number}"]
        text.append(f'[files.own{number}]\nsrcs = ["own{number}/*"]\n')
        text.append(f"[image.app{number}]\nlayers = {layers}\n")
    (root / "BUILD.toml").write_text("".join(text))


def fill_base(root: Path, host: str, scale: float) -> None:
    """An image of eight layers that compress to nothing less."""
    rng, text = random.Random(2), ["[workspace]\n"]
    for number in range(8):
        (root / f"data{number}").write_bytes(rng.randbytes(int(128 * scale * (1 << 20))))
        text.append(f'[files.f{number}]\nsrcs = ["data{number}"]\n')
    layers = [f":f{number}" for number in range(8)]
    text.append(f'[image.base]\nlayers = {layers}\nrepository = "{host}/base"\n')
    (root / "BUILD.toml").write_text("".join(text))


class Clock:
    """Times commands run in one folder; seconds by name."""

    def __init__(self, store: Path) -> None:
        self.found: dict[str, list[float]] = {}
        self._env = {**os.environ, "STACKBUILD_STORE": str(store), "STACKBUILD_PROGRESS": "none"}

    def run(self, cwd: Path, *commands: list[str], name: str = "") -> None:
        """Run commands one after the other."""
        start = time.perf_counter()
        for command in commands:
            subprocess.run(command, cwd=cwd, env=self._env, check=True, capture_output=True)
        if name:
            self.found.setdefault(name, []).append(time.perf_counter() - start)


OURS = [sys.executable, "-m", "stackbuild"]
COPY = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]


def pushes(clock: Clock, root: Path, host: str, scale: float) -> None:
    """Push 40 images, twice."""
    root.mkdir()
    apart(fill, root, host, scale)
    clock.run(root, [*OURS, "image", "//..."])
    copies = [[*COPY, f"oci:dist/app{n}", f"docker://{host}/skopeo/app{n}"] for n in range(IMAGES)]
    for name in ("push of 40 images", "pushed again"):
        clock.run(root, [*OURS, "push", "//..."], name=f"{name}, stackbuild")
        clock.run(root, *copies, name=f"{name}, skopeo copy")


def pull(clock: Clock, root: Path, store: Path, host: str, scale: float) -> None:
    """Pull a base of eight layers."""
    root.mkdir()
    apart(fill_base, root, host, scale)
    clock.run(root, [*OURS, "push", "//:base"])
    shutil.rmtree(store)
    text = ["[workspace]\n", f'[base.b]\nimage = "{host}/base"\n', '[image.img]\nbase = ":b"\n']
    (root / "BUILD.toml").write_text("".join(text))
    clock.run(root, [*OURS, "image", "//:img"], name="pull of a 1 GiB base, stackbuild")
    clock.run(
        root, [*COPY, f"docker://{host}/base", "oci:copied:x"], name="pull of a 1 GiB base, skopeo copy"
    )


def measure(root: Path, runs: int, scale: float) -> dict[str, float]:
    """Medians in seconds."""
    clock = Clock(root / "store")
    for _ in range(runs):
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        with registry(root) as host:
            pushes(clock, root / "push", host, scale)
        with registry(root) as host:
            pull(clock, root / "pull", root / "store", host, scale)
    keep("Registries", clock.found)
    return {name: statistics.median(values) for name, values in clock.found.items()}


def table(medians: dict[str, float]) -> list[str]:
    """Each figure beside its peer's."""
    lines = ["## Registries: docker-registry on this machine, beside skopeo", ""]
    lines += ["| | stackbuild, s | skopeo copy, s | ratio |", "| --- | --- | --- | --- |"]
    for name in ("push of 40 images", "pushed again", "pull of a 1 GiB base"):
        ours, theirs = medians[f"{name}, stackbuild"], medians[f"{name}, skopeo copy"]
        lines.append(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")
    return [*lines, ""]
