"""Chunks: neighbouring parts of a tar, which are read, compressed and cached together."""

from __future__ import annotations

import errno
import os
import time
from array import array
from dataclasses import dataclass

from .. import native
from ..errors import BuildFailed
from ..keys import Algorithm, hash_bytes, hash_function
from ..native import stats
from ..native.ustar import BLOCK
from ..trace import traced
from .entry import Content, Entry, FileContent, TreeFile, is_unread, learn
from .tar import END, header, is_plain, padding

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # what stood there when the tree was walked does no more
_SMALL = 64 << 10  # bytes of a file


class Changed(BuildFailed):
    """A file is not what it was when its fingerprint was taken. content: the file."""

    def __init__(self, content: Content) -> None:
        super().__init__(f"{content.origin} changed while it was read", hint="build again when it is at rest")
        self.content = content


class Part:
    """A header, then `length` bytes of an entry's content from `offset`, then zeros up to the block.

    entry: None for the end of the archive; head: bytes of the header, which only an entry's first part has;
    plain: whether `native.write_headers` makes it; whole: whether these are all the content's bytes; size: of
    everything.
    """

    __slots__ = ("content", "entry", "head", "length", "offset", "plain", "size", "whole")

    def __init__(self, entry: Entry | None, offset: int = 0, length: int | None = None) -> None:
        self.entry, self.content = entry, entry.content if entry else None
        size = self.content.size if self.content else 0
        self.offset, self.length = offset, size if length is None else length
        self.whole = length is None
        self.plain = entry is not None and offset == 0 and is_plain(entry, size)
        if self.plain:
            self.head = BLOCK
        elif entry is None:
            self.head = len(END)
        else:
            self.head = 0 if offset else len(header(entry))
        self.size = self.head + self.length + padding(self.length)

    def facts(self) -> str:
        """All that decides its bytes, as text that no other part has."""
        entry = self.entry
        if entry is None:
            return "end"
        mark = self.content.fingerprint if self.content else ""
        said = f"{self.offset} {self.length} {mark}"
        if self.offset:
            return said
        path, link, extended = entry.path, entry.link, ""
        if entry.xattrs:
            extended = ",".join([f"{name.encode().hex()} {value.hex()}" for name, value in entry.xattrs])
        said += f" {entry.kind} {entry.mode} {entry.uid} {entry.gid} {entry.mtime} "
        return f"{said}{len(path)}:{path}{len(link)}:{link}{extended}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring parts of the tar. is_unread: whether its key could not be told without reading files."""

    parts: tuple[Part, ...]

    @property
    def is_unread(self) -> bool:
        return any(is_unread(part.content) for part in self.parts)

    @property
    def is_quickly_read(self) -> bool:
        """Whether reading its files takes less than to unpack it: they lie in the tree, and are not small."""
        size = sum(part.length for part in self.parts)
        return size > _SMALL * len(self.parts) and all(type(part.content) is TreeFile for part in self.parts)

    def key(self, version: str, algorithm: Algorithm) -> str:
        """Names the compressed chunk by the facts and fingerprints of what is in it.

        version: of the compressor, and of whoever decides the bytes.
        """
        said = "\0".join([f"chunk {version}", *[part.facts() for part in self.parts]])
        return f"{algorithm}:{hash_bytes(said.encode(), algorithm)}"

    @property
    def size(self) -> int:
        """In bytes."""
        return sum([part.size for part in self.parts])

    @traced("read a chunk")
    def read(self, algorithm: Algorithm, out: memoryview) -> memoryview:
        """Make `out`, of the chunk's size, its bytes. Every whole file in it is checked against its
        fingerprint, or tells it.

        Raises Changed when a file is not what it was, BuildFailed when it cannot be read.
        """
        seen = time.time_ns()
        files: list[tuple[int, Part]] = []
        plain: list[str] = []
        table = array("q")
        others: list[tuple[int, bytes]] = []
        at = 0
        for part in self.parts:
            start, content, entry = at + part.head, part.content, part.entry
            if part.plain and entry is not None:
                size = content.size if content is not None else 0
                plain.append(entry.path)
                table.extend((at, size, entry.mode, entry.uid, entry.gid, entry.mtime))
            elif part.head and entry is not None:
                others.append((at, header(entry)))
            if content is not None:
                files.append((start, part))
            at += part.size
        native.write_headers(plain, table, out)
        for at, head in others:
            out[at : at + len(head)] = head
        _read_contents(files, out)
        hash_of, learnt = hash_function(algorithm), list[tuple[TreeFile, str]]()
        for start, part in files:
            content, data = part.content, out[start : start + part.length]
            if content is None or not part.whole:
                continue
            if type(content) is TreeFile and content.known is None:
                learnt.append((content, f"{algorithm}:{hash_of(data)}"))
            else:
                judge(content, hash_bytes(data, algorithm_of(content, algorithm)), algorithm, seen)
        learn(learnt, seen)
        return out


def algorithm_of(content: Content, otherwise: Algorithm) -> Algorithm:
    """By which algorithm a content's bytes are judged; otherwise: where nothing is known of them yet."""
    if is_unread(content):
        return otherwise
    return "sha256" if content.fingerprint.startswith("sha256:") else "xxh3_128"


def judge(content: Content, found: str, algorithm: Algorithm, seen: int) -> None:
    """Check what all bytes of a content hash to by `algorithm_of` it, or learn from that what they are.

    seen: ns since 1970, before the first of them was read. Raises Changed.
    """
    if isinstance(content, TreeFile) and content.known is None:
        learn([(content, f"{algorithm}:{found}")], seen)
    elif found != content.fingerprint.partition(":")[2]:
        raise Changed(content)


def _read_contents(parts: list[tuple[int, Part]], out: memoryview) -> None:
    """Put the contents into their places, files of the disk all at once."""
    files: list[TreeFile | FileContent] = []
    rows: list[bytes] = []
    table = array("q")
    for start, part in parts:
        content = part.content
        if type(content) is TreeFile:
            table.extend((start, part.length, part.offset))
            rows.append(content.row)
            files.append(content)
        elif type(content) is FileContent:
            table.extend((start, part.length, content.offset + part.offset))
            rows.append(stats.UNKNOWN)
            files.append(content)
        elif content is not None:
            out[start : start + part.length] = _read(content, part.offset, part.length)
    statuses = native.read_files([file.path for file in files], table, rows, out)
    for number in [number for number, status in enumerate(statuses) if status]:
        content = files[number]
        if statuses[number] < 0 or (statuses[number] in _GONE and isinstance(content, TreeFile)):
            raise Changed(content)
        raise BuildFailed(f"cannot read {content.origin}: {os.strerror(statuses[number])}")


def _read(content: Content, offset: int, length: int) -> bytes:
    """Bytes of a content that is no file: it opens where its bytes begin, which need not be at 0."""
    try:
        with content.open() as stream:
            if offset:
                stream.seek(offset, os.SEEK_CUR)
            data = stream.read(length)
            while len(data) < length and (more := stream.read(length - len(data))):
                data += more
    except OSError as error:
        raise BuildFailed(f"cannot read {content.origin}: {error.strerror}") from error
    if len(data) < length:
        raise Changed(content)
    return data
