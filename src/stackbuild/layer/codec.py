"""Codecs: how a chunk becomes an independently compressed piece of a blob.

gzip members and zstd frames both concatenate to a valid stream (RFC 1952 section 2.2, RFC 8878 section
3.1). Both libraries carry their own compressor, so that the bytes do not depend on the machine's zlib.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

Compression = Literal["gzip", "zstd"]
GZIP_LEVEL = 1
ZSTD_LEVEL = 3


@functools.cache
def _installed(library: str) -> str:
    from importlib.metadata import version

    return version(library)


@dataclass(frozen=True)
class Codec:
    """A compression by name. media_type: of a layer blob (OCI image spec, layer.md)."""

    name: Compression

    @property
    def media_type(self) -> str:
        return f"application/vnd.oci.image.layer.v1.tar+{self.name}"

    @property
    def version(self) -> str:
        """What decides the bytes; part of every key that they stand behind."""
        if self.name == "gzip":
            return f"deflate-{_installed('deflate')}-{GZIP_LEVEL}"
        return f"zstandard-{_installed('zstandard')}-{ZSTD_LEVEL}"

    def compress(self, data: bytes | bytearray) -> bytes:
        """One gzip member or zstd frame."""
        if self.name == "gzip":
            import deflate

            return bytes(deflate.gzip_compress(data, GZIP_LEVEL))
        import zstandard

        return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compress(data)

    def decompress(self, data: bytes, size: int) -> bytes:
        """The `size` bytes of a piece that `compress` made. Raises ValueError when it is damaged."""
        try:
            if self.name == "gzip":
                import deflate

                return bytes(deflate.gzip_decompress(data, size))
            import zstandard

            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except Exception as error:  # each library has its own family
            raise ValueError(f"damaged {self.name} data: {error}") from error
