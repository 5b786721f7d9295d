"""The layer writer: chunks, compressed in parallel and joined in order, both digests in the same pass."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import xxhash

from ..keys import Hash, new_hash
from ..store import Store
from ..store.files import temporary
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
    """A chunk on its way out. raw: tar bytes; packed: compressed bytes; fresh: compressed just now."""

    chunk: Chunk
    key: str
    raw: bytes
    packed: bytes
    fresh: bool


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


def _cached(store: Store, key: str, codec: Codec) -> tuple[bytes, bytes] | None:
    """(raw, packed) of a chunk that some earlier layer blob holds, or None."""
    rows = store.index.rows("SELECT blob, offset, size, raw_size, raw_hash FROM chunk WHERE key = ?", (key,))
    if not rows:
        return None
    blob, offset, size, raw_size, raw_hash = rows[0]
    try:
        with open(store.blobs.path(blob), "rb", buffering=0) as file:
            file.seek(offset)
            packed = file.read(size)
        raw = codec.decompress(packed, raw_size)
    except (OSError, ValueError):
        return None
    return (raw, packed) if xxhash.xxh3_128_hexdigest(raw) == raw_hash else None


def _prepare(store: Store, chunk: Chunk, codec: Codec, version: str) -> _Piece:
    key = chunk.key(version)
    if found := _cached(store, key, codec):
        return _Piece(chunk, key, *found, fresh=False)
    raw = chunk.read()
    return _Piece(chunk, key, raw, codec.compress(raw), fresh=True)


def _in_order(store: Store, chunks: Iterable[Chunk], codec: Codec, pool: Executor) -> Iterator[_Piece]:
    """The prepared chunks in order, a bounded number of them in flight."""
    version = codec.version
    waiting: deque[Future[_Piece]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_prepare, store, chunk, codec, version))
            if len(waiting) >= _WINDOW:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def write_layer(store: Store, entries: Sequence[Entry], codec: Codec, pool: Executor) -> Layer:
    """Write arranged entries as one layer blob into the store.

    Raises Changed when a file is no longer what its fingerprint says.
    """
    raw_hash, blob_hash, size = hashlib.sha256(), hashlib.sha256(), 0
    rows: list[tuple[str, int, int, int, str]] = []
    check = _FileCheck()
    with temporary(store.temp) as (file, temp):
        for piece in _in_order(store, split(entries), codec, pool):
            check.follow(piece)
            raw_hash.update(piece.raw)
            blob_hash.update(piece.packed)
            file.write(piece.packed)
            row = (piece.key, size, len(piece.packed), len(piece.raw), xxhash.xxh3_128_hexdigest(piece.raw))
            rows.append(row)
            size += len(piece.packed)
        digest = "sha256:" + blob_hash.hexdigest()
        if not store.blobs.has(digest, size):
            store.blobs.adopt(file, temp, digest)
    store.index.write(
        "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?)",
        [(key, digest, *rest) for key, *rest in rows],
    )
    return Layer(codec.media_type, digest, size, "sha256:" + raw_hash.hexdigest())
