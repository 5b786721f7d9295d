"""Files of one folder as columns: what entries say of each, said of all at once, in a tenth of the time."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from ..filetable import Names, one_for_all
from ..keys import Algorithm, hash_function
from ..marks import Marks, bytes_of
from ..native import stats, ustar
from ..native.runs import Run
from ..native.ustar import BLOCK
from ..store.fingerprints import Fingerprints
from .entry import Changed, Content, Entry, TreeFile
from .part import Page
from .tar import lengths

LARGEST_FILE = 1 << 20  # bytes; larger ones are few


class TreeFiles:
    """Regular files in a folder of the tree, of which `TreeFile` is one.

    folder: its absolute path; names: sorted; rows: of their lstats, one after another; known: their
    fingerprints, as far as any reading told them.
    """

    __slots__ = ("_names", "_single", "fingerprints", "folder", "known", "rows")

    def __init__(
        self,
        folder: str,
        names: Names,
        rows: bytes,
        fingerprints: Fingerprints,
        known: Marks,
    ) -> None:
        self.folder, self.rows, self.fingerprints, self.known = folder, rows, fingerprints, known
        self._names = names
        self._single: list[TreeFile] | None = None

    @property
    def names(self) -> Sequence[str]:
        """Each by itself."""
        return self._names.listed()

    def joined(self) -> str:
        """The names, with "/" between them."""
        return self._names.joined()

    @property
    def sizes(self) -> array[int]:
        """In bytes, told by the rows."""
        return stats.sizes(self.rows)

    def rows_of(self, some: slice) -> bytes:
        """The rows of neighbours."""
        return self.rows[some.start * stats.SIZE : some.stop * stats.SIZE]

    def file(self, number: int) -> TreeFile:
        """One of them."""
        return self._file(number, self.names[number])

    def _file(self, number: int, name: str) -> TreeFile:
        row = self.rows_of(slice(number, number + 1))
        return TreeFile(f"{self.folder}/{name}", row, self.fingerprints, self.known[number])

    def single(self) -> list[TreeFile]:
        """Each by itself; from then on, what is learnt is learnt of these."""
        if self._single is None:
            self._single = [self._file(*one) for one in enumerate(self.names)]
        return self._single

    def marks(self) -> Marks:
        """Their fingerprints; what is not known is read. Raises OSError and BuildFailed, as TreeFile does."""
        algorithm = self.fingerprints.algorithm
        if self._single is not None:
            return Marks.of(algorithm, [file.fingerprint for file in self._single])
        names = () if self.known.are_known else self.names
        for number in self.known.unknowns():
            path, row = f"{self.folder}/{names[number]}", self.rows_of(slice(number, number + 1))
            self.known.learn(number, bytes_of(algorithm, self.fingerprints.of(path, row)))
        return self.known

    def weigh(self) -> tuple[int, int]:
        """The bytes of all, and of those whose fingerprints are not known."""
        sizes = self.sizes
        size = sum(sizes)
        if self.known.are_unknown:
            return size, size
        return size, sum([sizes[number] for number in self.known.unknowns()])


def _paths(prefix: str, names: str) -> list[bytes]:
    """The paths of files whose names stand in a text with "/" between them."""
    return (prefix + names.replace("/", "\0" + prefix)).encode().split(b"\0")


class Attributes(NamedTuple):
    """What files of one batch have in common. prefix: of their paths in the image; mtime: in seconds since
    the epoch; origin: of their paths, for messages."""

    prefix: str
    uid: int
    gid: int
    mtime: int
    origin: str


class Batch:
    """Neighbours among a folder's files, as plain entries of a layer. modes: of all the folder's files."""

    __slots__ = ("_files", "_lengths", "_modes", "_some", "common", "size")

    def __init__(self, files: TreeFiles, modes: Sequence[int], common: Attributes) -> None:
        self._files, self._modes, self.common = files, modes, common
        self._lengths = lengths(files.sizes)
        self._some, self.size = slice(0, len(self._lengths)), sum(self._lengths)

    @staticmethod
    def fits(files: TreeFiles, common: Attributes) -> bool:
        """Whether such files can be told like this: none is large, and each has a plain header."""
        joined, biggest = files.joined(), max(files.sizes)
        if not (common.prefix.isascii() and joined.isascii()):
            return False
        if biggest > LARGEST_FILE or not ustar.fits(biggest, common.uid, common.gid, common.mtime):
            return False
        if len(common.prefix) + max(map(len, joined.split("/"))) <= 100:
            return True
        return all(map(ustar.split, _paths(common.prefix, joined)))

    def cut(self, start: int, stop: int) -> Batch:
        """Some of its files."""
        if stop - start == self.count:
            return self
        piece = Batch.__new__(Batch)
        piece._files, piece._lengths, piece._modes = self._files, self._lengths, self._modes
        piece._some, piece.common = slice(self._some.start + start, self._some.start + stop), self.common
        piece.size = sum(piece.lengths)
        return piece

    @property
    def names(self) -> Sequence[str]:
        """In the folder, sorted."""
        return self._files.names[self._some]

    @property
    def first(self) -> str:
        """The first one's path in the image."""
        start = self._some.start
        name = self._files.names[start] if start else self._files.joined().partition("/")[0]
        return self.common.prefix + name

    def _joined(self) -> str:
        """The names, with "/" between them."""
        is_whole = self.count == len(self._lengths)
        return self._files.joined() if is_whole else "/".join(self.names)

    @property
    def paths(self) -> list[bytes]:
        """In the image."""
        return _paths(self.common.prefix, self._joined())

    @property
    def lengths(self) -> array[int]:
        """The bytes of tar for each file."""
        return self._lengths[self._some]

    @property
    def count(self) -> int:
        return self._some.stop - self._some.start

    @property
    def is_of_the_tree(self) -> bool:
        return True

    @property
    def is_unread(self) -> bool:
        return self._files.known.lacks(self._some)

    def entries(self) -> list[Entry]:
        """Each file as an entry by itself."""
        prefix, uid, gid, mtime, origin = self.common
        some = self._some
        return [
            Entry(prefix + name, "file", mode, uid, gid, mtime, "", (), file, origin + name)
            for name, mode, file in zip(
                self.names, self._modes[some], self._files.single()[some], strict=True
            )
        ]

    def facts(self) -> str:
        """All that decides its bytes, in columns; no name holds a "/", and a fingerprint tells the size."""
        prefix, uid, gid, mtime, _ = self.common
        marks = (self._files.marks() if self.is_unread else self._files.known)[self._some]
        modes = one_for_all(self._modes[self._some])
        said = [f"files {uid} {gid} {mtime}", prefix, self._joined(), " ".join(map(str, modes))]
        return "\0".join([*said, marks.text()])

    def lay_out(self, page: Page, at: int) -> None:
        files, some, own = self._files, self._some, self.common
        names, rows, modes = self._joined(), files.rows_of(some), self._modes[some]
        run = Run(at, own.prefix, files.folder, names, rows, modes, own.uid, own.gid, own.mtime)
        page.run(run, self.size, self._content_of)

    def _content_of(self, number: int) -> Content:
        return self._files.file(self._some.start + number)

    def check(self, out: memoryview, algorithm: Algorithm, seen: int) -> None:
        hash_of, files, some = hash_function(algorithm), self._files, self._some
        starts = itertools.accumulate(self.lengths[:-1], initial=BLOCK)
        places = zip(starts, stats.sizes(files.rows_of(some)), strict=True)
        found = b"".join([hash_of(out[start : start + size]) for start, size in places])
        known = files.known[some]
        for number in known.unlike(found):
            raise Changed(self._content_of(number))
        if known.are_known:
            return
        files.fingerprints.learn(files.folder, self._joined(), files.rows_of(some), found, seen)
        files.known.learn(some.start, found)  # when all that is to be said against them has been
