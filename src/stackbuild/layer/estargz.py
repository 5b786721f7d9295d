"""eStargz: a table of contents behind a layer's chunks, by which a runtime pulls single files of it.

Source: containerd/stargz-snapshotter, docs/estargz.md ("TOC, TOCEntries and Footer", "innerOffset"). The blob
stays a gzip stream of a tar, of which the table is the last file. A file's place is a gzip member and an
offset in what that unpacks to, so that a chunk of many files stays one piece and loses nothing in size; only
its first header is a member of its own, because readers look for the end of a member where another begins
with a file's first byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import BuildFailed
from .chunk import Chunk, Part
from .entry import BytesContent, Entry
from .tar import END, entry_name, header, padding

NAME = "stargz.index.json"
LANDMARK = Entry(".no.prefetch.landmark", "file", content=BytesContent(b"\x0f"))
"""The first entry of a layer of which nothing is to be fetched in advance."""

_TYPES = {"file": "reg", "whiteout": "reg", "folder": "dir", "symlink": "symlink", "hardlink": "hardlink"}

Compress = Callable[[bytes], bytes]


def marked(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A layer's arranged entries, the landmark first. Raises BuildFailed for a name that the format needs."""
    yield LANDMARK
    for entry in entries:
        if entry.path in (NAME, LANDMARK.path):
            raise BuildFailed(
                f"/{entry.path} is eStargz's own file", hint='leave it out, or use compression = "gzip"'
            )
        yield entry


def pack(chunk: Chunk, raw: bytes, compress: Compress) -> tuple[bytes, int]:
    """(packed, head): a chunk's tar bytes as gzip members, and the size of those before its first content."""
    start = _first(chunk)
    head = compress(raw[:start]) if start else b""
    return head + compress(raw[start:]), len(head)


def _starts(chunk: Chunk) -> Iterator[tuple[Part, int]]:
    """The parts of a chunk, each with where its content begins in the chunk's tar bytes."""
    at = 0
    for part in chunk.parts:
        yield part, at + len(part.header)
        at += part.size


def _first(chunk: Chunk) -> int:
    """Where its first content begins."""
    return next((start for part, start in _starts(chunk) if part.length), 0)


@dataclass(frozen=True)
class Ending:
    """What ends a layer. tar: its last bytes as tar; packed: the same for the blob, and the footer;
    annotations: of the layer's descriptor, by which a reader trusts the table."""

    tar: bytes
    packed: bytes
    annotations: dict[str, str]


class Table:
    """Takes down where files are while a layer's chunks go by, the one with the end of the tar left out."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """entries: those of the chunks, `marked`."""
        self._entries = iter(entries)
        self._rows: list[str] = []
        self._name = ""
        self._size = self._offset = 0

    def add(self, chunk: Chunk, raw: bytes, packed: bytes, head: int) -> None:
        """A chunk's tar bytes, and what `pack` made of them."""
        first = _first(chunk)
        for part, start in _starts(chunk):
            row: dict[str, Any] = {}
            if part.offset == 0:
                row = self._row(next(self._entries))
            if part.length:
                assert part.content is not None
                content = memoryview(raw)[start : start + part.length]
                if part.offset:
                    row = {"name": self._name, "type": "chunk", "chunkOffset": part.offset}
                else:
                    row["size"] = part.content.size
                row["offset"] = self._offset + head
                if start > first:
                    row["innerOffset"] = start - first
                if part.offset + part.length < part.content.size:
                    row["chunkSize"] = part.length  # none: up to the file's end
                row["chunkDigest"] = "sha256:" + hashlib.sha256(content).hexdigest()
                if part.whole:
                    row["digest"] = row["chunkDigest"]
            self._rows.append(json.dumps(row, separators=(",", ":")))
        self._size += len(raw)
        self._offset += len(packed)

    def _row(self, entry: Entry) -> dict[str, Any]:
        """An entry without its content; what is zero is left out, as the format has it."""
        self._name = entry_name(entry)
        row: dict[str, Any] = {"name": self._name, "type": _TYPES[entry.kind], "mode": entry.mode}
        more = {"uid": entry.uid, "gid": entry.gid, "linkName": entry.link, "modtime": _time(entry.mtime)}
        row |= {key: value for key, value in more.items() if value}
        if entry.xattrs:
            row["xattrs"] = {name: base64.b64encode(value).decode() for name, value in entry.xattrs}
        return row

    def end(self, compress: Compress) -> Ending:
        """The table as the tar's last file, and what points to it."""
        table = f'{{"version":1,"entries":[{",".join(self._rows)}]}}'.encode()
        tar = header(Entry(NAME, "file", 0o444, content=BytesContent(table)))
        tar += table + bytes(padding(len(table))) + END
        annotations = {
            "containerd.io/snapshot/stargz/toc.digest": "sha256:" + hashlib.sha256(table).hexdigest(),
            "io.containers.estargz.uncompressed-size": str(self._size + len(tar)),
        }
        return Ending(tar, compress(tar) + _footer(self._offset), annotations)


def _time(mtime: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(mtime)) if mtime else ""


def _footer(table: int) -> bytes:
    """An empty gzip member of 51 bytes; its extra field holds the offset of the table's member."""
    field = b"%016xSTARGZ" % table
    begin = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff"
    extra = struct.pack("<H2sH", len(field) + 4, b"SG", len(field)) + field
    return begin + extra + b"\x01\0\0\xff\xff" + bytes(8)
