"""Notes what a build looks at in the tree, so that a later one can see that nothing of it changed.

Each look is a record of `stackbuild.native`, made of what the build itself saw. Two records that contradict
each other never both hold, so a change in the midst of a build is never taken for none. While nobody records,
it costs nothing. A whole process can be recorded, and beside it one thread for the length of a block.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISLNK

from . import native
from .native.signatures import (
    ABSENT,
    PASSABLE,
    Entry,
    Listing,
    blob_signature,
    folder_signature,
    link_signature,
    place_signature,
    stat_signature,
)
from .native.stats import apart, row, settled

UNSEEN = frozenset({".git"})
"""Names that no walk of the tree looks at."""
_AT_ONCE = 1_000  # folders that are signed together; until then their names and rows are kept


class Witness:
    """What was looked at. refused: why it cannot tell all, "" if it can; alone: whether nobody else looked at
    anything meanwhile, who does not say for whom."""

    def __init__(self) -> None:
        self.refused, self.alone = "", True
        self._told: list[bytes] = []
        self._records: set[bytes] = set()  # only ever added to, which threads may do at once
        self._unsigned: list[tuple[str, str, Sequence[str], bytes]] = []  # folders with files alone
        self._folders: set[str] = set()  # that must be what they seem, and not reached by a symlink
        self._real: set[str] = set()  # that some listing shows to be folders
        self._ignored: set[str] = set()  # folders that listings left out

    def stat(self, path: str, seen: os.stat_result | None) -> None:
        """A path's lstat, in the tree; None where nothing was."""
        self._folders.add(os.path.dirname(path))  # noqa: PTH120  asked for every file
        self.single(path, seen)

    def single(self, path: str, seen: os.stat_result | None) -> None:
        """The same of a path that may be reached by symlinks."""
        self._add("S", path, "", ABSENT if seen is None else stat_signature(row(seen)))

    def link(self, path: str) -> None:
        """What a symlink says, and where it leads."""
        self._add("R", path, "", link_signature(os.fsencode(path)))
        home, says = os.path.dirname(path), os.readlink(path)  # noqa: PTH115, PTH120
        self._folders.add(home)
        if os.path.exists(path):  # noqa: PTH110
            return
        if says != os.path.normpath(says):
            self.refuse(f"{path} leads nowhere by a way that is not plain")
        missing = os.path.normpath(os.path.join(home, says))  # noqa: PTH118
        while not os.path.lexists(os.path.dirname(missing)):  # noqa: PTH120
            missing = os.path.dirname(missing)  # noqa: PTH120
        self.stat(missing, None)  # the first that is not there: nothing beyond it can lead elsewhere

    def folder(self, path: str) -> None:
        """That a folder is there, and no symlink."""
        self._folders.add(path)

    def listed(
        self,
        folder: str,
        found: Listing,
        read: Sequence[str] = (),
        rows: bytes = b"",
        ignored: Collection[str] = UNSEEN,
    ) -> None:
        """What is in a folder of the tree. read: the regular files whose lstat counts, in the listing's
        order; rows: of those, one after another; ignored: folders that do not count, whatever is in them."""
        self._folders.add(folder)
        if ignored != UNSEEN:
            self._ignored.update(f"{folder}/{name}" for name in ignored if name not in UNSEEN)
        letters, names = found
        if "d" in letters:
            folders = [name for letter, name in zip(letters, names, strict=True) if letter == "d"]
            self._real.update(f"{folder}/{name}" for name in folders if name not in ignored)
        if (
            read and len(read) == len(names) and not any(name in names for name in ignored)
        ):  # as in most folders
            self._unsigned.append((folder, "/".join(sorted(ignored)), names, rows))
            if len(self._unsigned) >= _AT_ONCE:
                self._sign()
        else:
            self.contents(folder, found, dict(zip(read, apart(rows), strict=True)), ignored)

    def contents(
        self, folder: str, found: Listing, rows: Mapping[str, bytes], ignored: Collection[str] = ()
    ) -> None:
        """The same of a folder that may be reached by symlinks. rows: of the regular files whose lstat
        counts, by name."""
        letters, names = found
        encoded = os.fsencode("\0".join(names)).split(b"\0") if names else []
        known, unread = [rows.get(name) for name in names], list[str]()
        entries: list[Entry] = list(zip(encoded, letters, known, strict=True))
        if not set(ignored).isdisjoint(names):
            entries = [entry for entry, name in zip(entries, names, strict=True) if name not in ignored]
        if known.count(None) > len(names) - letters.count("f"):
            unread = [os.fsdecode(name) for name, letter, row in entries if letter == "f" and row is None]
        if unread or not rows:
            bare: list[Entry] = [(name, letter, None) for name, letter, _ in entries]
            self._add("L", folder, "/".join(sorted(ignored)), folder_signature(bare))
        if len(rows) > len(unread):
            read = [entry for entry in entries if entry[1] != "f" or entry[2]] if unread else entries
            self._add("F", folder, "/".join(sorted({*ignored, *unread})), folder_signature(read))
        else:
            for name, own in rows.items():
                self._add("S", f"{folder}/{name}", "", stat_signature(own))

    def blob(self, path: str, seen: os.stat_result) -> None:
        """A blob in a store or an output, as it was when it was found sound."""
        self._add("B", path, "", blob_signature(row(seen)))

    def refuse(self, why: str) -> None:
        """Something was looked at that cannot be witnessed."""
        self.refused = self.refused or why

    def told(self, records: bytes) -> None:
        """What another witness saw before, and was just found to be so still."""
        self._told.append(records)

    def take(self, other: Witness) -> None:
        """All that another saw counts as seen here, too."""
        self.refuse(other.refused)
        other._sign()
        self._told += other._told
        self._records |= other._records
        self._folders |= other._folders
        self._real |= other._real
        self._ignored |= other._ignored

    def records(self) -> bytes:
        """All that was seen, as `unchanged` reads it. Raises OSError when a folder is not what it seemed."""
        self._sign()
        for path in self._ignored:  # which may come and go, as an output's folder does
            self._add("I", path, "", PASSABLE)
        for path in self._folders - self._real:
            if self._place(path) != path:
                raise NotADirectoryError(path)
        return b"".join([*sorted(self._records), *self._told])

    def _sign(self) -> None:
        """Make records of what is not signed yet, all at once."""
        unsigned = []
        with contextlib.suppress(IndexError):  # as another thread may take or add some
            while True:
                unsigned.append(self._unsigned.pop())
        signatures = native.sign_folders([(names, rows) for _, _, names, rows in unsigned])
        for (folder, ignored, _, _), signature in zip(unsigned, signatures, strict=True):
            self._add("F", folder, ignored, signature)

    def _place(self, path: str) -> str:
        self._add("P", path, "", place_signature(os.fsencode(path)))
        return os.path.realpath(path)

    def _add(self, kind: str, path: str, ignored: str, signature: str) -> None:
        fields = [kind + path, ignored, signature] if kind in "LF" else [kind + path, signature]
        self._records.add(os.fsencode("\0".join([*fields, ""])))


