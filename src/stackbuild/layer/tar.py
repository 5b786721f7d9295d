"""Tar headers: POSIX ustar, with pax records for what ustar cannot hold.

Source: IEEE Std 1003.1, pax, "pax Interchange Format" and "ustar Interchange Format". Extended
attributes are SCHILY.xattr.* records, as the OCI image spec (layer.md, "File Attributes") has them.
"""

from __future__ import annotations

import functools

from .entry import WHITEOUT, Entry

WRITER_VERSION = 1
BLOCK = 512
END = bytes(2 * BLOCK)

_TYPES = {"file": b"0", "hardlink": b"1", "symlink": b"2", "folder": b"5", "whiteout": b"0"}
_NUMBERS = (b"size", b"uid", b"gid", b"mtime")
_MOST = (0o77777777777, 0o7777777, 0o7777777, 0o77777777777)


def padding(size: int) -> int:
    """How many zero bytes follow `size` bytes of content."""
    return -size % BLOCK


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


def _block(
    name: bytes, kind: bytes, size: int, mode: int, uid: int, gid: int, mtime: int, link: bytes, prefix: bytes
) -> bytes:
    owner, time, rest, total = _frame(kind, mode, uid, gid, mtime, link, prefix)
    length = b"%011o\0" % size
    total += sum(name) + sum(length)
    return b"%b%b%b%b%06o\0 %b" % (name.ljust(100, b"\0"), owner, length, time, total, rest)


def _record(name: bytes, value: bytes) -> bytes:
    """A pax record, whose length counts its own digits."""
    body = len(name) + len(value) + 3
    length = body + len(str(body))
    length = body + len(str(length))
    return b"%d %b=%b\n" % (length, name, value)


def _split(path: bytes) -> tuple[bytes, bytes] | None:
    """(prefix, name) as ustar holds a long path, or None if it cannot."""
    if len(path) <= 100:
        return b"", path
    cut = path.rfind(b"/", 0, 156)
    if cut <= 0 or not 0 < len(path) - cut - 1 <= 100:
        return None
    return path[:cut], path[cut + 1 :]


def _entry_name(entry: Entry) -> str:
    """What a tar calls the entry: a folder ends in "/", a whiteout has its prefix."""
    if entry.kind == "whiteout":
        folder, _, name = entry.path.rpartition("/")
        return f"{folder}/{WHITEOUT}{name}" if folder else WHITEOUT + name
    return entry.path + "/" if entry.kind == "folder" else entry.path


def header(entry: Entry) -> bytes:
    """Everything that comes before an entry's content: its ustar header, and pax records if needed."""
    path, link = _entry_name(entry).encode(), entry.link.encode()
    size = entry.content.size if entry.content else 0
    records: list[bytes] = []
    fields = _split(path) if path.isascii() else None
    if fields is None:
        records.append(_record(b"path", path))
        fields = (b"", path[:100])
    if len(link) > 100 or not link.isascii():
        records.append(_record(b"linkpath", link))
    numbers = [size, entry.uid, entry.gid, entry.mtime]
    if min(numbers) < 0 or max(numbers) > min(_MOST):
        for place, (name, most) in enumerate(zip(_NUMBERS, _MOST, strict=True)):
            if not 0 <= numbers[place] <= most:
                records.append(_record(name, b"%d" % numbers[place]))
                numbers[place] = 0
    records += [_record(b"SCHILY.xattr." + name.encode(), value) for name, value in entry.xattrs]
    kept, uid, gid, mtime = numbers
    main = _block(fields[1], _TYPES[entry.kind], kept, entry.mode, uid, gid, mtime, link[:100], fields[0])
    if not records:
        return main
    extended = b"".join(sorted(records))
    pax = _block(b"PaxHeaders/entry", b"x", len(extended), 0o644, 0, 0, 0, b"", b"")
    return b"%b%b%b%b" % (pax, extended, bytes(padding(len(extended))), main)
