"""What is remembered of things on disk, for `unchanged` to compare; signature.rs makes the same.

A signature is the first 32 hexadecimal digits of a SHA-256.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable

_SIGN = 1 << 63
Entry = tuple[bytes, str, os.stat_result | None]


def sign(seen: bytes | bytearray) -> str:
    """The signature of what was seen."""
    return hashlib.sha256(seen).hexdigest()[:32]


ABSENT = sign(b"absent")


def stat_numbers(seen: os.stat_result) -> tuple[int, ...]:
    """All that tells a file from another, as the rows of `read_files` have it: those without a sign wrap."""
    found = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode)
    if max(found) < _SIGN and min(found) >= -_SIGN:
        return found
    return tuple((number + _SIGN) % (2 * _SIGN) - _SIGN for number in found)


def stat_text(seen: os.stat_result) -> str:
    """The same as text."""
    times = f"{seen.st_mtime_ns} {seen.st_ctime_ns}"
    return f"{seen.st_dev} {seen.st_ino} {seen.st_size} {times} {seen.st_mode}"


def stat_signature(seen: os.stat_result) -> str:
    """The signature of a path's lstat."""
    return sign(stat_text(seen).encode())


def blob_signature(seen: os.stat_result) -> str:
    """The same without device, ctime and mode: hard links to a blob change its ctime."""
    return sign(f"{seen.st_ino} {seen.st_size} {seen.st_mtime_ns}".encode())


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


def folder_signature(entries: Iterable[Entry]) -> str:
    """The signature of a folder, in any order: names, what they are (see `letter`), and lstats.

    For a record of kind F each regular file has its lstat; for one of kind L none has. Others' do not count.
    """
    seen = bytearray()
    for name, kind, status in sorted(entries, key=lambda entry: entry[0]):
        text = stat_text(status).encode() if status and kind == "f" else b""
        seen += b"%b\0%b%b\0" % (name, kind.encode(), text)
    return sign(seen)


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


def place_signature(path: bytes) -> str:
    """The signature of where a folder really is. Raises OSError when there is none."""
    if not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116
        raise OSError(errno.EBADF, "no folder", path)
    return sign(os.path.realpath(path))
