"""Where the sources of a `files` target go in the image, and as whose."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ...declare.glob import is_wild, matches
from ...declare.toml import Key
from ...errors import Failures, RequestError
from ...layer import capabilities
from ...layer.batch import Attributes, Batch
from ...layer.entry import Entry, are_clean, clean_path
from ..target import Task
from .fields import FilesFields
from .sources import Sources

V = TypeVar("V")


class Placing:
    """Collects the entries of one target. Its methods raise RequestError for a path that is none."""

    def __init__(self, task: Task, fields: FilesFields, mtime: int) -> None:
        self._task, self._fields, self._mtime = task, fields, mtime
        self._name = str(task.declaration.address)
        self._base = clean_path(fields.to)
        self._below = f"{self._base}/" if self._base else ""
        self._prefix = f"{fields.strip_prefix}/" if fields.strip_prefix else ""
        self._home = task.declaration.address.folder
        self._batches: list[Batch] = []
        self._entries: list[Entry] = []
        self._sources: list[str] = []  # of each entry, the path by which globs know it
        self._is_dressed = bool(fields.owners or fields.modes or fields.capabilities)
        self._used: set[tuple[str, str]] = set()

    def files(self, sources: Sources) -> None:
        """Take files of the tree, and symlinks by what they say."""
        mode, (uid, gid), mtime = self._fields.mode, self._fields.owner, self._mtime
        files, prefix = sources.files, sources.prefix
        origin = f"{self._home}/{prefix}" if self._home else prefix
        modes = sources.modes if mode is None else array("H", [mode]) * len(sources.modes)
        place = self._folder_of(prefix, files.joined())
        common = Attributes(place or "", uid, gid, mtime, origin)
        if place is not None and Batch.fits(files, common):
            self._batches.append(Batch(files, modes, common))
        else:
            for name, own, file in zip(files.names, modes, files.single(), strict=True):
                path = self._path_of(prefix + name)
                self._entries.append(Entry(path, "file", own, uid, gid, mtime, "", (), file, origin + name))
                self._sources.append(prefix + name)
        for name, link in sources.links.items():
            path = self._path_of(prefix + name)
            self._entries.append(
                Entry(path, "symlink", 0o777, uid, gid, mtime, link, (), None, origin + name)
            )
            self._sources.append(prefix + name)

    def _folder_of(self, prefix: str, names: str) -> str | None:
        """What paths in the image begin with, of files that need not be looked at one by one."""
        if not names or self._is_dressed or self._fields.rename or not prefix.startswith(self._prefix):
            return None
        inner = prefix[len(self._prefix) :]
        return self._below + inner if are_clean(inner + names) else None

    def foreign(self, entry: Entry) -> None:
        """Take another target's file or link."""
        fields = self._fields
        link = self._path_of(entry.link) if entry.kind == "hardlink" else entry.link
        mode = fields.mode if entry.kind == "file" and fields.mode is not None else entry.mode
        mtime = entry.mtime if fields.mtime is None else fields.mtime
        uid, gid = fields.owner
        path = self._path_of(entry.path)
        moved = replace(entry, path=path, link=link, mode=mode, uid=uid, gid=gid, mtime=mtime)
        self._entries.append(moved)
        self._sources.append(entry.path)

    def finished(self) -> Sequence[Entry | Batch]:
        """All entries: the sources', and those that the fields ask for.

        Raises Failures, one for each glob or rename that means nothing.
        """
        links = list(self._symlinks())
        made = [*links, *self._folders([*self._entries, *links])]
        entries = [*self._entries, *made]
        if self._is_dressed:
            sources = [*self._sources, *(entry.path.removeprefix(self._below) for entry in made)]
            entries = [self._dressed(*pair) for pair in zip(entries, sources, strict=True)]
        if faults := list(self._meaningless()):
            raise Failures(faults)
        return [*self._batches, *entries, *self._whiteouts()]

    def _join(self, to: str, path: str, key: Key) -> str:
        """A path below `to`, or from the image's root when it begins with "/"; key: who says so."""
        try:
            found = clean_path(path if path.startswith("/") or not to else f"{to}/{path}")
        except ValueError as error:
            raise RequestError(str(error), where=self._task.declaration.position(key)) from error
        if not found:
            raise RequestError(
                f"'{path}' is the image's root itself",
                where=self._task.declaration.position(key),
                hint="name something below it",
            )
        return found

    def _path_of(self, source: str) -> str:
        """The image path of a source path."""
        fields = self._fields
        if source in fields.rename:
            self._used.add(("rename", source))
            return self._join(self._base, fields.rename[source], ("rename", source))
        if not source.startswith(self._prefix):
            raise RequestError(
                f"'{source}' does not lie below the strip_prefix '{fields.strip_prefix}'",
                where=self._task.declaration.position(("strip_prefix",)),
            )
        path = self._below + source[len(self._prefix) :]
        try:
            return clean_path(path)
        except ValueError:
            return self._join("", path, ("srcs",))

    def _symlinks(self) -> Iterator[Entry]:
        for path, target in self._fields.symlinks.items():
            place = self._join(self._fields.to, path, ("symlinks", path))
            origin = f"symlinks of {self._name}"
            yield Entry(place, "symlink", 0o777, *self._fields.owner, self._mtime, target, origin=origin)

    def _whiteouts(self) -> Iterator[Entry]:
        for number, path in enumerate(self._fields.whiteouts):
            place = self._join(self._fields.to, path, ("whiteouts", number))
            yield Entry(place, "whiteout", 0, mtime=self._mtime, origin=f"whiteouts of {self._name}")

    def _folders(self, entries: list[Entry]) -> list[Entry]:
        """The folders that `dirs` names; globs choose among those that the entries lie in."""
        fields, chosen = self._fields, set[str]()
        paths = [*[entry.path for entry in entries], *[batch.common.prefix + "_" for batch in self._batches]]
        implied = _parents(paths) if fields.dirs else ()
        for number, item in enumerate(fields.dirs):
            if not is_wild(item):
                chosen.add(self._join(fields.to, item, ("dirs", number)))
                continue
            pattern = item if item.startswith("/") or not self._base else f"{self._base}/{item}"
            hits = {path for path in implied if matches(pattern, path)}
            if not hits and item != "**":
                raise RequestError(
                    f"'{item}' in dirs matches no folder of the sources",
                    where=self._task.declaration.position(("dirs", number)),
                    hint="correct it, or remove it",
                )
            chosen |= hits
        origin = f"dirs of {self._name}"
        return [
            Entry(path, "folder", fields.dir_mode, *fields.owner, self._mtime, origin=origin)
            for path in sorted(chosen)
        ]

    def _dressed(self, entry: Entry, source: str) -> Entry:
        """The entry with the owner, mode and capabilities that the tables of globs give it."""
        fields = self._fields
        uid, gid = self._look_up("owners", fields.owners, entry, source) or (entry.uid, entry.gid)
        mode = self._look_up("modes", fields.modes, entry, source)
        text = self._look_up("capabilities", fields.capabilities, entry, source)
        if mode is None or entry.kind not in ("file", "folder"):
            mode = entry.mode  # a symlink has none; a hard link has its target's
        xattrs = entry.xattrs
        if text and entry.kind == "file":
            kept = tuple(pair for pair in xattrs if pair[0] != capabilities.XATTR)
            xattrs = tuple(sorted((*kept, (capabilities.XATTR, capabilities.encode(text)))))
        return replace(entry, mode=mode, uid=uid, gid=gid, xattrs=xattrs)

    def _look_up(self, name: str, table: Mapping[str, V], entry: Entry, source: str) -> V | None:
        result: V | None = None
        for glob, value in table.items():
            if not matches(glob, entry.path if glob.startswith("/") else source):
                continue
            is_folder = entry.kind == "folder"
            means_folders = glob.endswith("/") or not is_wild(glob) or name == "owners"
            if means_folders if is_folder else not glob.endswith("/"):
                self._used.add((name, glob))
                result = value
        return result

    def _meaningless(self) -> Iterator[RequestError]:
        for field in ("rename", "modes", "owners", "capabilities"):
            for glob in getattr(self._fields, field):
                if (field, glob) not in self._used:
                    where = self._task.declaration.position((field, glob), of_key=True)
                    yield RequestError(
                        f"'{glob}' in {field} matches nothing", where=where, hint="correct it, or remove it"
                    )


def _parents(paths: Iterable[str]) -> set[str]:
    """Every folder that something lies in."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found
