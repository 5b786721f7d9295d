"""`files`: a layer of files from the tree."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ..declare.address import Address
from ..declare.fields import Fields, ImagePath, Mode, Owner, Source
from ..declare.package import Declaration
from ..declare.toml import Key
from ..declare.workspace import Workspace
from ..errors import RequestError
from ..layer.entry import Entry, FileContent, clean_path
from . import capabilities
from .globs import Found, matches
from .sources import find_sources, fingerprint, mode_of
from .target import Contribution, LayerType, Need, Task, Variant

V = TypeVar("V")


def _mtime(value: Any) -> int:
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return int(value.timestamp())
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("should be seconds since 1970, or a date and time with its offset")


def _capability(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('should be a capability, as "cap_net_bind_service+ep"')
    capabilities.encode(value)
    return value


Mtime = Annotated[int, BeforeValidator(_mtime), WithJsonSchema({"type": "integer"})]
Capability = Annotated[str, BeforeValidator(_capability), WithJsonSchema({"type": "string"})]


class FilesFields(Fields):
    """A layer of files from the tree."""

    srcs: list[Source] = Field(default_factory=list)
    """Globs below this folder (`!glob` takes away), or addresses of targets whose outputs are files."""
    to: ImagePath = "/"
    """Folder of the image below which the sources go."""
    strip_prefix: str = ""
    """Leading folders to drop from the sources' paths."""
    rename: dict[str, ImagePath] = Field(default_factory=dict)
    """Source path -> path below `to`, or from the image's root when it begins with "/"."""
    mode: Mode | None = None
    """Mode of files; by default 0755 for executable ones, else 0644."""
    dir_mode: Mode = 0o755
    """Mode of the folders in `dirs`."""
    owner: Owner = (0, 0)
    """Owner of everything, "uid:gid"."""
    modes: dict[str, Mode] = Field(default_factory=dict)
    """Glob -> mode; the last that matches wins. A glob means source paths, or image paths when it begins
    with "/"."""
    owners: dict[str, Owner] = Field(default_factory=dict)
    """Glob -> owner, as in `modes`."""
    symlinks: dict[str, str] = Field(default_factory=dict)
    """Path below `to` (or from the root) -> the target of a symlink to make there."""
    dirs: list[ImagePath] = Field(default_factory=list)
    """Folders to write: new ones, or by glob those of the sources; `["**"]` for all below `to`. No other
    folder is written, so that none of the base's changes its owner or mode."""
    whiteouts: list[ImagePath] = Field(default_factory=list)
    """Paths to delete from the layers below."""
    capabilities: dict[str, Capability] = Field(default_factory=dict)
    """Glob -> file capabilities, as "cap_net_bind_service+ep"."""
    mtime: Mtime | None = None
    """Time of everything; by default SOURCE_DATE_EPOCH, else 0."""

    @model_validator(mode="after")
    def _says_something(self) -> FilesFields:
        if not (self.srcs or self.symlinks or self.dirs or self.whiteouts):
            raise ValueError("the layer would be empty; give srcs, symlinks, dirs or whiteouts")
        return self


@dataclass(frozen=True)
class _Placed:
    """An entry with the source path by which globs know it."""

    source: str
    entry: Entry


class FilesType(LayerType[FilesFields]):
    """Files of the tree, as one layer."""

    name = "files"
    version = 1
    fields = FilesFields

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        srcs = declaration.fields.srcs  # type: ignore[attr-defined]
        return [
            Need(source, Variant(None, "gzip"), "files", ("srcs", number))
            for number, source in enumerate(srcs)
            if isinstance(source, Address)
        ]

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, FilesFields)
        found = find_sources(task, fields.srcs)
        prints = {item.path: fingerprint(task, item) for item in found}
        mtime = fields.mtime if fields.mtime is not None else task.epoch
        inputs = {
            "mtime": mtime,
            "files": {
                item.path: f"link {prints[item.path]}"
                if item.is_link
                else f"{mode_of(item):04o} {prints[item.path]}"
                for item in found
            },
        }

        def entries(stack: contextlib.ExitStack) -> list[Entry]:
            placing = _Placing(task, fields, mtime)
            placed = [placing.file(item, prints[item.path]) for item in found]
            for source in fields.srcs:
                if isinstance(source, Address):
                    placed += [
                        placing.foreign(entry)
                        for entry in task.files_of(source, stack)
                        if entry.kind not in ("folder", "whiteout")
                    ]
            return _finish(task, fields, placed, mtime)

        return Contribution(inputs, entries)


def _join(task: Task, to: str, path: str, key: Key) -> str:
    """A path below `to`; one that begins with "/" starts at the image's root instead. key: who says so."""
    try:
        return clean_path(path if path.startswith("/") or not to else f"{to}/{path}")
    except ValueError as error:
        raise RequestError(str(error), where=task.declaration.position(key)) from error


