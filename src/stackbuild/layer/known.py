"""Chunks that lie compressed in layers of the store: found by what they were made of, or by their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple

from ..frozen import frozen
from ..keys import Data, hash_bytes
from ..store import Store
from .buffers import Buffers
from .chunk import Chunk
from .codec import Codec
from .split import LAYER_VERSION

_SELECT = "SELECT key, blob, offset, size, raw_size, raw_hash, packed_hash FROM chunk WHERE key IN"
_INSERT = "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?)"


@frozen(slots=True)
class Place:
    """Where a chunk lies. offset, size: of the compressed bytes in the blob; raw_size: of the tar's bytes."""

    blob: str
    offset: int
    size: int
    raw_size: int
    raw_hash: str
    packed_hash: str


class KnownChunks:
    """The chunks that a store holds as a codec makes them. buffers: where `packed` puts them."""

    def __init__(self, store: Store, codec: Codec) -> None:
        self.buffers = Buffers()
        self._store, self.codec = store, codec
        self.algorithm = store.fingerprints.algorithm
        self._version = f"{LAYER_VERSION} {codec.version}"
        self._recalled: dict[str, Place | None] = {}

    def key(self, chunk: Chunk) -> str:
        """What names a chunk, from the fingerprints of its files."""
        return chunk.key(self._version, self.algorithm)

    def hash(self, data: Data) -> str:
        """What names bytes."""
        return hash_bytes(data, self.algorithm)

    def recall(self, keys: Sequence[str]) -> None:
        """Look for some chunks at once, each of which is then asked for: each look lets another thread have
        the interpreter, and waits to get it back."""
        self._recalled |= self._looked_up(keys)

    def by_key(self, key: str) -> Place | None:
        """Where some layer holds a chunk."""
        try:
            return self._recalled.pop(key)
        except KeyError:
            return self._looked_up([key])[key]

    def _looked_up(self, keys: Sequence[str]) -> dict[str, Place | None]:
        found = {key: Place(*place) for key, *place in self._store.index.rows_among(_SELECT, keys)}
        return {key: found.get(key) for key in keys}

    def by_hash(self, raw_hash: str) -> Place | None:
        """Where some layer holds a chunk of these bytes, whatever files they came from."""
        return self.by_key(self._name(raw_hash))

    def _name(self, raw_hash: str) -> str:
        return f"{self.codec.version} {raw_hash}"

    def packed(self, place: Place) -> memoryview | None:
        """The compressed bytes, or None when they are gone or damaged."""
        found = self.buffers.take(place.size)
        try:
            handle = os.open(self._store.blobs.path(place.blob), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            size = os.preadv(handle, [found], place.offset)
        except OSError:
            return None
        finally:
            os.close(handle)
        return found if size == place.size and self.hash(found) == place.packed_hash else None

    def raw(self, place: Place, packed: Data) -> Data | None:
        """The tar's bytes, or None when they are not what they should be."""
        try:
            found = self.codec.decompress(packed, place.raw_size)
        except ValueError:
            return None
        return found if self.hash(found) == place.raw_hash else None

    def keep(self, places: Iterable[tuple[str, Place]]) -> None:
        """Remember where chunks lie: by their keys, and by their bytes."""
        rows = [
            (name, *astuple(place)) for key, place in places for name in (key, self._name(place.raw_hash))
        ]
        self._store.index.write(_INSERT, rows)
