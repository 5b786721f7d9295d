"""Chunks: neighbouring parts of a tar, which are read, compressed and cached together."""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass

from .. import native
from ..errors import BuildFailed
from ..keys import Algorithm, hash_bytes
from ..trace import traced
from .entry import Content, FileContent, TreeFile, is_unread
from .tar import padding

_ANY_STAT = (0, -1, 0, 0, 0, 0)  # for files that nobody else can write


class Changed(BuildFailed):
    """A file is not what it was when its fingerprint was taken. content: the file."""

    def __init__(self, content: Content) -> None:
        super().__init__(f"{content.origin} changed while it was read", hint="build again when it is at rest")
        self.content = content


@dataclass(frozen=True, slots=True)
class Part:
    """`header`, then `length` bytes of `content` from `offset`, then zeros up to the block."""

    header: bytes
    content: Content | None = None
    offset: int = 0
    length: int = 0

    @property
    def size(self) -> int:
        return len(self.header) + self.length + padding(self.length)

    @property
    def whole(self) -> bool:
        return self.content is None or self.length == self.content.size


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring parts of the tar. is_unread: whether its key could not be told without reading files."""

    parts: tuple[Part, ...]

    @property
    def is_unread(self) -> bool:
        return any(is_unread(part.content) for part in self.parts)

    def key(self, version: str, algorithm: Algorithm) -> str:
        """Names the compressed chunk by the headers and fingerprints of what is in it.

        version: of the compressor, and of whoever decides the bytes.
        """
        out = [b"chunk %b\n" % version.encode()]
        for part in self.parts:
            content = part.content
            mark = content.fingerprint.encode() if content else b""
            facts = (len(part.header), part.header, part.offset, part.length, len(mark), mark)
            out.append(b"%d:%b%d %d %d:%b\n" % facts)
        return f"{algorithm}:{hash_bytes(b''.join(out), algorithm)}"

    @traced("read a chunk")
    def read(self, algorithm: Algorithm) -> bytearray:
        """The chunk's bytes. Every whole file in it is checked against its fingerprint, or tells it.

        Raises Changed when a file is not what it was, BuildFailed when it cannot be read.
        """
        out = bytearray(sum(part.size for part in self.parts))
        seen = time.time_ns()
        files: list[tuple[int, Part]] = []
        at = 0
        with memoryview(out) as view:
            for part in self.parts:
                start = at + len(part.header)
                view[at:start] = part.header
                content = part.content
                if isinstance(content, FileContent | TreeFile):
                    files.append((start, part))
                elif content is not None:
                    view[start : start + part.length] = _read(content, part.offset, part.length)
                at += part.size
        _read_files(files, out)
        with memoryview(out) as view:
            for start, part in files:
                if part.whole:
                    _judge(part.content, view[start : start + part.length], algorithm, seen)
        return out


def _judge(content: Content | None, data: memoryview, algorithm: Algorithm, seen: int) -> None:
    """Check a whole file's bytes, or learn from them what they are."""
    if isinstance(content, TreeFile) and content.known is None:
        content.learn(f"{algorithm}:{hash_bytes(data, algorithm)}", seen)
    elif content is not None:
        kind, _, expected = content.fingerprint.partition(":")
        if hash_bytes(data, "sha256" if kind == "sha256" else "xxh3_128") != expected:
            raise Changed(content)


def _read_files(files: list[tuple[int, Part]], out: bytearray) -> None:
    paths: list[bytes] = []
    table = array("q")
    for start, part in files:
        content = part.content
        assert isinstance(content, FileContent | TreeFile)
        paths.append(content.path.encode("utf-8", "surrogateescape"))
        if isinstance(content, TreeFile):
            stat = content.stat
            numbers = (
                stat.st_dev,
                stat.st_ino,
                stat.st_size,
                stat.st_mtime_ns,
                stat.st_ctime_ns,
                stat.st_mode,
            )
            table.extend((start, part.length, part.offset, *map(_signed, numbers)))
        else:
            table.extend((start, part.length, content.offset + part.offset, *_ANY_STAT))
    for (_, part), status in zip(files, native.read_files(paths, table, out), strict=True):
        if status:
            import os

            assert part.content is not None
            if status < 0:
                raise Changed(part.content)
            raise BuildFailed(f"cannot read {part.content.origin}: {os.strerror(status)}")


def _signed(number: int) -> int:
    return number if number < 1 << 63 else number - (1 << 64)


def _read(content: Content, offset: int, length: int) -> bytes:
    """Bytes of a content that is no file."""
    with content.open() as stream:
        stream.seek(offset)
        data = stream.read(length)
    if len(data) < length:
        raise Changed(content)
    return data
