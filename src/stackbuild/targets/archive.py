"""`archive`: a layer from a tar or zip, read as a stream and never unpacked into the tree."""

from __future__ import annotations

import contextlib
import re
import stat
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from ..declare.fields import Fields, ImagePath, Mode, Owner
from ..errors import BuildFailed, DigestMismatch, RequestError
from ..keys import new_hash
from ..layer.entry import Entry, FileContent, Kind, clean_path
from ..layer.read import decompressed
from .sources import check_unchanged
from .target import Contribution, LayerType, Task

_PIECE = 1 << 20
_XATTR = "SCHILY.xattr."
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    zlib.error,
)
_KEPT_XATTRS = ("security.capability", "user.")


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("should be a SHA-256, 64 lower-case hexadecimal digits")
    return value


Sha256 = Annotated[
    str, BeforeValidator(_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]


class ArchiveFields(Fields):
    """A layer from a tar (plain, gz, zst, xz or bz2) or a zip."""

    src: str | None = None
    """The archive, a path below this folder."""
    url: str | None = None
    """Where to fetch the archive, with `sha256`."""
    sha256: Sha256 | None = None
    """SHA-256 of the archive at `url`, in hexadecimal."""
    to: ImagePath = "/"
    """Folder of the image below which the members go."""
    strip_prefix: str = ""
    """Leading folders to drop; members that lie elsewhere are left out."""
    owner: Owner = (0, 0)
    """Owner of everything, "uid:gid"."""
    mode: Mode | None = None
    """Mode of files; by default as the archive has it."""

    @model_validator(mode="after")
    def _has_one_source(self) -> ArchiveFields:
        if self.src is None and self.url is None:
            raise ValueError("nothing says where the archive is; add src, or url and sha256")
        if self.src is not None and self.url is not None:
            raise ValueError("src and url exclude each other; remove one of the two")
        if (self.url is None) != (self.sha256 is None):
            raise ValueError(f"url and sha256 belong together; add {'sha256' if self.url else 'url'}")
        return self

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("should begin with https:// or http://")
        return value

    @field_validator("src", "strip_prefix")
    @classmethod
    def _is_below(cls, value: str, info: ValidationInfo) -> str:
        if ".." in value.split("/") or (info.field_name == "src" and value.startswith("/")):
            raise ValueError("should be a path without a leading / and without '..'")
        return value


@dataclass(frozen=True)
class _Member:
    """One member of an archive, whatever its format; link for symlinks and hard links."""

    name: str
    kind: Kind
    mode: int
    link: str
    xattrs: tuple[tuple[str, bytes], ...]
    stream: IO[bytes] | None


class ArchiveType(LayerType[ArchiveFields]):
    """The members of an archive, as one layer."""

    name = "archive"
    version = 1
    fields = ArchiveFields

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, ArchiveFields)
        path, mark = _local(task, fields)
        where = task.declaration.position(("src",) if fields.src else ("url",))

        def entries(stack: contextlib.ExitStack) -> list[Entry]:
            if fields.url is not None and not task.store.blobs.has(mark):
                _fetch(task, fields.url, mark)
            spool = stack.enter_context(tempfile.NamedTemporaryFile(dir=task.store.temp))  # noqa: SIM115
            shown = fields.src or fields.url or ""
            try:
                found = _entries(task, fields, path, spool, shown)
            except _DAMAGE as error:
                raise BuildFailed(f"{shown}: the archive is damaged: {error}", where=where) from error
            except BuildFailed as error:
                raise BuildFailed(error.what, where=error.where or where, hint=error.hint) from error
            check_unchanged(task, path, mark)
            return found

        return Contribution({"mtime": task.epoch, "archive": mark}, entries)


def _local(task: Task, fields: ArchiveFields) -> tuple[Path, str]:
    """Where the archive lies on this machine, or will lie once fetched, and its fingerprint."""
    if fields.src is None:
        digest = f"sha256:{fields.sha256}"
        return task.store.blobs.path(digest), digest
    where = task.declaration.position(("src",))
    path = (Path(task.folder) / fields.src).resolve()
    if not path.is_file() or not path.is_relative_to(task.workspace.root):
        raise RequestError(
            f"'{fields.src}' is not a file of the workspace", where=where, hint="correct the path"
        )
    return path, task.store.fingerprints.of(str(path), path.lstat())


