"""Chunks: neighbouring parts of a tar, which are read, compressed and cached together."""

from __future__ import annotations

import time

from ..frozen import frozen
from ..keys import Algorithm, hash_bytes
from ..trace import traced
from .part import Laid, Page

_SMALL = 64 << 10  # bytes of a file


@frozen(slots=True)
class Chunk:
    """Neighbours in the tar. is_unread: whether its key could not be told without reading files."""

    parts: tuple[Laid, ...]

    @property
    def is_unread(self) -> bool:
        return any(part.is_unread for part in self.parts)

    @property
    def is_quickly_read(self) -> bool:
        """Whether reading its files takes less than to unpack it: they lie in the tree, and are not small."""
        count = sum(part.count for part in self.parts)
        return self.size > _SMALL * count and all(part.is_of_the_tree for part in self.parts)

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
        seen, page, at = time.time_ns(), Page(out), 0
        for part in self.parts:
            part.lay_out(page, at)
            at += part.size
        page.fill()
        at = 0
        for part in self.parts:
            part.check(out[at : at + part.size], algorithm, seen)
            at += part.size
        return out
