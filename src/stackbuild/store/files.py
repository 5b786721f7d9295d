"""Writing files so that a kill or a full disk never leaves half of one behind."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from ..errors import StoreError
from ..trace import span

TEMPORARY = ".stackbuild-"  # how the name of an unfinished file begins, so that a kill's leavings are known


def _hint(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "free some space"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "choose a folder that you may write to"
    return ""


def cannot_write(folder: Path, error: OSError) -> StoreError:
    """What to raise when writing in a folder failed."""
    return StoreError(f"cannot write in {folder}: {error.strerror or error}", hint=_hint(error))


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """An open temporary file in `folder`; removed at the end unless it was moved away.

    Raises StoreError when it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
        path = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing, if it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[BinaryIO]:
    """The file at `path`, made if need be, open and held against other processes that hold it so.

    Raises StoreError when it cannot be.
    """
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(path.parent, error) from error
        file = os.fdopen(handle, "r+b")
        with contextlib.suppress(OSError), span("wait for a lock", path=path):
            fcntl.flock(handle, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        file.close()  # whoever held it before has moved it away
    with file:
        yield file


def write(file: IO[bytes], data: bytes, folder: Path) -> None:
    """Write to a file of a folder. Raises StoreError."""
    try:
        file.write(data)
    except OSError as error:
        raise cannot_write(folder, error) from error


def publish(file: BinaryIO, temp: Path, final: Path, mode: int = 0o600, *, durable: bool = True) -> None:
    """Give a finished temporary file its name: fsync, rename, fsync of the folder. Raises StoreError.

    durable: whether to wait for the disk.
    """
    try:
        file.flush()
        os.fchmod(file.fileno(), mode)
        if durable:
            os.fsync(file.fileno())
        else:
            os.close(os.dup(file.fileno()))  # network file systems say now if they cannot take it
        temp.replace(final)
        if durable:
            sync(final.parent)
    except OSError as error:
        raise cannot_write(final.parent, error) from error


def write_atomically(final: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `final` with `data`, whole or not at all."""
    final.parent.mkdir(parents=True, exist_ok=True)
    with temporary(final.parent) as (file, temp):
        file.write(data)
        publish(file, temp, final, mode)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes that hold it so, and remove what a kill left there.

    No more than a courtesy where a file system has no locks.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            with span("wait for a lock", path=folder):
                fcntl.flock(handle, fcntl.LOCK_EX)
            for left in folder.glob(f"{TEMPORARY}*"):
                left.unlink()
        yield
    finally:
        os.close(handle)


def umask() -> int:
    """The bits that this process takes from the modes of new files."""
    mask = os.umask(0o077)  # the only way to ask
    os.umask(mask)
    return mask