def _fetch(task: Task, url: str, digest: str) -> None:
    where = task.declaration.position(("url",))
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            task.store.blobs.receive(iter(lambda: answer.read(_PIECE), b""), digest)
    except DigestMismatch as error:
        raise BuildFailed(
            f"{url}: {error.what}", where=where, hint="correct sha256, or distrust the site"
        ) from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise BuildFailed(f"cannot fetch {url}: {error}", where=where) from error


def _tar_members(stream: IO[bytes]) -> Iterator[_Member]:
    kinds: dict[bytes, Kind] = {
        tarfile.DIRTYPE: "folder",
        tarfile.SYMTYPE: "symlink",
        tarfile.LNKTYPE: "hardlink",
    }
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            kind = "file" if member.isreg() else kinds.get(member.type)
            if kind is None:
                raise BuildFailed(f"'{member.name}' is a device or a pipe, which a layer cannot hold")
            xattrs = tuple(
                sorted(
                    (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
                    for name, value in member.pax_headers.items()
                    if name.startswith(_XATTR) and name.removeprefix(_XATTR).startswith(_KEPT_XATTRS)
                )
            )
            yield _Member(
                member.name,
                kind,
                member.mode & 0o7777,
                member.linkname,
                xattrs,
                tar.extractfile(member) if kind == "file" else None,
            )


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            unix = info.external_attr >> 16
            if info.is_dir():
                yield _Member(info.filename, "folder", unix & 0o7777 or 0o755, "", (), None)
                continue
            with archive.open(info) as stream:
                if stat.S_ISLNK(unix):
                    yield _Member(info.filename, "symlink", 0o777, stream.read(4096).decode(), (), None)
                else:
                    yield _Member(info.filename, "file", unix & 0o7777 or 0o644, "", (), stream)


def _members(path: Path) -> Iterator[_Member]:
    with open(path, "rb") as file:
        if file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from _zip_members(path)
            return
    with decompressed(path) as stream:
        yield from _tar_members(stream)


def _spool(stream: IO[bytes], spool: IO[bytes], path: str, algorithm: Any) -> FileContent:
    """The member's bytes at the end of the spool file."""
    hasher, offset, size = new_hash(algorithm), spool.tell(), 0
    while piece := stream.read(_PIECE):
        hasher.update(piece)
        spool.write(piece)
        size += len(piece)
    return FileContent(path, size, f"{algorithm}:{hasher.hexdigest()}", offset)


def _entries(task: Task, fields: ArchiveFields, path: Path, spool: IO[bytes], shown: str) -> list[Entry]:
    """The archive's members as entries; of several with one name the last counts, as with tar."""
    prefix = clean_path(fields.strip_prefix)
    algorithm = task.store.fingerprints.algorithm
    entries: dict[str, Entry] = {}

    def place(name: str) -> str | None:
        inner = clean_path(name)
        if prefix and inner != prefix and not inner.startswith(f"{prefix}/"):
            return None
        return clean_path(f"{fields.to}/{inner[len(prefix) :]}") if inner != prefix else ""

    where = task.declaration.position(("src",) if fields.src else ("url",))
    for member in _members(path):
        try:
            name = place(member.name)
            link = (place(member.link) or "") if member.kind == "hardlink" else member.link
        except ValueError as error:
            raise BuildFailed(f"{shown}: {error}", where=where) from error
        if not name:
            continue
        content = _spool(member.stream, spool, str(spool.name), algorithm) if member.stream else None
        mode = fields.mode if member.kind == "file" and fields.mode is not None else member.mode
        if member.kind == "symlink":
            mode = 0o777
        entries[name] = Entry(
            name,
            member.kind,
            mode,
            *fields.owner,
            task.epoch,
            link,
            member.xattrs,
            content,
            origin=f"{shown}:{member.name}",
        )
    if not entries:
        raise BuildFailed(f"{shown} holds nothing" + (f" below '{prefix}'" if prefix else ""), where=where)
    spool.flush()
    return [_hard_link(entry, entries, shown) for entry in entries.values()]


def _hard_link(entry: Entry, entries: dict[str, Entry], shown: str) -> Entry:
    """A hard link with its target's mode; its target must be a file of the same layer."""
    if entry.kind != "hardlink":
        return entry
    target = entries.get(entry.link)
    if target is None or target.kind != "file":
        raise BuildFailed(
            f"{shown}: the hard link '{entry.path}' points at '{entry.link}', which is no file in it"
        )
    return Entry(
        entry.path,
        "hardlink",
        target.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        entry.link,
        target.xattrs,
        origin=entry.origin,
    )
