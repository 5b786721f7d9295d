"""A layer's blob while it is written: its bytes, both its digests, and their states between chunks."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .. import native
from ..keys import Data
from ..threads import workers
from ..trace import span

if TYPE_CHECKING:
    from .prefix import Prefix

_BLOCK = 64  # bytes that sha256 takes at a time
_LAG = 3  # chunks that wait to be hashed and written, while others are made
_FLUSHED = 16 << 20  # bytes that are written before the disk is told, so that little is left for the end


class GrowingBlob:
    """Two hashes at once, each in a thread of its own, so that the caller can go on.

    size: bytes written, or on their way; ends: of each chunk added, the size so far and the hashes' states,
    if they have any; complete after `digests`; old: how many of the bytes lie in earlier blobs.
    """

    def __init__(self, file: BinaryIO, hasher: Executor, writer: Executor, flusher: Executor) -> None:
        self._file, self._hasher, self._writer, self._flusher = file, hasher, writer, flusher
        self._under_way: deque[tuple[int, Future[bytes | None], Future[bytes | None]]] = deque()
        self._flush: Future[None] | None = None
        self._unflushed = 0
        self._raw, self._blob = native.sha256(), native.sha256()
        self._tail = b""  # written, and not hashed yet
        self.size = self.old = 0
        self.ends: list[tuple[int, bytes | None, bytes | None]] = []

    def copy(self, packed: Data, source: Path, offset: int) -> None:
        """Write bytes of a beginning, which lie in a file, too: the kernel copies them in less time."""
        done = _copied(source, self._file.fileno(), offset, len(packed))
        if done < len(packed):
            self._file.write(packed[done:])
            self._file.flush()

    def resume(self, prefix: Prefix) -> None:
        """Go on after a beginning, whose bytes were just copied."""
        raw, blob = native.resume_sha256(prefix.raw_state), native.resume_sha256(prefix.blob_state)
        assert raw is not None and blob is not None
        self._raw, self._blob, self.size, self.old = raw, blob, prefix.size, prefix.size
        hashed = int.from_bytes(prefix.blob_state[32:], "big")
        self._tail = os.pread(self._file.fileno(), self.size - hashed, hashed)

    @property
    def is_mostly_old(self) -> bool:
        """Whether earlier blobs hold half of it: then the disk need not be waited for, as little is lost."""
        return 2 * self.old > self.size

    def add(
        self, raw: Data, packed: Data, *, is_old: bool
    ) -> tuple[Future[bytes | None], Future[bytes | None]]:
        """Have a chunk written. Returns what is done when its `raw` bytes are needed no more, and what when
        its `packed` bytes are. is_old: whether an earlier blob holds it.

        Raises OSError when the disk did not take an earlier one.
        """
        self.size += len(packed)
        self.old += len(packed) * is_old
        hashed, written = self._hasher.submit(self._hash, raw), self._writer.submit(self._append, packed)
        self._under_way.append((self.size, hashed, written))
        if len(self._under_way) > _LAG:
            self._settle()
        return hashed, written

    def _settle(self) -> None:
        """Wait for the earliest chunk on its way."""
        size, hashed, written = self._under_way.popleft()
        self.ends.append((size, hashed.result(), written.result()))

    def _hash(self, raw: Data) -> bytes | None:
        with span("hash the tar", bytes=len(raw)):
            self._raw.update(raw)
            return self._raw.state()

    def _append(self, packed: Data) -> bytes | None:
        """Write and hash; the state after the last whole block."""
        with span("hash and write", bytes=len(packed)):
            self._file.write(packed)
            self._flush_now_and_then(len(packed))
            with memoryview(packed) as view:
                start = -len(self._tail) % _BLOCK
                end = len(view) - (len(view) - start) % _BLOCK
                if end < start:
                    self._tail += packed
                    return self._blob.state()
                self._blob.update(self._tail + view[:start])
                self._blob.update(view[start:end])
                self._tail = bytes(view[end:])
            return self._blob.state()

    def _flush_now_and_then(self, written: int) -> None:
        """Have the disk write beside what goes on, once at a time. Raises OSError, if the last time did."""
        self._unflushed += written
        if self.is_mostly_old or self._unflushed < _FLUSHED or (self._flush and not self._flush.done()):
            return
        if self._flush:
            self._flush.result()
        self._file.flush()
        self._flush = self._flusher.submit(os.fsync, self._file.fileno())
        self._unflushed = 0

    def digests(self) -> tuple[str, str]:
        """(of the blob, of the tar), at the end. Raises OSError when the disk did not take all so far."""
        while self._under_way:
            self._settle()
        if self._flush:
            self._flush.result()
        self._blob.update(self._tail)
        return "sha256:" + self._blob.hexdigest(), "sha256:" + self._raw.hexdigest()


def _copied(source: Path, target: int, offset: int, count: int) -> int:
    """Have the kernel copy bytes of a file to where another is written. Returns how many it did."""
    done = 0
    # There may be no such call, or not between these; and whoever writes the rest says that the disk is full.
    with suppress(AttributeError, OSError), open(source, "rb", buffering=0) as file:
        while done < count and (
            more := os.copy_file_range(file.fileno(), target, count - done, offset + done)
        ):
            done += more
    return done


@contextmanager
def growing(file: BinaryIO) -> Iterator[GrowingBlob]:
    """A blob that grows in a file."""
    with workers(1, "hash") as hasher, workers(1, "write") as writer, workers(1, "flush") as flusher:
        yield GrowingBlob(file, hasher, writer, flusher)
