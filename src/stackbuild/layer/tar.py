"""Tar headers: POSIX ustar, with pax records for what ustar cannot hold.

Source: IEEE Std 1003.1, pax, "pax Interchange Format" and "ustar Interchange Format". Extended
attributes are SCHILY.xattr.* records, as the OCI image spec (layer.md, "File Attributes") has them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from ..native import ustar
from ..native.ustar import BLOCK
from .entry import WHITEOUT, Entry

WRITER_VERSION = 1
END = bytes(2 * BLOCK)

_TYPES = {"file": ustar.FILE, "hardlink": b"1", "symlink": b"2", "folder": b"5", "whiteout": b"0"}
_NUMBERS = (b"size", b"uid", b"gid", b"mtime")
_MOST = (ustar.MOST_SIZE, ustar.MOST_OWNER, ustar.MOST_OWNER, ustar.MOST_TIME)
_SMALLEST = min(_MOST)


def padding(size: int) -> int:
    """How many zero bytes follow `size` bytes of content."""
    return -size % BLOCK


def lengths(sizes: Iterable[int]) -> array[int]:
    """The bytes that plain files of these sizes take in a tar."""
    return array("I", [(size + 2 * BLOCK - 1) & -BLOCK for size in sizes])


def is_plain(entry: Entry, size: int) -> bool:
    """Whether an entry is a file of `size` bytes whose header `native.write_headers` can make."""
    path = entry.path
    if entry.kind != "file" or entry.xattrs or entry.link or not path.isascii() or "\0" in path:
        return False
    if not ustar.fits(size, entry.uid, entry.gid, entry.mtime):
        return False
    return len(path) <= 100 or ustar.split(path.encode()) is not None


def _record(name: bytes, value: bytes) -> bytes:
    """A pax record, whose length counts its own digits."""
    body = len(name) + len(value) + 3
    length = body + len(str(body))
    length = body + len(str(length))
    return b"%d %b=%b\n" % (length, name, value)


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
    fields = ustar.split(path) if path.isascii() else None
    if fields is None:
        records.append(_record(b"path", path))
        fields = (b"", path[:100])
    if len(link) > 100 or not link.isascii():
        records.append(_record(b"linkpath", link))
    numbers = [size, entry.uid, entry.gid, entry.mtime]
    if min(numbers) < 0 or max(numbers) > _SMALLEST:
        for place, (name, most) in enumerate(zip(_NUMBERS, _MOST, strict=True)):
            if not 0 <= numbers[place] <= most:
                records.append(_record(name, b"%d" % numbers[place]))
                numbers[place] = 0
    records += [_record(b"SCHILY.xattr." + name.encode(), value) for name, value in entry.xattrs]
    kept, uid, gid, mtime = numbers
    kind, mode, (prefix, name) = _TYPES[entry.kind], entry.mode, fields
    main = ustar.block(name, kind, kept, mode, uid, gid, mtime, link[:100], prefix)
    if not records:
        return main
    extended = b"".join(sorted(records))
    pax = ustar.block(b"PaxHeaders/entry", b"x", len(extended), 0o644, 0, 0, 0, b"", b"")
    return b"%b%b%b%b" % (pax, extended, bytes(padding(len(extended))), main)
