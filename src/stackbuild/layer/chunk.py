"""Chunks: neighbouring parts of a tar, which are read, compressed and cached together."""

from __future__ import annotations

import errno
import os
import time
from array import array
from dataclasses import dataclass

from .. import native
from ..errors import BuildFailed
from ..keys import Algorithm, hash_bytes
from ..native.signatures import stat_numbers
from ..trace import traced
from .entry import Content, Entry, FileContent, TreeFile, is_unread
from .tar import header, padding

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # what stood there when the tree was walked does no more
_SMALL = 64 << 10  # bytes of a file
_ANY_STAT = (0, -1, 0, 0, 0, 0)  # for files that nobody else can write


class Changed(BuildFailed):
    """A file is not what it was when its fingerprint was taken. content: the file."""

    def __init__(self, content: Content) -> None:
        super().__init__(f"{content.origin} changed while it was read", hint="build again when it is at rest")
        self.content = content


class Part:
    """A header, then `length` bytes of an entry's content from `offset`, then zeros up to the block.

    whole: whether these are all its bytes; header: b"" but for the first part of an entry.
    """

    __slots__ = ("_entry", "_header", "content", "length", "offset", "whole")

    def __init__(self, header: bytes, entry: Entry | None, offset: int, length: int, *, whole: bool) -> None:
        self._header: bytes | None = header
        self._entry, self.content = entry, entry.content if entry else None
        self.offset, self.length, self.whole = offset, length, whole

    @property
    def header(self) -> bytes:
        if self._header is None:
            assert self._entry is not None
            return header(self._entry)
        return self._header

    @property
    def size(self) -> int:
        return len(self.header) + self.length + padding(self.length)

    def slim(self) -> None:
        """Hold less: the header is made again when it is asked for."""
        if self._header and self._entry:
            self._header = None


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
        """Names the compressed chunk by the headers and fingerprints of what is in it.

        version: of the compressor, and of whoever decides the bytes.
        """
        out = [b"chunk %b\n" % version.encode()]
        for part in self.parts:
            content, head = part.content, part.header
            mark = content.fingerprint.encode() if content else b""
            facts = (len(head), head, part.offset, part.length, len(mark), mark)
            out.append(b"%d:%b%d %d %d:%b\n" % facts)
        return f"{algorithm}:{hash_bytes(b''.join(out), algorithm)}"

    @traced("read a chunk")
    def read(self, algorithm: Algorithm) -> bytearray:
        """The chunk's bytes. Every whole file in it is checked against its fingerprint, or tells it.

        Raises Changed when a file is not what it was, BuildFailed when it cannot be read.
        """
        out = bytearray(sum([part.size for part in self.parts]))
        seen = time.time_ns()
        files: list[tuple[int, Part]] = []
        at = 0
        with memoryview(out) as view:
            for part in self.parts:
                head = part.header
                start = at + len(head)
                view[at:start] = head
                if (content := part.content) is not None:
                    if isinstance(content, TreeFile | FileContent):
                        files.append((start, part))
                    else:
                        view[start : start + part.length] = _read(content, part.offset, part.length)
                at = start + part.length + padding(part.length)
            _read_files(files, out)
            for start, part in files:
                if part.whole and (content := part.content) is not None:
                    data = view[start : start + part.length]
                    judge(content, hash_bytes(data, algorithm_of(content, algorithm)), algorithm, seen)
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
        content.learn(f"{algorithm}:{found}", seen)
    elif found != content.fingerprint.partition(":")[2]:
        raise Changed(content)


def _read_files(files: list[tuple[int, Part]], out: bytearray) -> None:
    paths: list[bytes] = []
    table = array("q")
    for start, part in files:
        content = part.content
        assert isinstance(content, FileContent | TreeFile)
        paths.append(os.fsencode(content.path))
        if isinstance(content, TreeFile):
            table.extend((start, part.length, part.offset, *stat_numbers(content.stat)))
        else:
            table.extend((start, part.length, content.offset + part.offset, *_ANY_STAT))
    statuses = native.read_files(paths, table, out)
    for number in [number for number, status in enumerate(statuses) if status]:
        content = files[number][1].content
        assert content is not None
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
