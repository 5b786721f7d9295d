"""Headers in the ustar format (IEEE Std 1003.1, pax, "ustar Interchange Format"); ustar.rs makes those of
plain files, too."""

from __future__ import annotations

import functools

BLOCK = 512
MOST_SIZE, MOST_OWNER, MOST_TIME = 0o77777777777, 0o7777777, 0o77777777777
FILE = b"0"


@functools.lru_cache(maxsize=1024)
def _frame(
    kind: bytes, mode: int, uid: int, gid: int, mtime: int, link: bytes, prefix: bytes
) -> tuple[bytes, bytes, bytes, int]:
    """What a header holds beside name, size and checksum, which few neighbours share: the pieces before the
    size, after it, and after the checksum, and the sum of their bytes and of the checksum's blanks."""
    owner = b"%07o\0%07o\0%07o\0" % (mode, uid, gid)
    time = b"%011o\0" % mtime
    rest = b"".join(
        (
            kind,
            link.ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),
            b"0000000\x000000000\0",
            prefix.ljust(167, b"\0"),
        )
    )
    return owner, time, rest, sum(owner) + sum(time) + sum(b" " * 8) + sum(rest)


def block(
    name: bytes, kind: bytes, size: int, mode: int, uid: int, gid: int, mtime: int, link: bytes, prefix: bytes
) -> bytes:
    """A header of 512 bytes. Everything must fit."""
    owner, time, rest, total = _frame(kind, mode, uid, gid, mtime, link, prefix)
    length = b"%011o\0" % size
    total += sum(name) + sum(length)
    return b"%b%b%b%b%06o\0 %b" % (name.ljust(100, b"\0"), owner, length, time, total, rest)


def split(path: bytes) -> tuple[bytes, bytes] | None:
    """(prefix, name) of a long path, or None if ustar cannot hold it."""
    if len(path) <= 100:
        return b"", path
    cut = path.rfind(b"/", 0, 156)
    if cut <= 0 or not 0 < len(path) - cut - 1 <= 100:
        return None
    return path[:cut], path[cut + 1 :]


def fits(size: int, uid: int, gid: int, mtime: int) -> bool:
    """Whether a header can hold these numbers."""
    return (
        0 <= size <= MOST_SIZE
        and 0 <= mtime <= MOST_TIME
        and 0 <= uid <= MOST_OWNER
        and 0 <= gid <= MOST_OWNER
    )


def file_block(path: bytes, size: int, mode: int, uid: int, gid: int, mtime: int) -> bytes:
    """The header of a plain file. Raises ValueError where something does not fit."""
    fields = split(path)
    if fields is None or not 0 <= mode <= MOST_OWNER or not fits(size, uid, gid, mtime):
        raise ValueError("it does not fit into a ustar header")
    return block(fields[1], FILE, size, mode, uid, gid, mtime, b"", fields[0])
