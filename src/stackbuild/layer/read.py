"""Reading layer blobs back: any compression, checked, as a stream."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import BuildFailed

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"))

_LIBRARIES = ("zstd", "zstandard", "_lzma", "lzma", "zipfile", "tarfile")


class Checked:
    """A stream of outside data: what its library calls damage becomes a BuildFailed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def read(self, size: int = -1) -> bytes:
        """As a file's. Raises BuildFailed."""
        try:
            return bytes(self._inner.read(size))
        except (EOFError, OSError, zlib.error, RuntimeError, ValueError) as error:
            raise BuildFailed(f"the archive is damaged: {error}") from error
        except Exception as error:
            # These modules' errors are imported only where they are used.
            if type(error).__module__.partition(".")[0] in _LIBRARIES:
                raise BuildFailed(f"the archive is damaged: {error}") from error
            raise


@contextmanager
def decompressed(path: Path) -> Iterator[Checked]:
    """A binary stream of what a gzip, zstd, xz, bzip2 or plain file holds, told by its first bytes.

    Reading raises BuildFailed when the compressed data is damaged.
    """
    with open(path, "rb") as file, decompressed_stream(file) as stream:
        yield stream


@contextmanager
def decompressed_stream(file: Any) -> Iterator[Any]:
    """The same of an open file that can seek."""
    with _opened(file) as stream:
        yield Checked(stream)


def compression_of(magic: bytes) -> str:
    """ "gzip", "zstd", "xz", "bzip2", or "" for what begins with none of their signs."""
    return next((name for sign, name in _MAGIC if magic.startswith(sign)), "")


def _opened(file: BinaryIO) -> Any:
    """The decompressor for what a file begins with; a context manager."""
    magic = file.read(6)
    file.seek(0)
    match compression_of(magic):
        case "gzip":
            import gzip

            return gzip.GzipFile(fileobj=file)
        case "zstd":
            import zstandard

            return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        case "xz":
            import lzma

            return lzma.open(file)
        case "bzip2":
            import bz2

            return bz2.open(file)
    return nullcontext(file)


def listing(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a layer blob, in order: path, kind, mode, owner, size, link. Raises BuildFailed."""
    kinds = {
        tarfile.REGTYPE: "file",
        tarfile.DIRTYPE: "folder",
        tarfile.SYMTYPE: "symlink",
        tarfile.LNKTYPE: "hardlink",
    }
    try:
        with decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
            for member in tar:
                yield {
                    "path": member.name,
                    "kind": kinds.get(member.type, "other"),
                    "mode": f"{member.mode:04o}",
                    "owner": f"{member.uid}:{member.gid}",
                    "size": member.size,
                    "link": member.linkname,
                }
    except tarfile.TarError as error:
        raise BuildFailed(f"{path.name}: the archive is damaged: {error}") from error
