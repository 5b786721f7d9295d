"""Marks of blobs that the disk was not waited for, as little would be lost: earlier blobs hold most of them.

A kill does such a blob no harm, only a crash of the whole machine does. So its mark, a symlink `HEX.NUMBER`
to the boot id, is on the disk before the blob has its name; and after the next start it is read whole.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..again.boot import boot_id
from ..digests import is_digest
from ..frozen import frozen
from .files import sync

_WRITTEN = 60
"""Seconds after which a system has written by itself (Linux: vm.dirty_expire_centisecs, 30 s), so that
waiting for it costs nothing."""

_DAY = 86_400  # a file server's clock may be ahead


@frozen(slots=True)
class Mark:
    """That a blob may not be on the disk. crashed: the machine was started since; recent: it may be
    that the blob still comes."""

    path: Path
    digest: str
    crashed: bool
    recent: bool

    def remove(self) -> None:
        """The blob is judged, or gone."""
        with contextlib.suppress(OSError):  # one too many costs a look at each start
            self.path.unlink()


def _says(path: Path) -> str:
    """The boot id of a mark; "" where it is no symlink any more, as when a store was copied."""
    try:
        return str(path.readlink())
    except FileNotFoundError:
        raise
    except OSError:
        return ""


class Unsettled:
    """The marks of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, digest: str) -> Path | None:
        """Mark a blob that comes. None, and no mark, where no crash would be noticed. Raises OSError."""
        boot = boot_id()
        if not boot:
            return None
        name = f"{digest.removeprefix('sha256:')}.{os.urandom(4).hex()}"  # each its own, so that none is lost
        (self._folder / name).symlink_to(boot)
        sync(self._folder)
        return self._folder / name

    def due(self) -> Iterator[Mark]:
        """The marks of before a crash, and those whose blobs should be on the disk by now."""
        boot, now = boot_id(), time.time()
        for path in list(self._folder.iterdir()):
            digest = f"sha256:{path.name.partition('.')[0]}"
            with contextlib.suppress(FileNotFoundError):
                recent = -_DAY < now - path.lstat().st_mtime < _WRITTEN
                crashed = not boot or _says(path) != boot
                if is_digest(digest) and (crashed or not recent):
                    yield Mark(path, digest, crashed, recent)
