"""What a file's bytes hash to, remembered as long as its stat proves that they cannot have changed.

As with git's "racy" entries, a memory counts only when mtime and ctime are older than the moment of
hashing by more than the clock's grain; otherwise a write in the same tick would go unseen.
"""

from __future__ import annotations

import os
import threading
import time
from stat import S_ISREG

from ..errors import BuildFailed
from ..keys import Algorithm, new_hash
from ..native.library import FLAGS
from ..native.signatures import stat_text
from ..trace import traced
from ..witness import refuse, settled
from .index import Index

_PIECE = 1 << 20


class Fingerprints:
    """The fingerprints of files, under one algorithm."""

    def __init__(self, index: Index, algorithm: Algorithm) -> None:
        self._index, self.algorithm = index, algorithm
        self._known: dict[str, tuple[str, int, str]] = {}
        self._new: dict[str, tuple[str, int, str]] = {}
        self._loaded: set[str] = set()
        self._last = "\0"  # the last of them that was met, as a prefix
        self._lock = threading.Lock()
        self.hashed = 0  # files read, for tests and reports

    def _find(self, path: str) -> tuple[str, int, str] | None:
        """What is remembered of a file, from the index when its folder was not preloaded."""
        if path not in self._known and not self._is_loaded(path):
            query = "SELECT stat, seen, hash FROM fingerprint WHERE path = ?"
            for stat, seen, text in self._index.rows(query, (os.fsencode(path),)):
                self._known[path] = (stat, seen, text)
        return self._known.get(path)

    def _is_loaded(self, path: str) -> bool:
        """Whether a folder above was preloaded."""
        if path.startswith(self._last):  # neighbours are asked for one after the other
            return True
        while path:
            path = path.rpartition("/")[0]
            if path in self._loaded:
                self._last = f"{path}/"
                return True
        return False

    @traced("recall fingerprints")
    def preload_once(self, folder: str) -> None:
        """Read what is known of all files below `folder` at once, the first time it is asked for."""
        with self._lock:
            if self._is_loaded(f"{folder}/"):
                return
            self._loaded.add(folder)
            low = os.fsencode(f"{folder}/".replace("//", "/"))
            query = "SELECT path, stat, seen, hash FROM fingerprint WHERE path >= ? AND path < ?"
            for path, stat, seen, text in self._index.rows(query, (low, low[:-1] + b"0")):
                self._known[os.fsdecode(path)] = (stat, seen, text)

    def known(self, path: str, stat: os.stat_result) -> str | None:
        """The fingerprint of the file `path` as far as it is remembered and its lstat proves it."""
        found = self._find(path)
        if found and found[0] == stat_text(stat) and found[2].startswith(self.algorithm):
            return found[2] if settled(stat, found[1]) else None
        return None

    def of(self, path: str, stat: os.stat_result) -> str:
        """The fingerprint of the regular file `path`, whose lstat the caller just took.

        Raises OSError when the file cannot be read, BuildFailed when it keeps changing while it is read.
        """
        if (known := self.known(path, stat)) is not None:
            return known
        self._new[path] = self._known[path] = found = self._hash(path, stat)
        if found[0] != stat_text(stat) or not settled(stat, found[1]):
            refuse(f"{path} has only just been written")
        return found[2]

    def learn(self, path: str, stat: os.stat_result, fingerprint: str, seen: int) -> None:
        """Remember what the bytes of a file hash to, which had `stat` before and after they were read.

        seen: ns since 1970, before the first of them was.
        """
        self.hashed += 1
        if not settled(stat, seen):
            refuse(f"{path} has only just been written")
        self._new[path] = self._known[path] = (stat_text(stat), seen, fingerprint)

    def _hash(self, path: str, stat: os.stat_result) -> tuple[str, int, str]:
        """Hash the bytes; once more when the file moved meanwhile; then refuse."""
        for _ in range(2):
            seen = time.time_ns()
            hasher = new_hash(self.algorithm)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | FLAGS)
            try:
                if not S_ISREG(os.fstat(handle).st_mode):
                    break
                while piece := os.read(handle, _PIECE):
                    hasher.update(piece)
                    if len(piece) < _PIECE and len(piece) == stat.st_size:
                        break  # fstat tells if there is more
                after = os.fstat(handle)
            finally:
                os.close(handle)
            self.hashed += 1
            if stat_text(after) == stat_text(stat):
                return stat_text(stat), seen, f"{self.algorithm}:{hasher.hexdigest()}"
            stat = after
        raise BuildFailed(f"{path} keeps changing while it is read", hint="build again when it is at rest")

    def forget(self, path: str) -> None:
        """Drop what is known of `path`: it was caught changing."""
        self._known.pop(path, None)
        self._new.pop(path, None)
        self._index.write("DELETE FROM fingerprint WHERE path = ?", [(os.fsencode(path),)])

    def forget_gone(self) -> None:
        """Drop what is known of files that no longer exist."""
        paths = [path for (path,) in self._index.rows("SELECT path FROM fingerprint")]
        gone = [(path,) for path in paths if not os.path.lexists(path)]
        self._index.write("DELETE FROM fingerprint WHERE path = ?", gone)

    def discard(self, folder: str) -> None:
        """Drop what was learnt of files below a folder that will not last, before it is saved."""
        for known in (self._known, self._new):
            for path in [path for path in known if path.startswith(f"{folder}/")]:
                del known[path]

    @traced("keep fingerprints")
    def save(self) -> None:
        """Keep what was learnt."""
        rows = [(os.fsencode(path), *values) for path, values in list(self._new.items())]
        self._index.write("INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?, ?)", rows)
        self._new.clear()