class _Placing:
    """Where this target's sources go, and as whose."""

    def __init__(self, task: Task, fields: FilesFields, mtime: int) -> None:
        self._task, self._fields, self._mtime = task, fields, mtime
        self._base = clean_path(fields.to)
        self._prefix = fields.strip_prefix.strip("/") + "/" if fields.strip_prefix.strip("/") else ""
        self._home = task.declaration.address.folder

    def path_of(self, source: str) -> str:
        """The image path of a source path. Raises RequestError when it has none."""
        if source in self._fields.rename:
            return _join(self._task, self._base, self._fields.rename[source], ("rename", source))
        if not source.startswith(self._prefix):
            what = f"'{source}' does not lie below the strip_prefix '{self._prefix[:-1]}'"
            raise RequestError(what, where=self._task.declaration.position(("strip_prefix",)))
        inner = source[len(self._prefix) :]
        return _join(self._task, "", f"{self._base}/{inner}" if self._base else inner, ("srcs",))

    def file(self, item: Found, mark: str) -> _Placed:
        """A file or symlink of the tree."""
        path, (uid, gid) = self.path_of(item.path), self._fields.owner
        origin = f"{self._home}/{item.path}" if self._home else item.path
        if item.is_link:
            entry = Entry(path, "symlink", 0o777, uid, gid, self._mtime, link=mark, origin=origin)
            return _Placed(item.path, entry)
        content = FileContent(f"{self._task.folder}/{item.path}", item.stat.st_size, mark)
        mode = mode_of(item) if self._fields.mode is None else self._fields.mode
        entry = Entry(path, "file", mode, uid, gid, self._mtime, content=content, origin=origin)
        return _Placed(item.path, entry)

    def foreign(self, entry: Entry) -> _Placed:
        """Another target's file."""
        link = self.path_of(entry.link) if entry.kind == "hardlink" else entry.link
        mode = self._fields.mode if entry.kind == "file" and self._fields.mode is not None else entry.mode
        uid, gid = self._fields.owner
        moved = replace(entry, path=self.path_of(entry.path), link=link, mode=mode, uid=uid, gid=gid)
        return _Placed(entry.path, moved)


def _finish(task: Task, fields: FilesFields, placed: list[_Placed], mtime: int) -> list[Entry]:
    """All entries: the sources', and those that the fields ask for, with owners, modes and capabilities."""
    name = str(task.declaration.address)
    made = [
        Entry(
            _join(task, fields.to, path, ("symlinks", path)),
            "symlink",
            0o777,
            *fields.owner,
            mtime,
            target,
            origin=f"symlinks of {name}",
        )
        for path, target in fields.symlinks.items()
    ]
    folders = _folders(task, fields, [item.entry for item in placed] + made, mtime)
    base = clean_path(fields.to)
    everything = placed + [
        _Placed(entry.path.removeprefix(f"{base}/") if base else entry.path, entry)
        for entry in made + folders
    ]
    used: set[tuple[str, str]] = set()
    entries = [_dress(fields, item, used) for item in everything]
    for field in ("rename", "modes", "owners", "capabilities"):
        for glob in getattr(fields, field):
            known = (
                any(item.source == glob for item in placed) if field == "rename" else (field, glob) in used
            )
            if not known:
                where = task.declaration.position((field, glob), of_key=True)
                raise RequestError(
                    f"'{glob}' in {field} matches nothing", where=where, hint="correct it, or remove it"
                )
    gone = [
        Entry(
            _join(task, fields.to, path, ("whiteouts", number)),
            "whiteout",
            0,
            mtime=mtime,
            origin=f"whiteouts of {name}",
        )
        for number, path in enumerate(fields.whiteouts)
    ]
    return entries + gone


def _lookup(table: Mapping[str, V], name: str, item: _Placed, used: set[tuple[str, str]]) -> V | None:
    result: V | None = None
    for glob, value in table.items():
        path = f"/{item.entry.path}" if glob.startswith("/") else item.source
        if matches(glob.lstrip("/"), path.lstrip("/")):
            used.add((name, glob))
            result = value
    return result


def _dress(fields: FilesFields, item: _Placed, used: set[tuple[str, str]]) -> Entry:
    """The entry with the owner, mode and capabilities that the tables of globs give it."""
    entry = item.entry
    if not (fields.owners or fields.modes or fields.capabilities):
        return entry
    uid, gid = _lookup(fields.owners, "owners", item, used) or (entry.uid, entry.gid)
    mode = _lookup(fields.modes, "modes", item, used) if entry.kind in ("file", "folder") else None
    xattrs = entry.xattrs
    if entry.kind == "file" and (text := _lookup(fields.capabilities, "capabilities", item, used)):
        xattrs = (*xattrs, (capabilities.XATTR, capabilities.encode(text)))
    return replace(entry, mode=entry.mode if mode is None else mode, uid=uid, gid=gid, xattrs=xattrs)


def _folders(task: Task, fields: FilesFields, entries: list[Entry], mtime: int) -> list[Entry]:
    """The folders that `dirs` names; globs choose among those that the entries lie in."""
    base = clean_path(fields.to)
    implied: set[str] = set()
    for entry in entries:
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in implied:
            implied.add(parent)
            parent = parent.rpartition("/")[0]
    chosen: set[str] = set()
    for number, item in enumerate(fields.dirs):
        if not any(char in item for char in "*?["):
            chosen.add(_join(task, fields.to, item, ("dirs", number)))
            continue
        pattern = item.lstrip("/") if item.startswith("/") or not base else f"{base}/{item}"
        hits = {path for path in implied if matches(pattern, path)}
        if not hits:
            raise RequestError(
                f"'{item}' in dirs matches no folder of the sources",
                where=task.declaration.position(("dirs", number)),
                hint="correct it, or remove it",
            )
        chosen |= hits
    origin = f"dirs of {task.declaration.address}"
    return [
        Entry(path, "folder", fields.dir_mode, mtime=mtime, origin=origin) for path in sorted(chosen - {""})
    ]
