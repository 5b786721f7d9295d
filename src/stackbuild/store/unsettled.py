"""Marks of blobs that the disk was not waited for, as little would be lost: earlier blobs hold most of them.

A kill does such a blob no harm, only a crash of the whole machine does. So its mark, a symlink `HEX.NUMBER`
to the boot id, is on the disk before the blob has its name; and after the next start it is read whole.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..again.boot import boot_id
from .files import sync

_WRITTEN = 60
"""Seconds after which a system has written by itself (Linux: vm.dirty_expire_centisecs, 30 s), so that
waiting for it costs nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """That a blob may not be on the disk. crashed: the machine was started since; recent: it may be
    that the blob still comes."""

    path: Path
    digest: str
    crashed: bool
    recent: bool

    def remove(self) -> None:
        """The blob is judged, or gone."""
        self.path.unlink(missing_ok=True)


class Unsettled:
    """The marks of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, digest: str) -> bool:
        """Mark a blob that comes. False, and no mark, where no crash would be noticed. Raises OSError."""
        boot = boot_id()
        if not boot:
            return False
        name = f"{digest.removeprefix('sha256:')}.{os.urandom(4).hex()}"  # each its own, so that none is lost
        (self._folder / name).symlink_to(boot)
        sync(self._folder)
        return True

    def due(self) -> Iterator[Mark]:
        """The marks of before a crash, and those whose blobs should be on the disk by now."""
        boot, now = boot_id(), time.time()
        for path in list(self._folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                recent = 0 <= now - path.lstat().st_mtime < _WRITTEN
                crashed = not boot or str(path.readlink()) != boot
                if crashed or not recent:
                    yield Mark(path, f"sha256:{path.name.partition('.')[0]}", crashed, recent)
