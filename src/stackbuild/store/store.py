"""The store as one thing: its folder, its parts, its lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..again.place import store_folder
from ..errors import StoreError
from ..keys import Algorithm
from ..trace import span, traced
from .blobs import Blobs
from .builds import Builds
from .files import remove, write_atomically
from .fingerprints import Fingerprints
from .index import Index
from .records import Records, refill
from .unsettled import Unsettled

FORMAT = "1\n"
_ABANDONED = 86_400  # seconds after which a temporary file belongs to no running build


def default_path() -> Path:
    """$STACKBUILD_STORE, else a folder in the user's cache."""
    return Path(store_folder())


class Store:
    """A store opened for use; many processes may hold one at once.

    Raises StoreError when the folder cannot be used.
    """

    @traced("open the store")
    def __init__(self, path: Path, algorithm: Algorithm = "xxh3_128") -> None:
        self.path = path
        self.temp = path / "tmp"
        self._held = 0
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            names = ("tmp", "blobs", "blobs/sha256", "records", "builds", "answers", "unsettled")
            for folder in (path / name for name in names):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._check_format()
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.sweep_temporary()
            self.index = Index(path / "index.sqlite", lambda: refill(path / "records"))
            unsettled = Unsettled(path / "unsettled")
            self.blobs = Blobs(path / "blobs" / "sha256", self.temp, self.index, unsettled)
            self.blobs.settle()
        except OSError as error:
            owned = error.errno != errno.ENOSPC
            raise StoreError(
                f"the store {path} cannot be used: {error.strerror}",
                hint="set STACKBUILD_STORE to a folder that you own" if owned else "free some space",
            ) from error
        self.records = Records(path / "records", self.temp, self.index)
        self.builds = Builds(path / "builds", self.temp)
        self.fingerprints = Fingerprints(self.index, algorithm)

    def _check_format(self) -> None:
        mark = self.path / "format"
        if not mark.exists():
            write_atomically(mark, FORMAT.encode(), 0o600)
        elif mark.read_bytes() != FORMAT.encode():
            raise StoreError(
                f"the store {self.path} was made by another version of stackbuild",
                hint="set STACKBUILD_STORE to another folder, or remove this one",
            )

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the store as a build does: others may build too, nobody may collect. Holds may be nested."""
        if not self._held:
            with span("wait for the store"):
                fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the store alone, waiting for running builds to end."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def sweep_temporary(self) -> None:
        """Remove what killed builds left behind."""
        for entry in os.scandir(self.temp):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                    remove(Path(entry.path))

    @traced("close the store")
    def close(self) -> None:
        """Save what was learnt and let go."""
        self.fingerprints.save()
        self.records.save_used()
        self.index.close()
        os.close(self._lock)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
