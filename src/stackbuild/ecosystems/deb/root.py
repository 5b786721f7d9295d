"""The files of a set of packages as they come to lie together: on top of a base, through its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...declare.glob import compiled
from ...errors import BuildFailed
from ...layer.entry import BytesContent, Entry
from ..ecosystem import JOINT, Package, Tree
from ..system import System
from ..trees import read
from .control import Relation, relations
from .prefer import satisfies

MERGED = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")}
"""The links of a merged /usr (https://wiki.debian.org/UsrMerge), which a root of its own has."""


class Root:
    """A root that packages are put into, one after the other.

    system: the base; epoch: seconds, the time of everything; excluded: says which paths are left out.
    """

    def __init__(self, system: System, epoch: int, excluded: Callable[[str], bool]) -> None:
        self.system, self._epoch, self._excluded = system, epoch, excluded
        self.entries: dict[str, Entry] = {}
        self._by: dict[str, tuple[Package, Tree]] = {}
        self._is_new = not (system.folders or system.links)
        self._links = System(links=dict(MERGED if self._is_new else system.links))
        self._folders: dict[str, str] = {}  # where they lead

    def add(self, package: Package, tree: Tree) -> None:
        """Put in a package's files. Raises BuildFailed when they clash with another's."""
        for entry in tree.entries:
            path = self._at(entry.path, last=entry.kind == "folder")
            link = self._links.resolve(entry.link, last=False) if entry.kind == "hardlink" else entry.link
            if self._excluded(path):
                continue
            if entry.kind == "folder" and path in self.system.folders:
                continue
            moved = Entry(
                *(path, entry.kind, entry.mode, entry.uid, entry.gid, self._epoch, link),
                *(entry.xattrs, entry.content, package.name, package.key),
            )
            self._put(moved, package, tree)

    def _at(self, path: str, *, last: bool) -> str:
        """`System.resolve`, which follows the links of a folder once for all that is in it."""
        folder, _, name = path.rpartition("/")
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = self._links.resolve(folder, last=True)
        here = f"{found}/{name}" if found else name
        if name in ("", ".", "..") or (last and here in self._links.links):
            return self._links.resolve(path, last=last)
        return here

    def merge(self) -> None:
        """Give a root of its own the links to what it has below usr/: programs name their loader, and scripts
        their shell, by the old paths."""
        used = {"/".join(path.split("/")[:2]) for path in self.entries} if self._is_new else set()
        for name, target in MERGED.items():
            if target in used and name not in self.entries:
                made = Entry(name, "symlink", 0o777, 0, 0, self._epoch, target, origin="merged /usr")
                self.entries[name] = made
                self.folder(target)

    def _put(self, entry: Entry, package: Package, tree: Tree) -> None:
        other = self.entries.get(entry.path)
        if other is None:
            self.entries[entry.path], self._by[entry.path] = entry, (package, tree)
        elif entry.kind == other.kind == "folder" or entry.same(other):
            return  # who came first has it, as with dpkg
        elif other.path in self._by and _replaces(self._by[other.path], package):
            return
        elif other.path in self._by and _replaces((package, tree), self._by[other.path][0]):
            self.entries[entry.path], self._by[entry.path] = entry, (package, tree)
        else:
            raise BuildFailed(f"/{entry.path} is both in {other.origin} and in {package.name}")

    def entry(self, path: str) -> Entry | None:
        """What the packages have at a path."""
        return self.entries.get(self._links.resolve(path.lstrip("/"), last=False))

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder, or a link that leads to one, here or in the base."""
        found = self._links.resolve(path.lstrip("/"), last=True)
        entry = self.entries.get(found)
        return entry.kind == "folder" if entry else found in self.system.folders

    def has(self, path: str) -> bool:
        """Whether something is at a path, here or in what is known of the base."""
        path = self._links.resolve(path.lstrip("/"), last=False)
        system = self.system
        return path in self.entries or path in system.files or path in system.links or path in system.folders

    def text(self, path: str) -> str | None:
        """A text file of the packages, or one of the base's databases."""
        path = self._links.resolve(path.lstrip("/"), last=False)
        if entry := self.entries.get(path):
            return read(entry).decode("utf-8", "surrogateescape")
        data = self.system.files.get(path)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def write(
        self,
        path: str,
        data: str | bytes,
        mode: int = 0o644,
        owner: tuple[int, int] = (0, 0),
        group: str = JOINT,
    ) -> None:
        """Make a file, or make one anew."""
        path = self._links.resolve(path.lstrip("/"), last=False)
        content = BytesContent(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
        self.folder(path.rpartition("/")[0])
        self.entries[path] = Entry(
            path, "file", mode, *owner, self._epoch, content=content, group=group, origin="made"
        )

    def link(self, path: str, target: str, group: str = JOINT) -> None:
        """Make a symlink, unless something is there."""
        path = self._links.resolve(path.lstrip("/"), last=False)
        if not self.has(path):
            self.folder(path.rpartition("/")[0])
            self.entries[path] = Entry(
                path, "symlink", 0o777, 0, 0, self._epoch, target, group=group, origin="made"
            )

    def folder(self, path: str, mode: int = 0o755, owner: tuple[int, int] = (0, 0)) -> None:
        """Make a folder and those above it, unless they are there."""
        path = self._links.resolve(path.lstrip("/"), last=True)
        if path and path not in self.entries and path not in self.system.folders:
            self.folder(path.rpartition("/")[0])
            self.entries[path] = Entry(path, "folder", mode, *owner, self._epoch, group=JOINT, origin="made")

    def whiteout(self, path: str) -> None:
        """Delete a file of the base, unless a package has it too."""
        path = self._links.resolve(path.lstrip("/"), last=False)
        if path not in self.entries:
            self.entries[path] = Entry(path, "whiteout", group=JOINT, origin="made")


def _replaces(one: tuple[Package, Tree], other: Package) -> bool:
    """Whether a package says that it takes over files of another (Policy, section 7.6.1)."""
    control: Mapping[str, str] = one[1].facts["control"]
    try:
        found = relations(control.get("Replaces"))
    except ValueError:
        return False
    named: list[Relation] = [relation for group in found for relation in group]
    return any(relation.name == other.name and satisfies(other.version, relation) for relation in named)


def excluder(globs: list[str]) -> Callable[[str], bool]:
    """Whether a path is one of those that globs mean; the globs are of paths from the image's root."""
    patterns = [compiled(glob.lstrip("/")) for glob in globs]
    return lambda path: any(pattern.fullmatch(path) for pattern in patterns)
