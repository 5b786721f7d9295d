"""What a file's bytes hash to, remembered as long as its lstat proves that they cannot have changed.

As with git's "racy" entries, nothing is remembered of a file whose mtime and ctime are not older than the
moment of hashing by more than the clock's grain: a write in the same tick would go unseen.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from stat import S_ISREG

from ..errors import BuildFailed
from ..keys import Algorithm, new_hash
from ..native import stats
from ..native.library import FLAGS
from ..trace import traced
from ..witness import refuse
from .index import Index

_PIECE = 1 << 20
_AT_ONCE = 1_000  # folders that are written together
_LOAD = "SELECT folder, names, rows, hashes FROM fingerprint WHERE algorithm = ? AND "
_KEEP = "INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM fingerprint WHERE algorithm = ? AND folder = ?"
_Folder = dict[str, tuple[bytes, str]]  # name -> (row, fingerprint)


class Fingerprints:
    """The fingerprints of files, under one algorithm. Rows are those of `stackbuild.native.stats`."""

    def __init__(self, index: Index, algorithm: Algorithm) -> None:
        self._index, self.algorithm = index, algorithm
        self._packed: dict[str, tuple[bytes, bytes, bytes]] = {}  # as the index has it, until it is asked for
        self._known: dict[str, _Folder] = {}
        self._learnt: dict[str, _Folder] = {}  # what is not kept yet
        self._loaded: set[str] = set()  # with all below them
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self.hashed = 0  # files read, for tests and reports

    def _folder(self, path: str) -> _Folder:
        """What is known of the files in a folder."""
        if (found := self._known.get(path)) is not None:
            return found
        packed = self._as_kept(path)
        return self._known.setdefault(path, _unpacked(self.algorithm, *packed) if packed else {})

    def _as_kept(self, path: str) -> tuple[bytes, bytes, bytes] | None:
        if path not in self._packed and not self._is_loaded(path):
            self._load("folder = ?", os.fsencode(path))
        return self._packed.get(path)

    def _is_loaded(self, folder: str) -> bool:
        while folder and folder not in self._loaded:
            folder = folder.rpartition("/")[0]
        return folder in self._loaded

    def _load(self, where: str, *values: bytes) -> None:
        for folder, *packed in self._index.rows(_LOAD + where, (self.algorithm, *values)):
            names, rows, hashes = packed
            self._packed.setdefault(os.fsdecode(folder), (names, rows, hashes))

    @traced("recall fingerprints")
    def preload_once(self, folder: str) -> None:
        """Read what is known of all files below `folder` at once, the first time it is asked for."""
        with self._lock:
            if self._is_loaded(folder):
                return
            low = os.fsencode(f"{folder}/".replace("//", "/"))
            itself, beyond = os.fsencode(folder), low[:-1] + b"0"
            self._load("(folder = ? OR folder >= ? AND folder < ?)", itself, low, beyond)
            self._loaded.add(folder)

    def known(self, folder: str, names: Sequence[str], rows: bytes) -> list[str | None]:
        """The fingerprints of files in a folder as far as they are remembered and their rows, which lie one
        after another, prove it."""
        packed = self._as_kept(folder) if folder not in self._known else None
        if packed and packed[1] == rows and packed[0] == os.fsencode("\0".join(names)):
            return list[str | None](_marks(self.algorithm, packed[2]))
        remembered = self._folder(folder)
        if not remembered:
            return [None] * len(names)
        both = zip(map(remembered.get, names), stats.apart(rows), strict=True)
        return [found[1] if found and found[0] == row else None for found, row in both]

    def of(self, path: str, row: bytes) -> str:
        """The fingerprint of the regular file `path`, whose row the caller just took.

        Raises OSError when the file cannot be read, BuildFailed when it keeps changing while it is read.
        """
        folder, _, name = path.rpartition("/")
        return self.known(folder, [name], row)[0] or self._hash(path, row)

    def learn(self, folder: str, names: Sequence[str], rows: bytes, marks: Sequence[str], seen: int) -> None:
        """Remember what the bytes of files in a folder hash to, which had their rows before and after they
        were read.

        rows: one after another; seen: ns since 1970, before the first of them was read.
        """
        found = dict(zip(names, zip(stats.apart(rows), marks, strict=True), strict=True))
        if not stats.all_settled(rows, seen):
            for name in [name for name, (row, _) in found.items() if not stats.settled(row, seen)]:
                refuse(f"{folder}/{name} has only just been written")
                del found[name]
        with self._lock:
            self.hashed += len(names)
            if found:
                self._folder(folder).update(found)
                self._learnt.setdefault(folder, {}).update(found)

    def _hash(self, path: str, row: bytes) -> str:
        """Hash the bytes; once more when the file moved meanwhile; then refuse."""
        for _ in range(2):
            seen = time.time_ns()
            hasher = new_hash(self.algorithm)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | FLAGS)
            try:
                if not S_ISREG(os.fstat(handle).st_mode):
                    break
                size = stats.size(row)
                while piece := os.read(handle, _PIECE):
                    hasher.update(piece)
                    if len(piece) < _PIECE and len(piece) == size:
                        break  # fstat tells if there is more
                after = stats.row(os.fstat(handle))
            finally:
                os.close(handle)
            if after == row:
                found = f"{self.algorithm}:{hasher.hexdigest()}"
                folder, _, name = path.rpartition("/")
                self.learn(folder, [name], row, [found], seen)
                return found
            refuse(f"{path} has only just been written")
            row = after
        raise BuildFailed(f"{path} keeps changing while it is read", hint="build again when it is at rest")

    def forget(self, path: str) -> None:
        """Drop what is known of `path`: it was caught changing."""
        folder, _, name = path.rpartition("/")
        with self._keeping:
            for known in (self._folder(folder), self._learnt.get(folder, {})):
                known.pop(name, None)
            values = (self.algorithm, os.fsencode(folder))
            for home, *packed in self._index.rows(f"{_LOAD}folder = ?", values):
                kept = _unpacked(self.algorithm, *packed)
                kept.pop(name, None)
                self._replace([(home, self.algorithm, kept)])

    def forget_gone(self) -> None:
        """Drop what is known of files that no longer exist."""
        changed: list[tuple[bytes, str, _Folder]] = []
        rows = self._index.rows("SELECT folder, algorithm, names, rows, hashes FROM fingerprint")
        for folder, algorithm, *kept in rows:
            try:
                there = set(os.listdir(os.fsdecode(folder)))  # noqa: PTH208
            except OSError:
                there = set()
            known = _unpacked(algorithm, *kept)
            left = {name: found for name, found in known.items() if name in there}
            if len(left) < len(known):
                changed.append((folder, algorithm, left))
        self._replace(changed)

    def discard(self, folder: str) -> None:
        """Drop what was learnt of files below a folder that will not last, before it is saved."""
        with self._keeping, self._lock:
            for table in (self._known, self._learnt):
                for path in [path for path in table if path == folder or path.startswith(f"{folder}/")]:
                    del table[path]

    @property
    def unsaved(self) -> int:
        """How many folders have files of which something was learnt since `save`."""
        return len(self._learnt)

    @traced("keep fingerprints")
    def save(self) -> None:
        """Keep what was learnt, beside what other processes kept meanwhile. Raises StoreError."""
        with self._keeping:
            with self._lock:
                learnt, self._learnt = self._learnt, {}
            folders = list(learnt)
            for start in range(0, len(folders), _AT_ONCE):  # others want to write, too
                self._merge({folder: learnt[folder] for folder in folders[start : start + _AT_ONCE]})

    def _merge(self, learnt: dict[str, _Folder]) -> None:
        paths = [os.fsencode(folder) for folder in learnt]
        for path, *packed in self._index.rows_among(f"{_LOAD}folder IN", paths, (self.algorithm,)):
            folder = os.fsdecode(path)
            learnt[folder] = _unpacked(self.algorithm, *packed) | learnt[folder]
        self._replace([(path, self.algorithm, new) for path, new in zip(paths, learnt.values(), strict=True)])

    def _replace(self, folders: Sequence[tuple[bytes, str, _Folder]]) -> None:
        """Keep this of some folders: (path, algorithm, what is known)."""
        full = [(path, algorithm, *_packed(algorithm, known)) for path, algorithm, known in folders if known]
        empty = [(algorithm, path) for path, algorithm, known in folders if not known]
        self._index.write(_KEEP, full)
        self._index.write(_DROP, empty)


def _packed(algorithm: str, known: _Folder) -> tuple[bytes, bytes, bytes]:
    """Names, rows and hashes of a folder's files, as the index has them: in the order of a listing."""
    names = sorted(known) if "".join(known).isascii() else sorted(known, key=os.fsencode)
    found = [known[name] for name in names]
    rows = b"".join([row for row, _ in found])
    hashes = "".join([mark for _, mark in found]).replace(f"{algorithm}:", "")
    return os.fsencode("\0".join(names)), rows, bytes.fromhex(hashes)


def _unpacked(algorithm: str, names: bytes, rows: bytes, hashes: bytes) -> _Folder:
    both = zip(stats.apart(rows), _marks(algorithm, hashes), strict=True)
    return dict(zip(os.fsdecode(names).split("\0"), both, strict=True))


def _marks(algorithm: str, hashes: bytes) -> list[str]:
    """Fingerprints, as files have them."""
    width, text = 64 if algorithm == "sha256" else 32, hashes.hex()
    return [f"{algorithm}:{text[start : start + width]}" for start in range(0, len(text), width)]
