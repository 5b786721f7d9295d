"""What a file's bytes hash to, remembered as long as its lstat proves that they cannot have changed.

As with git's "racy" entries, nothing is remembered of a file whose mtime and ctime are not older than the
moment of hashing by more than the clock's grain: a write in the same tick would go unseen.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from stat import S_ISREG
from typing import Any, NamedTuple

from ..errors import BuildFailed, StoreError
from ..keys import Algorithm, new_hash
from ..marks import Marks, width
from ..native import stats
from ..native.library import FLAGS
from ..trace import traced
from ..witness import refuse
from .index import Index

_PIECE = 1 << 20
_AT_ONCE = 1_000  # folders that are written together
_MANY = 500  # folders: to keep them takes so long that it is done beside what goes on
_LOAD = "SELECT folder, names, rows, hashes FROM fingerprint WHERE algorithm = ? AND "
_KEEP = "INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM fingerprint WHERE algorithm = ? AND folder = ?"
_Folder = dict[str, tuple[bytes, bytes]]  # name -> (row, fingerprint)


class _Learnt(NamedTuple):
    """Of some files in a folder, in the order of a listing, as the index has it: names, with NUL between
    them, rows and the bytes of fingerprints."""

    names: bytes
    rows: bytes
    marks: bytes

    def fits(self, algorithm: str) -> bool:
        """Whether all columns are as long: rows of the index have no checksum."""
        count = self.names.count(b"\0") + 1
        return bool(self.names) and (len(self.rows), len(self.marks)) == (
            count * stats.SIZE,
            count * width(algorithm),
        )

    def apart(self) -> _Folder:
        names = os.fsdecode(self.names).split("\0") if self.names else []
        size = len(self.marks) // len(names) if names else 1
        marks = [self.marks[start : start + size] for start in range(0, len(self.marks), size)]
        return dict(zip(names, zip(stats.apart(self.rows), marks, strict=True), strict=True))


class Fingerprints:
    """The fingerprints of files, under one algorithm. Rows are those of `stackbuild.native.stats`."""

    def __init__(self, index: Index, algorithm: Algorithm) -> None:
        self._index, self.algorithm = index, algorithm
        self._packed: dict[str, _Learnt] = {}  # as the index has it, until it is asked for
        self._known: dict[str, _Folder] = {}
        self._learnt: dict[str, list[_Learnt]] = {}  # what is not kept yet
        self._loaded: set[str] = set()  # with all below them
        self._lock, self._keeping = threading.RLock(), threading.Lock()
        self._saver: threading.Thread | None = None
        self.hashed = 0  # files read, for tests and reports

    def _folder(self, path: str) -> _Folder:
        """What is known of the files in a folder."""
        if (found := self._known.get(path)) is not None:
            return found
        with self._lock:  # nothing is learnt meanwhile
            packed = self._as_kept(path)
            known = packed.apart() if packed else {}
            return self._known.setdefault(path, known | _apart(self._learnt.get(path, ())))

    def _as_kept(self, path: str) -> _Learnt | None:
        with self._lock:
            if path not in self._packed and not self._is_loaded(path):
                self._load("folder = ?", os.fsencode(path))
            return self._packed.get(path)

    def _is_loaded(self, folder: str) -> bool:
        while folder and folder not in self._loaded:
            folder = folder.rpartition("/")[0]
        return folder in self._loaded

    def _load(self, where: str, *values: bytes) -> None:
        for folder, packed in self._sound(self._index.rows(_LOAD + where, (self.algorithm, *values))):
            self._packed.setdefault(os.fsdecode(folder), packed)

    def _sound(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[bytes, _Learnt]]:
        """Folders as the index has them, but for damaged ones."""
        for folder, *packed in rows:
            if (found := _Learnt(*packed)).fits(self.algorithm):
                yield folder, found

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

    def known(self, folder: str, names: Sequence[str], rows: bytes) -> Marks:
        """The fingerprints of files in a folder as far as they are remembered and their rows, which lie one
        after another, prove it."""
        if not names:
            return Marks(self.algorithm, b"")
        is_apart = folder in self._known or folder in self._learnt
        packed = None if is_apart else self._as_kept(folder)
        if packed and packed.rows == rows and packed.names == os.fsencode("\0".join(names)):
            return Marks(self.algorithm, packed.marks)
        found = Marks.unknown(self.algorithm, len(names))
        if is_apart or packed:
            both = zip(map(self._folder(folder).get, names), stats.apart(rows), strict=True)
            for number, (one, row) in enumerate(both):
                if one and one[0] == row:
                    found.learn(number, one[1])
        return found

    def of(self, path: str, row: bytes) -> str:
        """The fingerprint of the regular file `path`, whose row the caller just took.

        Raises OSError when the file cannot be read, BuildFailed when it keeps changing while it is read.
        """
        folder, _, name = path.rpartition("/")
        return self.known(folder, [name], row)[0] or self._hash(path, row)

    def learn(self, folder: str, names: str, rows: bytes, marks: bytes, seen: int) -> None:
        """Remember what the bytes of files in a folder hash to, which had their rows before and after they
        were read.

        names: in the order of a listing, with "/" between them; rows, marks: one after another; seen: ns
        since 1970, before any of them was read.
        """
        found = _Learnt(os.fsencode(names.replace("/", "\0")), rows, marks)
        if not stats.all_settled(rows, seen):
            found = _settled(folder, found, seen)
        with self._lock:
            self.hashed += len(rows) // stats.SIZE
            if found.names:
                if known := self._known.get(folder):
                    known.update(found.apart())
                else:
                    self._known.pop(folder, None)
                self._learnt.setdefault(folder, []).append(found)

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
                digits, (folder, _, name) = hasher.hexdigest(), path.rpartition("/")
                self.learn(folder, name, row, bytes.fromhex(digits), seen)
                return f"{self.algorithm}:{digits}"
            refuse(f"{path} has only just been written")
            row = after
        raise BuildFailed(f"{path} keeps changing while it is read", hint="build again when it is at rest")

    def forget(self, path: str) -> None:
        """Drop what is known of `path`: it was caught changing."""
        folder, _, name = path.rpartition("/")
        with self._keeping:
            with self._lock:
                self._folder(folder).pop(name, None)
                self._packed.pop(folder, None)
                if pieces := self._learnt.pop(folder, None):
                    found = _apart(pieces)
                    found.pop(name, None)
                    if found:
                        self._learnt[folder] = [_in_order(found)]
            values = (self.algorithm, os.fsencode(folder))
            for home, packed in self._sound(self._index.rows(f"{_LOAD}folder = ?", values)):
                kept = packed.apart()
                kept.pop(name, None)
                self._replace([(home, self.algorithm, _in_order(kept))])

    def forget_gone(self) -> None:
        """Drop what is known of files that no longer exist."""
        changed: list[tuple[bytes, str, _Learnt]] = []
        rows = self._index.rows("SELECT folder, algorithm, names, rows, hashes FROM fingerprint")
        for folder, algorithm, *columns in rows:
            kept = _Learnt(*columns)
            if not kept.fits(algorithm):
                changed.append((folder, algorithm, _Learnt(b"", b"", b"")))
                continue
            try:
                there = set(os.listdir(os.fsdecode(folder)))  # noqa: PTH208
            except OSError:
                there = set()
            known = kept.apart()
            left = {name: found for name, found in known.items() if name in there}
            if len(left) < len(known):
                changed.append((folder, algorithm, _in_order(left)))
        self._replace(changed)

    def discard(self, folder: str) -> None:
        """Drop what was learnt of files below a folder that will not last, before it is saved."""
        with self._keeping, self._lock:
            for table in (self._known, self._learnt, self._packed):
                for path in [path for path in table if path == folder or path.startswith(f"{folder}/")]:
                    del table[path]

    def save_soon(self) -> None:
        """Have `save` begun beside what else goes on, if there is much. It is called once more at the end."""
        with self._lock:
            if len(self._learnt) < _MANY or (self._saver and self._saver.is_alive()):
                return
            self._saver = threading.Thread(target=self._try_to_save, name="save")
            with contextlib.suppress(RuntimeError):  # no more threads are to be had: the last `save` does it
                self._saver.start()

    def _try_to_save(self) -> None:
        with contextlib.suppress(StoreError):  # nothing is lost: the last `save` tries again, and tells
            self.save()

    @traced("keep fingerprints")
    def save(self) -> None:
        """Keep what was learnt, beside what other processes kept meanwhile. Raises StoreError."""
        with self._keeping:
            with self._lock:
                folders = list(self._learnt)
            for start in range(0, len(folders), _AT_ONCE):  # others want to write, too
                some = folders[start : start + _AT_ONCE]
                with self._lock:
                    learnt = {folder: list(self._learnt[folder]) for folder in some}
                self._merge(learnt)
                with self._lock:  # who asks for it now finds it in the index
                    self._loaded.clear()
                    for folder, pieces in learnt.items():
                        self._packed.pop(folder, None)
                        self._known.pop(folder, None)
                        del self._learnt[folder][: len(pieces)]
                        if not self._learnt[folder]:
                            del self._learnt[folder]

    def _merge(self, learnt: Mapping[str, Sequence[_Learnt]]) -> None:
        paths = {os.fsencode(folder): pieces for folder, pieces in learnt.items()}
        kept = self._index.rows_among(f"{_LOAD}folder IN", list(paths), (self.algorithm,))
        known = {path: packed.apart() for path, packed in self._sound(kept)}
        merged: list[tuple[bytes, str, _Learnt]] = []
        for path, pieces in paths.items():
            found = None if path in known else _neighbours(pieces)
            found = found or _in_order(known.get(path, {}) | _apart(pieces))
            merged.append((path, self.algorithm, found))
        self._replace(merged)

    def _replace(self, folders: Sequence[tuple[bytes, str, _Learnt]]) -> None:
        """Keep this of some folders: (path, algorithm, what is known)."""
        full = [(path, algorithm, *known) for path, algorithm, known in folders if known.names]
        empty = [(algorithm, path) for path, algorithm, known in folders if not known.names]
        self._index.write(_KEEP, full)
        self._index.write(_DROP, empty)


def _settled(folder: str, found: _Learnt, seen: int) -> _Learnt:
    """Those files that may be believed to stay as they are."""
    kept = found.apart()
    for name in [name for name, (row, _) in kept.items() if not stats.settled(row, seen)]:
        refuse(f"{folder}/{name} has only just been written")
        del kept[name]
    return _in_order(kept)


def _apart(pieces: Iterable[_Learnt]) -> _Folder:
    """Pieces by the file; what was learnt last counts."""
    found: _Folder = {}
    for piece in pieces:
        found.update(piece.apart())
    return found


def _in_order(known: _Folder) -> _Learnt:
    names = sorted(known) if "".join(known).isascii() else sorted(known, key=os.fsencode)
    found, joined = [known[name] for name in names], os.fsencode("\0".join(names))
    return _Learnt(joined, b"".join([row for row, _ in found]), b"".join([mark for _, mark in found]))


def _neighbours(pieces: Sequence[_Learnt]) -> _Learnt | None:
    """Pieces as one, if none reaches into another."""
    if len(pieces) == 1:
        return pieces[0]
    ordered = sorted(pieces, key=lambda piece: piece.names.partition(b"\0")[0])
    if any(
        one.names.rpartition(b"\0")[2] >= other.names.partition(b"\0")[0]
        for one, other in itertools.pairwise(ordered)
    ):
        return None
    names, rows, marks = zip(*ordered, strict=True)
    return _Learnt(b"\0".join(names), b"".join(rows), b"".join(marks))
