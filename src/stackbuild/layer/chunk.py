"""Chunks: groups of neighbouring entries, compressed and cached on their own.

A cut falls before an entry when a hash of its path says so, with a chance in proportion to its size: cuts
depend on the entries beside them alone, so that an insertion moves no other cut. Where entries are grouped
(a package's are), cuts fall between groups instead. A big file is cut by offset, so that no chunk, and with
it the memory of a build, grows with a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import xxhash

from ..errors import BuildFailed
from ..keys import Algorithm, digest, new_hash
from ..trace import traced
from .entry import Content, Entry
from .tar import BLOCK, END, WRITER_VERSION, header, padding

AVERAGE = 2 << 20  # bytes of tar between two cuts
LARGEST = 4 << 20  # bytes of tar in a chunk, at most (but for one entry's headers)
CHUNKER_VERSION = 1
LAYER_VERSION = f"{WRITER_VERSION}.{CHUNKER_VERSION}"
"""What decides a layer's bytes beside its entries and codec; part of every key that they stand behind."""


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
    """Neighbouring parts of the tar."""

    parts: tuple[Part, ...]

    def key(self, codec_version: str, algorithm: Algorithm) -> str:
        """Names the compressed chunk without reading its files: their fingerprints stand for them."""
        return digest(
            {
                "versions": [LAYER_VERSION, codec_version],
                "parts": [
                    [
                        part.header,
                        part.content.fingerprint if part.content else None,
                        part.offset,
                        part.length,
                    ]
                    for part in self.parts
                ],
            },
            algorithm,
        )

    @traced("read a chunk")
    def read(self) -> bytes:
        """The chunk's bytes; every whole file in it is checked against its fingerprint.

        Raises Changed when a file is not what it was.
        """
        out: list[bytes] = []
        for part in self.parts:
            out.append(part.header)
            if part.content is None:
                continue
            data = _read(part.content, part.offset, part.length)
            if part.whole:
                verify(part.content, [data])
            out += (data, bytes(padding(part.length)))
        return b"".join(out)


def _read(content: Content, offset: int, length: int) -> bytes:
    try:
        with content.open() as file:
            if offset:
                file.seek(offset, 1)
            data = file.read(length)
            while len(data) < length and (more := file.read(length - len(data))):
                data += more
    except OSError as error:
        raise BuildFailed(f"cannot read {content.origin}: {error.strerror}") from error
    if len(data) < length:
        raise Changed(content)
    return data


def verify(content: Content, pieces: Iterable[bytes]) -> None:
    """Raise Changed unless `pieces` are the bytes that the content's fingerprint stands for."""
    algorithm, _, expected = content.fingerprint.partition(":")
    hasher = new_hash("sha256" if algorithm == "sha256" else "xxh3_128")
    size = 0
    for piece in pieces:
        hasher.update(piece)
        size += len(piece)
    if size != content.size or hasher.hexdigest() != expected:
        raise Changed(content)


def _is_cut(entry: Entry, size: int, group: str) -> bool:
    if entry.group or group:
        return entry.group != group
    return xxhash.xxh3_64_intdigest(entry.path.encode()) * AVERAGE < (size << 64)


def _pieces(entry: Entry, head: bytes, size: int) -> Iterator[Chunk]:
    """A big file, cut by offset; the header goes with the first piece."""
    step = LARGEST - LARGEST % BLOCK
    for offset in range(0, size, step):
        yield Chunk((Part(head if offset == 0 else b"", entry.content, offset, min(step, size - offset)),))


def split(entries: Sequence[Entry]) -> Iterator[Chunk]:
    """The chunks of a layer's arranged entries, in order, the end-of-archive blocks last."""
    group: list[Part] = []
    held, name = 0, ""
    for entry in entries:
        head = header(entry)
        size = entry.content.size if entry.content else 0
        part = Part(head, entry.content, 0, size)
        if group and (held + part.size > LARGEST or _is_cut(entry, part.size, name)):
            yield Chunk(tuple(group))
            group, held = [], 0
        name = entry.group
        if part.size > LARGEST:
            yield from _pieces(entry, head, size)
            continue
        group.append(part)
        held += part.size
    if group:
        yield Chunk(tuple(group))
    yield Chunk((Part(END),))
