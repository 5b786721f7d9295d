"""Hands images to podman or docker on this machine, and runs them there.

podman reads a layout itself, and only the layers that it lacks, so a base whose layers it has need not even
be fetched. docker is given one archive.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BuildFailed, RequestError
from ..oci.model import Image
from ..oci.remote import Remote
from ..store import Store
from ..trace import traced
from .archive import write_archive
from .layout import write_layout

_TRIES = 20
ENGINES = ("podman", "docker")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}


def find_engine(chosen: str | None) -> str:
    """The engine to use: the chosen one, else the first that is installed. Raises RequestError."""
    for engine in (chosen,) if chosen else ENGINES:
        if shutil.which(engine):
            return engine
    what = f"{chosen} is not installed" if chosen else "neither podman nor docker is installed"
    raise RequestError(what, hint="install one, or write an archive with 'stackbuild image --format'")


@traced("load into the engine")
def load(store: Store, remote: Remote, engine: str, result: Any, name: str, tags: Sequence[str]) -> str:
    """Load an image under its names, of several platforms this machine's; returns the engine's id of it.

    name: of the target, for messages. Raises RequestError when there are several and none is this machine's,
    BuildFailed when the engine refuses.
    """
    image = _fitting(result, name)
    result = {"images": [image.data()], "index": None}
    with tempfile.TemporaryDirectory(dir=store.temp, prefix="load-") as folder:
        by = _into_podman if engine == "podman" else _into_docker
        return by(store, remote, result, image, tags, Path(folder))


def _fitting(result: Any, name: str) -> Image:
    images = [Image.of(data) for data in result["images"]]
    if len(images) == 1:
        return images[0]
    machine = platform.machine().lower()
    here = f"linux/{_ARCHITECTURES.get(machine, machine)}"
    for image in images:
        if image.platform == here:
            return image
    have = ", ".join(image.platform for image in images)
    raise RequestError(f"{name} is not for {here}, but for {have}", hint="choose one with --platform")


def _into_podman(
    store: Store, remote: Remote, result: Any, image: Image, tags: Sequence[str], folder: Path
) -> str:
    layers = [layer for layer in image.layers if layer.origin]
    absent = [layer for layer in layers if not store.blobs.has(layer.layer.digest, layer.layer.size)]
    known = _known_to_podman(image) if absent else set()
    skipped = {layer.layer.digest for layer in absent if layer.layer.diff_id in known}
    name = f"stackbuild-{uuid.uuid4().hex}"  # podman names what it pulls after the layout; others load too
    pull = ["podman", "pull", "--quiet", f"oci:{name}"]
    try:
        remote.fetch([layer for layer in layers if layer.layer.digest not in skipped], store)
        write_layout(store, result, folder / name, without=skipped)
        identity = _said(pull, folder)
    except BuildFailed:
        if not skipped:
            raise
        # It has these layers, but not from these blobs: give it all of them.
        remote.fetch(layers, store)
        write_layout(store, result, folder / name)
        identity = _said(pull, folder)
    if tags:
        _said(["podman", "tag", identity, *tags], folder)
    with contextlib.suppress(BuildFailed):
        _said(["podman", "untag", identity, f"localhost/{name}:latest"], folder)
    return identity


def _known_to_podman(image: Image) -> set[str]:
    """The diff_ids, from the lowest layer on, that some image of podman's has in the same places."""
    try:
        listed = _output(["podman", "images", "--quiet", "--no-trunc"], Path.cwd()).split()
        described = (
            _output(["podman", "image", "inspect", *sorted(set(listed))], Path.cwd()) if listed else "[]"
        )
        chains = json.loads(described)
    except (BuildFailed, ValueError):
        return set()  # an image may go between the two questions; then all layers are given
    ours = [layer.layer.diff_id for layer in image.layers]
    longest = 0
    for chain in chains:
        theirs = (chain.get("RootFS") or {}).get("Layers") or []
        same = [one == other for one, other in zip(ours, theirs, strict=False)]
        longest = max(longest, same.index(False) if False in same else len(same))
    return set(ours[:longest])


def _into_docker(
    store: Store, remote: Remote, result: Any, image: Image, tags: Sequence[str], folder: Path
) -> str:
    remote.fetch(image.layers, store)
    archive = folder / "image.tar"
    write_archive(store, result, archive, "docker-archive", tags[0] if tags else None)
    _said(["docker", "load", "--quiet", "--input", str(archive)], folder)
    if not tags:
        return str(image.config["digest"])
    for tag in tags[1:]:
        _said(["docker", "tag", tags[0], tag], folder)
    return _said(["docker", "image", "inspect", "--format", "{{.Id}}", tags[0]], folder)


def run(engine: str, identity: str, options: Sequence[str], arguments: Sequence[str]) -> int:
    """Run a container of a loaded image, attached to this terminal; returns its exit status."""
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    command = [engine, "run", "--rm", *terminal, *options, identity, *arguments]
    return subprocess.run(command, check=False).returncode


class Container:
    """A container of a loaded image that runs beside us, attached to this terminal, until it is stopped."""

    def __init__(self, engine: str, identity: str, options: Sequence[str], arguments: Sequence[str]) -> None:
        self._engine, self._name = engine, f"stackbuild-{os.getpid()}-{identity[-12:]}"
        command = [engine, "run", "--rm", "--name", self._name, *options, identity, *arguments]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise BuildFailed(f"{engine} cannot be run: {error.strerror}") from error

    def stop(self) -> None:
        """Stop it, if it still runs, as the engine stops containers: first asked, then killed."""
        stop = [self._engine, "stop", "--time", "3", self._name]
        for _ in range(_TRIES):  # one that is only about to start cannot be stopped yet
            if self._process.poll() is not None:
                return
            subprocess.run(stop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        self._process.kill()
        self._process.wait()


def _said(command: Sequence[str], folder: Path) -> str:
    """The last line that a command of the engine's prints. Raises BuildFailed."""
    return (_output(command, folder).strip().splitlines() or [""])[-1]


def _output(command: Sequence[str], folder: Path) -> str:
    """All that a command of the engine's prints. Raises BuildFailed with its last words."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildFailed(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise BuildFailed(f"'{' '.join(command[:2])}' failed: {words}")
    return done.stdout
