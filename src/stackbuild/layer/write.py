"""The layer writer: chunks, read and compressed in parallel, joined in order, hashed as they pass."""

from __future__ import annotations

import functools
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from typing import Any, TypeVar

from ..frozen import frozen
from ..keys import Data, Hash, new_hash
from ..store import Store
from ..store.files import temporary
from ..trace import span, traced
from . import prefix
from .batch import Batch
from .blob import GrowingBlob, growing
from .buffers import Buffers
from .chunk import Chunk
from .codec import Codec
from .entry import Entry, algorithm_of, judge
from .known import KnownChunks, Place
from .part import Part
from .split import split

T = TypeVar("T")
_Named = tuple[Chunk, str | None]  # with its key, where that can be told
_Row = tuple[int, int, int, str, str]  # of a Place, but for the blob, whose name comes last
_AT_ONCE = 16  # chunks that are looked for together
_WINDOW = 4 + min(os.cpu_count() or 1, 8)  # chunks in flight for one layer: each takes some megabytes


@frozen
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


@frozen(slots=True)
class _Piece:
    """A chunk on its way out. key: None where it had to be read first; raw: tar bytes; packed: compressed
    bytes; seen: ns since 1970, from before it was read; found: whether it lay packed in an earlier blob."""

    chunk: Chunk
    key: str | None
    raw: Data
    packed: Data
    raw_hash: str
    packed_hash: str
    seen: int = 0
    found: bool = False


class _BigFiles:
    """Follows the files that come in several chunks, and judges their bytes at the end of each."""

    def __init__(self, known: KnownChunks) -> None:
        self._algorithm = known.algorithm
        self._hash: Hash | None = None
        self._size = self._seen = 0

    def follow(self, piece: _Piece) -> None:
        part = piece.chunk.parts[0]
        if not isinstance(part, Part) or part.content is None or part.whole:
            return
        content = part.content
        if part.offset == 0 or self._hash is None:
            self._hash = new_hash(algorithm_of(content, self._algorithm))
            self._size, self._seen = 0, piece.seen
        start = part.head
        self._hash.update(memoryview(piece.raw)[start : start + part.length])
        self._size += part.length
        if self._size == content.size:
            judge(content, self._hash.hexdigest(), self._algorithm, self._seen)


def _fetch(known: KnownChunks, buffers: Buffers, chunk: Chunk, key: str, place: Place) -> _Piece:
    """A chunk from an earlier blob; made anew when that is gone or damaged."""
    raw: Data | None = None
    with span("reuse a chunk", bytes=place.raw_size):
        packed = known.packed(place)
        if packed is not None and chunk.is_quickly_read:
            raw = chunk.read(known.algorithm, buffers.take(chunk.size))
        elif packed is not None:
            raw = known.raw(place, packed)
    if packed is None or raw is None:
        return _made(known, buffers, chunk, key)
    return _Piece(chunk, key, raw, packed, place.raw_hash, place.packed_hash, found=True)


def _made(known: KnownChunks, buffers: Buffers, chunk: Chunk, key: str | None) -> _Piece:
    """A chunk from its files, compressed unless its very bytes were before."""
    seen = time.time_ns()
    raw = chunk.read(known.algorithm, buffers.take(chunk.size))
    raw_hash = known.hash(raw)
    place = known.by_hash(raw_hash)
    if place and (found := known.packed(place)) is not None:
        return _Piece(chunk, key, raw, found, raw_hash, place.packed_hash, seen, found=True)
    with span("compress", bytes=len(raw), codec=known.codec.name):
        packed = known.codec.compress(raw)
    return _Piece(chunk, key, raw, packed, raw_hash, known.hash(packed), seen)


def _pieces(known: KnownChunks, buffers: Buffers, chunks: Iterable[_Named]) -> Iterator[Callable[[], _Piece]]:
    """What makes each chunk, raw and packed."""
    for chunk, key in chunks:
        if key is not None and (place := known.by_key(key)):
            yield functools.partial(_fetch, known, buffers, chunk, key, place)
        else:
            yield functools.partial(_made, known, buffers, chunk, key)


def _in_order(calls: Iterable[Callable[[], T]], pool: Executor) -> Iterator[T]:
    """What the calls give, in order, a bounded number of them in flight."""
    waiting: deque[Future[T]] = deque()
    try:
        for call in calls:
            waiting.append(pool.submit(call))
            if len(waiting) >= _WINDOW:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)
    finally:
        wait([future for future in waiting if not future.cancel()])  # who may yet refuse what was read


def _taken(waiting: deque[Future[T]]) -> T:
    with span("wait for a chunk"):
        return waiting.popleft().result()


