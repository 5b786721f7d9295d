"""What is remembered of things on disk, for `unchanged` to compare; signature.rs makes the same.

A signature is the first 32 hexadecimal digits of a SHA-256.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
from collections.abc import Iterable
from operator import itemgetter

from .stats import blob_part

Entry = tuple[bytes, str, bytes | None]
"""In a folder: the name, its letter, and its row where that counts."""
Listing = tuple[str, list[str]]
"""What is in a folder: a letter for each name (see `letter`), and the names, sorted by their bytes."""


def sign(seen: bytes | bytearray) -> str:
    """The signature of what was seen."""
    return hashlib.sha256(seen).hexdigest()[:32]


ABSENT = sign(b"absent")
PASSABLE = sign(b"passable")
"""Of what is passed over: a folder, or nothing."""


def stat_signature(seen: bytes) -> str:
    """The signature of a path's lstat, a row."""
    return sign(seen)


def blob_signature(seen: bytes) -> str:
    """The same without device, ctime and mode: hard links to a blob change its ctime."""
    return sign(blob_part(seen))


def letter(mode: int) -> str:
    """What an lstat's st_mode says: d folder, l symlink, f regular file, o other."""
    return {stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFREG: "f"}.get(stat.S_IFMT(mode), "o")


def entry_letter(entry: os.DirEntry[bytes] | os.DirEntry[str]) -> str:
    """The same from a folder's entry, mostly without looking at the file."""
    if entry.is_symlink():
        return "l"
    if entry.is_dir(follow_symlinks=False):
        return "d"
    return "f" if entry.is_file(follow_symlinks=False) else "o"


def listing(entries: Iterable[os.DirEntry[str]]) -> Listing:
    """What a folder's entries say."""
    found = sorted((os.fsencode(entry.name), entry_letter(entry), entry.name) for entry in entries)
    return "".join([letter for _, letter, _ in found]), [name for _, _, name in found]


def record(records: bytes, index: int) -> bytes:
    """One of the records of `unchanged`."""
    fields = iter(records.split(b"\0"))
    for first in fields:
        rest = itertools.islice(fields, 2 if first[:1] in b"LF" else 1)
        found = [first, *rest, b""]
        if not index:
            return b"\0".join(found)
        index -= 1
    raise IndexError(index)


_LETTERS = {letter: b"\0" + letter.encode() for letter in "dlfo"}


def folder_signature(entries: Iterable[Entry]) -> str:
    """The signature of a folder, in any order: names, what they are (see `letter`), and rows.

    For a record of kind F each regular file has its row; for one of kind L none has. Others' do not count.
    """
    seen = [
        name + _LETTERS[kind] + row if row and kind == "f" else name + _LETTERS[kind]
        for name, kind, row in sorted(entries, key=itemgetter(0))
    ]
    return sign(b"".join(seen))


def link_signature(path: bytes) -> str:
    """The signature of what a symlink says and of where it leads; of nothing where it leads nowhere.

    Raises OSError when it cannot be read.
    """
    says = os.readlink(path)  # noqa: PTH115  names are bytes
    try:
        os.stat(path)  # noqa: PTH116  unlike realpath, the kernel's word on `file/..`
        leads = os.path.realpath(path)
    except OSError:
        leads = b""
    return sign(says + b"\0" + leads)


def passed_signature(path: bytes) -> str:
    """PASSABLE, if that is what is there. Raises OSError when it cannot be looked at."""
    try:
        return PASSABLE if stat.S_ISDIR(os.lstat(path).st_mode) else ABSENT
    except (FileNotFoundError, NotADirectoryError):
        return PASSABLE


def place_signature(path: bytes) -> str:
    """The signature of where a folder really is. Raises OSError when there is none."""
    if not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116
        raise OSError(errno.EBADF, "no folder", path)
    return sign(os.path.realpath(path))
