"""Writing files so that a kill or a full disk never leaves half of one behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".stackbuild-"  # how the name of an unfinished file begins, so that a kill's leavings are known


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """An open temporary file in `folder`; removed at the end unless it was moved away."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
    path = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def publish(file: BinaryIO, temp: Path, final: Path, mode: int = 0o600) -> None:
    """Give a finished temporary file its name: fsync, rename, fsync of the folder."""
    file.flush()
    os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())
    temp.replace(final)
    sync_folder(final.parent)


def write_atomically(final: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `final` with `data`, whole or not at all."""
    final.parent.mkdir(parents=True, exist_ok=True)
    with temporary(final.parent) as (file, temp):
        file.write(data)
        publish(file, temp, final, mode)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes that hold it so; no more than a courtesy where a file system
    has no locks."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
