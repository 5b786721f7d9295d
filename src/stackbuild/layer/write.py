"""The layer writer: chunks, compressed in parallel and joined in order, both digests in the same pass."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from ..keys import Hash, hash_bytes, new_hash
from ..store import Store
from ..store.files import temporary
from ..trace import span, traced
from .chunk import Changed, Chunk, split
from .codec import Codec
from .entry import Content, Entry

_WINDOW = 6  # chunks in flight for one layer: enough for the cores, little enough for memory


@dataclass(frozen=True)
class Layer:
    """A written layer: its descriptor (media_type, digest, size in bytes) and its diff_id."""

    media_type: str
    digest: str
    size: int
    diff_id: str

    def recipe(self) -> dict[str, Any]:
        """The layer as plain data."""
        return dict(vars(self))

    def descriptor(self) -> dict[str, Any]:
        """Its OCI descriptor."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk on its way out. raw: tar bytes; packed: compressed bytes."""

    chunk: Chunk
    key: str
    raw: bytes
    packed: bytes


class _FileCheck:
    """Follows the big files, which come in several chunks, and checks their bytes at the end of each."""

    def __init__(self) -> None:
        self._hash: Hash | None = None
        self._size = 0

    def follow(self, piece: _Piece) -> None:
        part = piece.chunk.parts[0]
        content: Content | None = part.content
        if content is None or part.whole:
            return
        if part.offset == 0 or self._hash is None:
            algorithm = content.fingerprint.partition(":")[0]
            self._hash, self._size = new_hash("sha256" if algorithm == "sha256" else "xxh3_128"), 0
        start = len(part.header)
        self._hash.update(memoryview(piece.raw)[start : start + part.length])
        self._size += part.length
        if self._size == content.size and self._hash.hexdigest() != content.fingerprint.partition(":")[2]:
            raise Changed(content)


_Place = tuple[str, int, int, int, str]  # blob, offset, size, raw size, raw hash


def _lookup(store: Store, key: str) -> _Place | None:
    """Where some earlier layer blob holds the chunk."""
    rows = store.index.rows("SELECT blob, offset, size, raw_size, raw_hash FROM chunk WHERE key = ?", (key,))
    return rows[0] if rows else None


@traced("reuse a chunk")
def _fetch(store: Store, chunk: Chunk, codec: Codec, place: _Place) -> tuple[bytes, bytes]:
    """(raw, packed) of a chunk from an earlier blob; made anew when that is gone or damaged."""
    blob, offset, size, raw_size, raw_hash = place
    try:
        with open(store.blobs.path(blob), "rb", buffering=0) as file:
            file.seek(offset)
            packed = file.read(size)
        raw = codec.decompress(packed, raw_size)
    except (OSError, ValueError):
        raw = b""
    if _raw_hash(store, raw) != raw_hash:
        return _pack(chunk.read(), codec)
    return raw, packed


def _raw_hash(store: Store, raw: bytes) -> str:
    return hash_bytes(raw, store.fingerprints.algorithm)


def _pack(raw: bytes, codec: Codec) -> tuple[bytes, bytes]:
    with span("compress", bytes=len(raw), codec=codec.name):
        return raw, codec.compress(raw)


def _in_order(store: Store, chunks: Iterable[Chunk], codec: Codec, pool: Executor) -> Iterator[_Piece]:
    """The chunks in order, raw and packed, a bounded number of them in flight.

    Files are read here, in one thread, and only the long calls that need no interpreter go to the pool:
    threads that all run Python between short system calls would spend their time waiting for each other.
    """
    version = codec.version
    waiting: deque[tuple[Chunk, str, Future[tuple[bytes, bytes]]]] = deque()
    try:
        for chunk in chunks:
            key = chunk.key(version, store.fingerprints.algorithm)
            if place := _lookup(store, key):
                future = pool.submit(_fetch, store, chunk, codec, place)
            else:
                future = pool.submit(_pack, chunk.read(), codec)
            waiting.append((chunk, key, future))
            if len(waiting) >= _WINDOW:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)
    finally:
        for _, _, future in waiting:
            future.cancel()


def _taken(waiting: deque[tuple[Chunk, str, Future[tuple[bytes, bytes]]]]) -> _Piece:
    chunk, key, future = waiting.popleft()
    with span("wait for a chunk"):
        return _Piece(chunk, key, *future.result())


@traced("write the layer")
def write_layer(store: Store, entries: Sequence[Entry], codec: Codec, pool: Executor) -> Layer:
    """Write arranged entries as one layer blob into the store.

    Raises Changed when a file is no longer what its fingerprint says.
    """
    raw_hash, blob_hash, size = hashlib.sha256(), hashlib.sha256(), 0
    rows: list[tuple[str, int, int, int, str]] = []
    check = _FileCheck()
    with temporary(store.temp) as (file, temp):
        for piece in _in_order(store, split(entries), codec, pool):
            with span("hash and write", bytes=len(piece.raw)):
                check.follow(piece)
                raw_hash.update(piece.raw)
                blob_hash.update(piece.packed)
                file.write(piece.packed)
            rows.append((piece.key, size, len(piece.packed), len(piece.raw), _raw_hash(store, piece.raw)))
            size += len(piece.packed)
        digest = "sha256:" + blob_hash.hexdigest()
        if not store.blobs.has(digest, size):
            store.blobs.adopt(file, temp, digest)
    store.index.write(
        "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?)",
        [(key, digest, *rest) for key, *rest in rows],
    )
    return Layer(codec.media_type, digest, size, "sha256:" + raw_hash.hexdigest())