@traced("write the layer")
def write_layer(store: Store, entries: Sequence[Entry | Batch], codec: Codec, pool: Executor) -> Layer:
    """Write arranged entries as one layer blob into the store.

    Raises Changed when a file is no longer what its fingerprint says.
    """
    written = _write(store, entries, codec, pool, give_up=False)
    assert written is not None
    return written[0]


@traced("write the layer ahead")
def write_ahead(
    store: Store, entries: Sequence[Entry | Batch], codec: Codec, pool: Executor
) -> tuple[Layer, bool] | None:
    """`write_layer` before all fingerprints are known, so that files are read once for both; and whether
    its blob was not in the store before.

    None when the first chunk with such a file turns out to have been there before: most likely the whole
    layer was, and its files need only be hashed. Raises Changed and BuildFailed.
    """
    return _write(store, entries, codec, pool, give_up=True)


def _write(
    store: Store, entries: Sequence[Entry | Batch], codec: Codec, pool: Executor, *, give_up: bool
) -> tuple[Layer, bool] | None:
    known, buffers = KnownChunks(store, codec), Buffers()
    big, names, rows = _BigFiles(known), list[str | Chunk](), list[_Row]()
    with temporary(store.temp) as (file, temp), growing(file) as blob:
        chunks, begun = _begin(store, known, entries, blob, pool)
        for piece in _in_order(_pieces(known, buffers, chunks), pool):
            if give_up and piece.key is None:
                if piece.found:
                    return None
                give_up = False
            big.follow(piece)
            store.fingerprints.save_soon()
            # A big file's fingerprint, and with it the keys of its chunks, is known after the last of them.
            names.append(piece.key or (piece.chunk if piece.chunk.is_unread else known.key(piece.chunk)))
            rows.append((blob.size, len(piece.packed), len(piece.raw), piece.raw_hash, piece.packed_hash))
            hashed, written = blob.add(piece.raw, piece.packed, is_old=piece.found)
            hashed.add_done_callback(buffers.giving(piece.raw))
            written.add_done_callback(known.buffers.giving(piece.packed))
        digest, diff_id = blob.digests()
        is_new = not store.blobs.has(digest, blob.size)
        if is_new:
            store.blobs.adopt(file, temp, digest, wait=not blob.is_mostly_old)
    keys = [known.key(name) if isinstance(name, Chunk) else name for name in names]
    known.keep(zip(keys, (Place(digest, *row) for row in rows), strict=True))
    prefix.keep(store, [*begun, *keys], digest, blob.ends)
    return Layer(codec.media_type, digest, blob.size, diff_id), is_new


def _begin(
    store: Store, known: KnownChunks, entries: Sequence[Entry | Batch], blob: GrowingBlob, pool: Executor
) -> tuple[Iterable[_Named], list[str]]:
    """The chunks that are to be added, after the keys of those with which the blob begins by now."""
    if any(entry.is_unread for entry in entries):  # most are not known yet, and the first is waited for
        return _named(known, split(entries), 1), []
    return _resume(store, known, _named(known, split(entries), _AT_ONCE), blob, pool)


def _named(known: KnownChunks, chunks: Iterator[Chunk], at_once: int) -> Iterator[_Named]:
    """Chunks with their keys, as far as these can be told; where they lie is looked for some at once."""
    while some := list(itertools.islice(chunks, at_once)):
        named = [(chunk, None if chunk.is_unread else known.key(chunk)) for chunk in some]
        known.recall([key for _, key in named if key is not None])
        yield from named


@traced("go on after a known beginning")
def _resume(
    store: Store, known: KnownChunks, named: Iterator[_Named], blob: GrowingBlob, pool: Executor
) -> tuple[Iterable[_Named], list[str]]:
    """Begin a blob as an earlier one did, whose bytes are checked chunk by chunk."""
    taken: list[tuple[_Named, prefix.Prefix]] = []
    rest: list[_Named] = []

    def beginning() -> Iterator[Callable[[], memoryview | None]]:
        follow, size = prefix.Beginnings(store), 0
        for chunk, key in named:
            assert key is not None
            found, place = follow.after(key), known.by_key(key)
            if found is None or place is None or found.size != size + place.size:
                rest.append((chunk, key))
                return
            taken.append(((chunk, key), found))
            yield functools.partial(known.packed, replace(place, blob=found.blob, offset=size))
            size = found.size

    count = 0
    for data in _in_order(beginning(), pool):
        if data is None:
            break
        found = taken[count][1]
        blob.copy(data, store.blobs.path(found.blob), found.size - len(data))
        known.buffers.giving(data)(None)
        count += 1
    if count:
        blob.resume(taken[count - 1][1])
    begun = [str(key) for (_, key), _ in taken[:count]]
    return itertools.chain((item for item, _ in taken[count:]), rest, named), begun
