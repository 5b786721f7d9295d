"""Archives as streams of members: tar in any compression, and zip. Nothing is unpacked into a tree; contents
go, one after the other, into a nameless spool file.

Everything in an archive is outside data: what is damaged or cut short is an error, never an early end.
"""

from __future__ import annotations

import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import BuildFailed
from ..frozen import frozen
from ..keys import Algorithm, new_hash
from ..store.files import cannot_write, write
from ..trace import traced
from .entry import WHITEOUT, Entry, FileContent, Kind, clean_path
from .read import Checked, decompressed

_PIECE = 1 << 20
_XATTR = "SCHILY.xattr."
_KEPT_XATTRS = ("security.capability", "user.")
_KINDS: dict[bytes, Kind] = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LARGEST_HEADER = 1 << 20
_MOST_AFTER = 64 << 20  # bytes of padding
_BAD_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    EOFError,
    struct.error,
)


@frozen
class Member:
    """One member of an archive, whatever its format. link: of symlinks and hard links, as it stands there."""

    name: str
    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    stream: IO[bytes] | None = None


class Spool:
    """A temporary file that the contents of members are kept in, one after the other."""

    def __init__(self, folder: Path, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        try:
            self._file = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        except OSError as error:
            raise cannot_write(folder, error) from error

    def add(self, stream: IO[bytes]) -> FileContent:
        """Keep a stream's bytes. Raises BuildFailed when it is damaged, StoreError when the disk is full."""
        hasher, offset, size = new_hash(self._algorithm), self._file.tell(), 0
        while piece := stream.read(_PIECE):
            hasher.update(piece)
            size += len(piece)
            write(self._file.file, piece, Path(self._file.name).parent)
        return FileContent(self._file.name, size, f"{self._algorithm}:{hasher.hexdigest()}", offset)

    def flush(self) -> None:
        """Let readers see everything."""
        self._file.flush()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class StrictInfo(tarfile.TarInfo):
    """A header that cannot be read ends nothing: tarfile takes a bad one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        found = super().frombuf(buf, encoding, errors)
        if found.type in _HEADERS and found.size > _LARGEST_HEADER:  # tarfile reads it into memory
            raise BuildFailed(f"the archive is damaged: it has a header of {found.size} bytes")
        return found

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise BuildFailed(f"the archive is damaged or cut short: {error}") from error


def tar_headers(stream: Any) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The headers of an uncompressed tar, each with the archive, which keeps none. Raises BuildFailed."""
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=StrictInfo) as tar:
            while member := tar.next():
                yield tar, member
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember every one
        _read_on(stream)
    except (tarfile.TarError, ValueError) as error:
        raise BuildFailed(f"the archive is damaged: {error}") from error


def tar_members(stream: Any) -> Iterator[Member]:
    """The members of an uncompressed tar. Raises BuildFailed."""
    for tar, member in tar_headers(stream):
        yield _tar_member(tar, member)


def xattrs_of(member: tarfile.TarInfo) -> tuple[tuple[str, bytes], ...]:
    """The extended attributes of a member that layers keep, sorted."""
    return tuple(
        sorted(
            (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
            for name, value in member.pax_headers.items()
            if name.startswith(_XATTR) and name.removeprefix(_XATTR).startswith(_KEPT_XATTRS)
        )
    )


def _read_on(stream: Any) -> None:
    """Read what follows the end, so that the sum of a compressed archive is checked."""
    read = 0
    while piece := stream.read(_PIECE):
        read += len(piece)
        if read > _MOST_AFTER:
            raise BuildFailed(f"the archive is damaged: more than {_MOST_AFTER} bytes follow its end")


def _tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Member:
    kind = "file" if member.isreg() else _KINDS.get(member.type)
    if kind is None:
        raise BuildFailed(f"'{member.name}' is a device or a pipe, which a layer cannot hold")
    stream: Any = Checked(tar.extractfile(member)) if kind == "file" else None
    mode, link = member.mode & 0o7777, member.linkname
    return Member(
        member.name, kind, mode, member.uid, member.gid, int(member.mtime), link, xattrs_of(member), stream
    )


def _zip_members(path: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                unix = info.external_attr >> 16
                if info.is_dir():
                    yield Member(info.filename, "folder", unix & 0o7777 or 0o755)
                    continue
                with archive.open(info) as opened:
                    stream: Any = Checked(opened)
                    if stat.S_ISLNK(unix):
                        yield Member(info.filename, "symlink", 0o777, link=stream.read(4096).decode())
                    else:
                        yield Member(info.filename, "file", unix & 0o7777 or 0o644, stream=stream)
    except _BAD_ZIP as error:
        raise BuildFailed(f"the archive is damaged: {error}") from error


def members(path: Path) -> Iterator[Member]:
    """The members of a tar or zip in order; each one's stream is to be read before the next is asked for.

    Raises BuildFailed when it is damaged, or holds what no layer can.
    """
    with open(path, "rb") as file:
        is_zip = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    if is_zip:
        yield from _zip_members(path)
        return
    with decompressed(path) as stream:
        yield from tar_members(stream)


@traced("read a layer's files")
def layer_files(blob: Path, spool: Spool, origin: str) -> list[Entry]:
    """The files and links of a layer blob that was written here, as entries again."""
    entries = []
    for member in members(blob):
        if member.kind == "folder" or member.name.rpartition("/")[2].startswith(WHITEOUT):
            continue
        link = clean_path(member.link) if member.kind == "hardlink" else member.link
        entries.append(
            Entry(
                clean_path(member.name),
                member.kind,
                member.mode,
                member.uid,
                member.gid,
                member.mtime,
                link,
                member.xattrs,
                spool.add(member.stream) if member.stream else None,
                origin,
            )
        )
    spool.flush()
    return entries