_witness: Witness | None = None
_noting: set[Witness] = set()
_own = threading.local()


def present() -> Witness | None:
    """Who records now, if anybody does."""
    found: Witness | None = getattr(_own, "witness", None)
    if found is not None:
        return found
    for other in tuple(_noting):
        other.alone = False
    return _witness


@contextlib.contextmanager
def recording() -> Iterator[Witness]:
    """Note what this process looks at for the length of a block."""
    global _witness
    before, _witness = _witness, Witness()
    try:
        yield _witness
    finally:
        _witness = before


@contextlib.contextmanager
def noting() -> Iterator[Witness]:
    """Note what this thread looks at for the length of a block, apart. Who records hears of it at the end."""
    mine = Witness()
    _own.witness = mine
    _noting.add(mine)
    try:
        yield mine
    finally:
        _noting.remove(mine)
        _own.witness = None
        if _witness is not None:
            _witness.take(mine)


def refuse(why: str) -> None:
    """Something was looked at that cannot be witnessed."""
    if (witness := present()) is not None:
        witness.refuse(why)


def lstat(path: str | Path) -> os.stat_result:
    """`os.lstat(path)`."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        _note(path, None)
        raise
    _note(path, found)
    return found


def is_file(path: str | Path) -> bool:
    """`os.path.isfile(path)`."""
    if (witness := present()) is not None:
        try:
            lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            witness.refuse(f"{path} cannot be looked at")
    return os.path.isfile(path)  # noqa: PTH113  asked for every folder


def is_folder(path: str | Path) -> bool:
    """`os.path.isdir(path)`."""
    found = os.path.isdir(path)  # noqa: PTH112
    if (witness := present()) is not None and found:
        witness.folder(os.fspath(path))
    elif witness is not None:
        is_file(path)
    return found


def is_symlink(path: str | Path) -> bool:
    """`os.path.islink(path)`."""
    found = os.path.islink(path)  # noqa: PTH114
    if found:
        refuse(f"{path} is a symlink")
    elif present() is not None:
        is_folder(path)
    return found


def exists(path: str | Path) -> bool:
    """`os.path.lexists(path)`."""
    try:
        lstat(path)
    except OSError:
        return False
    return True


def resolve(path: Path) -> Path:
    """`path.resolve()`."""
    found = path.resolve()
    if (witness := present()) is not None:
        if os.fspath(found) != os.path.normpath(path):
            witness.refuse(f"a symlink leads to {path}")
        for number, part in enumerate(path.parts):
            if part == "..":
                witness.folder(os.path.normpath(Path(*path.parts[:number])))
    return found


def read(path: str | Path) -> bytes:
    """All bytes of a file."""
    with steady(path), open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def steady(path: str | Path) -> Iterator[None]:
    """A file is read in the block."""
    witness = present()
    if witness is None:
        yield
        return
    began, before = time.time_ns(), lstat(path)
    yield
    if row(os.lstat(path)) != row(before) or not settled(row(before), began):
        witness.refuse(f"{path} has only just been written")


def trust(looking: object) -> None:
    """Who is about to look at the tree says of itself, by an attribute `witnessed`, that it does so here."""
    if not vars(type(looking)).get("witnessed"):  # what a subclass does, its parent does not know
        refuse(f"{type(looking).__name__} looks at the tree unseen")


def _note(path: str | Path, found: os.stat_result | None) -> None:
    if (witness := present()) is not None:
        witness.stat(os.fspath(path), found)
        if found is not None and S_ISLNK(found.st_mode):
            witness.refuse(f"{path} is a symlink")
