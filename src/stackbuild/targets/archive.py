"""`archive`: a layer from a tar or zip, read as a stream and never unpacked into the tree."""

from __future__ import annotations

import contextlib
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from .. import witness
from ..declare.fields import Fields, ImagePath, Mode, Owner
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.shapes import BELOW, PATH, WEB, belongs, one_of, rules, shaped
from ..declare.workspace import Workspace
from ..errors import BuildFailed, DigestMismatch, RegistryError, RequestError
from ..layer.entry import Entry, clean_path
from ..layer.unpack import Member, Spool, members
from .target import Contribution, LayerType, Task
from .tracked import check_unchanged, file_mark


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_DIGITS, value):
        raise ValueError("should be a SHA-256, 64 lower-case hexadecimal digits")
    return value


_DIGITS = "[0-9a-f]{64}"
Sha256 = Annotated[str, BeforeValidator(_sha256), shaped(_DIGITS)]


class ArchiveFields(Fields):
    """A layer from a tar (plain, gz, zst, xz or bz2) or a zip."""

    model_config = ConfigDict(
        json_schema_extra=rules(one_of("src", "url"), belongs("url", "sha256"), belongs("sha256", "url"))
    )

    src: Annotated[str, shaped(f"|{BELOW}")] | None = None
    """The archive, a path below this folder."""
    url: Annotated[str, shaped(WEB)] | None = None
    """Where to fetch the archive, with `sha256`."""
    sha256: Sha256 | None = None
    """SHA-256 of the archive at `url`, in hexadecimal."""
    to: ImagePath = "/"
    """Folder of the image below which the members go."""
    strip_prefix: Annotated[str, shaped(f"|{PATH}")] = ""
    """Leading folders to drop; members that lie elsewhere are left out."""
    owner: Owner = Field((0, 0), json_schema_extra={"default": "0:0"})
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
        try:
            parts = urllib.parse.urlsplit(value)
            sound = bool(parts.hostname) and parts.port != 0 and value.isascii() and value.isprintable()
        except ValueError:
            sound = False
        if not sound or " " in value:
            raise ValueError(f"'{value}' is not a URL; write special characters as %XX")
        return value

    @field_validator("src", "strip_prefix")
    @classmethod
    def _is_below(cls, value: str, info: ValidationInfo) -> str:
        if ".." in value.split("/") or (info.field_name == "src" and value.startswith("/")):
            raise ValueError("should be a path without a leading / and without '..'")
        clean_path(value)
        return value


class ArchiveType(LayerType[ArchiveFields]):
    """The members of an archive, as one layer."""

    name = "archive"
    version = 2
    witnessed = True
    fields = ArchiveFields
    unkeyed = frozenset({"url"})  # sha256 says what is there, wherever it lies

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        src = declaration.fields.src  # type: ignore[attr-defined]
        return [Reads.path(declaration.address.folder, src)] if src else []

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, ArchiveFields)
        path, mark = _local(task, fields)

        def entries(stack: contextlib.ExitStack) -> list[Entry]:
            if fields.url is not None and not task.store.blobs.has(mark):
                _fetch(task, fields.url, mark)
            spool = stack.enter_context(Spool(task.store.temp, task.store.fingerprints.algorithm))
            shown = fields.src or fields.url or ""
            try:
                found = _Unpacking(task, fields, spool, shown).entries(members(path))
            except BuildFailed as error:
                where = task.declaration.position(("src",) if fields.src else ("url",))
                raise BuildFailed(
                    f"{shown}: {error.what}", where=error.where or where, hint=error.hint
                ) from error
            spool.flush()
            check_unchanged(task, path, mark)
            return found

        return Contribution({"mtime": task.epoch, "archive": mark}, entries)


def _local(task: Task, fields: ArchiveFields) -> tuple[Path, str]:
    """Where the archive lies on this machine, or will lie once fetched, and its fingerprint."""
    if fields.src is None:
        digest = f"sha256:{fields.sha256}"
        return task.store.blobs.path(digest), digest
    where = task.declaration.position(("src",))
    path = witness.resolve(Path(task.folder) / fields.src)
    if not path.is_file() or not path.is_relative_to(task.workspace.root):
        raise RequestError(
            f"'{fields.src}' is not a file of the workspace", where=where, hint="correct the path"
        )
    return path, file_mark(task, path, ("src",))


def _fetch(task: Task, url: str, digest: str) -> None:
    where = task.declaration.position(("url",))
    try:
        task.store.blobs.receive(task.remote.download(url), digest)
    except DigestMismatch as error:
        raise BuildFailed(
            f"{url}: {error.what}", where=where, hint="correct sha256, or distrust the site"
        ) from error
    except RegistryError as error:
        raise BuildFailed(f"cannot fetch {url}: {error.what}", where=where) from error


class _Unpacking:
    """The members of one archive, on their way to entries."""

    def __init__(self, task: Task, fields: ArchiveFields, spool: Spool, shown: str) -> None:
        self._task, self._fields, self._spool, self._shown = task, fields, spool, shown
        self._prefix = clean_path(fields.strip_prefix)

    def entries(self, found: Iterator[Member]) -> list[Entry]:
        """Of several members with one name the last counts, as with tar. Raises BuildFailed."""
        entries: dict[str, Entry] = {}
        linked: dict[str, Entry] = {}
        for member in found:
            try:
                name = self._place(member.name)
                target = self._place(member.link) if member.kind == "hardlink" else None
            except ValueError as error:
                raise BuildFailed(str(error)) from error
            if not name:
                continue
            entry = self._entry(member, name)
            if member.kind == "hardlink":
                if target not in entries:
                    raise BuildFailed(
                        f"the hard link '{member.name}' points at '{member.link}', not in it before"
                    )
                linked[name] = linked.get(target, entries[target])
                entry = replace(entry, link=linked[name].path)
            else:
                linked.pop(name, None)
            entries[name] = entry
        if not entries:
            raise BuildFailed("it holds nothing" + (f" below '{self._prefix}'" if self._prefix else ""))
        for name, target_entry in linked.items():
            if entries.get(target_entry.path) is not target_entry:
                # A later member took the name: the link keeps the file that it was made to.
                entries[name] = replace(target_entry, path=name, origin=entries[name].origin)
        return list(entries.values())

    def _place(self, name: str) -> str | None:
        """Where a member goes; None for one outside of strip_prefix. Raises ValueError."""
        inner = clean_path(name)
        if not self._prefix:
            return clean_path(f"{self._fields.to}/{inner}") if inner else ""
        if inner == self._prefix:
            return ""
        if not inner.startswith(f"{self._prefix}/"):
            return None
        return clean_path(f"{self._fields.to}/{inner[len(self._prefix) :]}")

    def _entry(self, member: Member, name: str) -> Entry:
        fields, mode = self._fields, member.mode
        if member.kind == "symlink":
            mode = 0o777
        elif member.kind == "file" and fields.mode is not None:
            mode = fields.mode
        content = self._spool.add(member.stream) if member.stream else None
        origin = f"{self._shown}:{member.name}"
        return Entry(
            name,
            member.kind,
            mode,
            *fields.owner,
            self._task.epoch,
            member.link,
            member.xattrs,
            content,
            origin,
        )
