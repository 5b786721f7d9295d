"""Codecs: how a chunk becomes an independently compressed piece of a blob, the same on every machine.

gzip members and zstd frames both concatenate to a valid stream (RFC 1952 section 2.2, RFC 8878 section
3.1). The libraries carry their own compressors, so that the bytes do not depend on the machine's zlib; a
compressor that makes other bytes all the same is refused before it makes the first.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Literal

from ..errors import BuildFailed
from ..frozen import frozen
from ..keys import Data

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

_own = threading.local()
Compression = Literal["gzip", "gzip-fast", "gzip-small", "zstd", "zstd-small"]


@frozen(slots=True)
class _Way:
    """What decides the bytes. format: what readers see of it; proof: SHA-256 of `_sample`, compressed."""

    format: Literal["gzip", "zstd"]
    library: Literal["deflate", "isal", "zstandard"]
    level: int
    proof: str


_WAYS: dict[Compression, _Way] = {
    "gzip": _Way("gzip", "deflate", 1, "8ea9e2da2ebc238ac47f96354da08d07857ff3ecead690050cfce27c20514e53"),
    "gzip-fast": _Way("gzip", "isal", 2, "80759982b690827da54ea4048311e3f0d1c0db8fe45c25ad607f3bce27ecc607"),
    "gzip-small": _Way(
        "gzip", "deflate", 6, "99e17c79c86c6049b780bc5b72b43798e8ea7c598ff35c877a99162c01a2b5e4"
    ),
    "zstd": _Way("zstd", "zstandard", 3, "3e269c343256fd4ff40c0fb744a630652eef3ff2b25bc37ba457ebf067ae1b64"),
    "zstd-small": _Way(
        "zstd", "zstandard", 6, "42f74edb1a09e345038cc9e73db6cdf03b5e91fa567f7ab83e891843388de068"
    ),
}


@functools.cache
def _installed(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


@frozen
class Codec:
    """A compression by name. media_type: of a layer blob (OCI image spec, layer.md)."""

    name: Compression

    @property
    def media_type(self) -> str:
        return f"application/vnd.oci.image.layer.v1.tar+{_WAYS[self.name].format}"

    @property
    def version(self) -> str:
        """What decides the bytes; part of every key that they stand behind."""
        way = _WAYS[self.name]
        return f"{way.library}-{_installed(way.library)}-{way.level}"

    def compress(self, data: Data) -> Data:
        """One gzip member or zstd frame. Raises BuildFailed where it would not be that of other machines."""
        _prove(self.name)
        return _compress(_WAYS[self.name], data)

    def decompress(self, data: Data, size: int) -> Data:
        """The `size` bytes of a piece that `compress` made. Raises ValueError when it is damaged."""
        try:
            found = _decompress(_WAYS[self.name], data, size)
        except Exception as error:  # each library has its own family
            raise ValueError(f"damaged {self.name} data: {error}") from error
        if len(found) != size:
            raise ValueError(f"damaged {self.name} data: {len(found)} bytes, not {size}")
        return found


def _compress(way: _Way, data: Data) -> Data:
    if way.library == "isal":
        from isal import igzip_lib

        return igzip_lib.compress(data, way.level, flag=igzip_lib.COMP_GZIP)
    if way.library == "deflate":
        import deflate

        return deflate.gzip_compress(data, way.level)
    return _zstandard(way.level).compress(data)


def _zstandard(level: int) -> ZstdCompressor:
    """This thread's compressor: a new one takes megabytes, and a twentieth of the time."""
    made: dict[int, ZstdCompressor] = vars(_own).setdefault("compressors", {})
    if level not in made:
        import zstandard

        made[level] = zstandard.ZstdCompressor(level=level, write_checksum=True)
    return made[level]


def _decompress(way: _Way, data: Data, size: int) -> Data:
    """Never more than `size` bytes, whatever damaged data says of itself."""
    if way.format == "gzip":
        import deflate

        return deflate.gzip_decompress(data, size or 1)  # 0 would believe the data
    import zstandard

    if (said := zstandard.frame_content_size(data)) != size:
        raise ValueError(f"{said} bytes, not {size}")
    return zstandard.ZstdDecompressor().decompress(data)


def _sample() -> bytes:
    """16 KiB in which text repeats near and far: what compressors that differ see differently."""
    return b"".join(b"%d %x\n" % (n * n % 9973, n * 40503 % 65521) for n in range(1750))[: 1 << 14]


@functools.cache
def _prove(name: Compression) -> None:
    """Once a process, compress a sample whose compressed bytes are known.

    Bytes of isal depend on the processor, and a library may have been built against another compressor.
    Other bytes would be other digests, and nobody would know why.
    """
    import hashlib

    way = _WAYS[name]
    try:
        found = hashlib.sha256(_compress(way, _sample())).hexdigest()
    except ImportError:
        found = "none"
    if found != way.proof:
        others = " or ".join(f'"{other}"' for other in _WAYS if _WAYS[other].library != way.library)
        raise BuildFailed(
            f'compression "{name}" makes other bytes on this machine than elsewhere'
            f" ({way.library} {_installed(way.library)})",
            hint=f"use {others}",
        )
