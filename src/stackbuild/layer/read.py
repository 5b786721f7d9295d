"""Reading layer blobs back: any compression, checked, as a stream."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BuildFailed


@contextmanager
def decompressed(path: Path) -> Iterator[Any]:
    """A binary stream of what a gzip, zstd, xz, bzip2 or plain file holds, told by its first bytes.

    Raises BuildFailed, on reading, when the compressed data is damaged.
    """
    with open(path, "rb") as file:
        magic = file.read(6)
        file.seek(0)
        try:
            if magic.startswith(b"\x1f\x8b"):
                import gzip

                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked
            elif magic.startswith(b"\x28\xb5\x2f\xfd"):
                import zstandard

                with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as frames:
                    yield frames
            elif magic.startswith(b"\xfd7zXZ\0"):
                import lzma

                with lzma.open(file) as stream:
                    yield stream
            elif magic.startswith(b"BZh"):
                import bz2

                with bz2.open(file) as stream:
                    yield stream
            else:
                yield file
        except (EOFError, zlib.error, tarfile.TarError, OSError) as error:
            raise BuildFailed(f"{path.name}: the archive is damaged: {error}") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] in ("zstd", "zstandard", "_lzma", "lzma"):
                raise BuildFailed(f"{path.name}: the archive is damaged: {error}") from error
            raise


def members(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a layer blob, in order: path, type, mode, owner, size, link."""
    kinds = {
        tarfile.REGTYPE: "file",
        tarfile.DIRTYPE: "folder",
        tarfile.SYMTYPE: "symlink",
        tarfile.LNKTYPE: "hardlink",
    }
    with decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            yield {
                "path": member.name,
                "kind": kinds.get(member.type, "other"),
                "mode": f"{member.mode:04o}",
                "owner": f"{member.uid}:{member.gid}",
                "size": member.size,
                "link": member.linkname,
            }
