"""Which BUILD.toml files a tree could have: one for each project in it that has none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..declare.address import check_folder
from ..declare.workspace import BUILD_FILE, is_workspace_root, open_workspace
from ..ecosystems.settings import settings_of
from ..errors import DeclarationErrors, Position, RequestError
from .dockerfile import Context, Note, translate
from .draft import Draft, Names, Table
from .projects.folder import Folder
from .projects.node import node
from .projects.python import python
from .projects.site import site

DOCKERFILES = ("Dockerfile", "Containerfile")
_PASSED = frozenset(
    [
        "node_modules",
        "venv",
        "__pycache__",
        "dist",
        "build",
        "target",
        "vendor",
        "heredocs",
        "test",
        "tests",
        "testdata",
        "fixtures",
        "docs",
    ]
)


@dataclass
class Proposal:
    """files: path below `root` -> text; images: addresses; notes: what a Dockerfile says that is not in them;
    left_alone: BUILD.toml files that were there; passed: what could not be read, as lines."""

    root: Path
    files: dict[str, str] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    def take(self, folder: str, tables: list[Table | str], more: Mapping[str, str] | None = None) -> None:
        """Add a folder's BUILD.toml, and other files that it needs."""
        prefix = f"{folder}/" if folder else ""
        self.files[prefix + BUILD_FILE] = Draft(tables).text()
        self.files |= {prefix + path: text for path, text in (more or {}).items()}
        names = [item.header[1] for item in tables if isinstance(item, Table) and item.header[0] == "image"]
        self.images += [f"//{folder}:{name}" for name in names]

    def next_command(self) -> str:
        """What to type after it."""
        if not self.images:
            return "stackbuild list //..."
        return f"stackbuild image {self.images[0] if len(self.images) == 1 else '//...'}"

    def lines(self, *, written: bool) -> list[str]:
        """The proposal for a person: what was written, or what would be."""
        alone = [f"left alone: {path}" for path in self.left_alone]
        if not written:
            return [*alone, *(line for path, text in self.files.items() for line in (f"# {path}", text))]
        if not self.files:
            return [*alone, "nothing to write: no project was found that has no BUILD.toml"]
        return [*alone, *(f"wrote {path}" for path in self.files), f"next: {self.next_command()}"]

    def as_json(self, *, written: bool) -> dict[str, Any]:
        """The proposal for programs; files: path -> text."""
        return {
            "files": self.files,
            "written": written,
            "images": self.images,
            "left_alone": self.left_alone,
            "untranslated": [vars(note) for note in self.notes],
        }


def propose(start: Path) -> Proposal:
    """What the tree below `start` could have. Raises RequestError, DeclarationErrors."""
    root, is_new = _root(start, start)
    found = Proposal(root)
    for path, inside in _folders(root, start.resolve(), found):
        folder = Folder(root, path, Names(), inside)
        tables, more = _proposed(folder, found) or ([], {})
        if is_new and not path:
            found.take("", [Table(("workspace",)), *tables], more)
        elif tables:
            found.take(path, tables, more)
    return found


def from_dockerfile(
    file: Path,
    here: Path,
    *,
    context: Path | None = None,
    name: str = "img",
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
) -> Proposal:
    """The BUILD.toml that a Dockerfile becomes, in the folder of its context. Raises RequestError."""
    if not file.is_file():
        raise RequestError(f"{file} is no file", hint="name a Dockerfile")
    folder = (context or file.parent).resolve()
    if not folder.is_dir():
        raise RequestError(f"{context} is no folder", hint="name the folder that the build would be given")
    root, is_new = _root(folder, here.resolve() if folder.is_relative_to(here.resolve()) else folder)
    found = Proposal(root)
    path = _relative(root, folder)
    tables, more = _translated(found, file, path, name, target, build_args)
    if is_new and path:
        found.take("", [Table(("workspace",))])
    found.take(path, [Table(("workspace",)), *tables] if is_new and not path else tables, more)
    if (folder / BUILD_FILE).exists():
        found.left_alone.append(f"{path}/{BUILD_FILE}".lstrip("/"))
    return found


def _relative(root: Path, folder: Path) -> str:
    path = folder.relative_to(root).as_posix()
    return "" if path == "." else path


def _root(folder: Path, otherwise: Path) -> tuple[Path, bool]:
    """The workspace that holds a folder, or where a new one begins, and whether it is new."""
    try:
        return open_workspace(folder, settings_of).root, False
    except RequestError as error:
        if error.where or isinstance(error, DeclarationErrors):
            raise
    root = otherwise.resolve()
    if (root / BUILD_FILE).exists():
        hint = "add the line [workspace] at its top"
        raise RequestError("the file has no [workspace] table", where=Position(BUILD_FILE), hint=hint)
    return root, True


def _folders(root: Path, start: Path, found: Proposal) -> Iterator[tuple[str, bool]]:
    """Folders without a BUILD.toml, and whether they lie in a project that was found."""
    stack = [(start, False)]
    while stack:
        folder, inside = stack.pop()
        path = _relative(root, folder)
        try:
            check_folder(path)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
        except (ValueError, OSError) as error:
            found.passed.append(f"{path or '.'}: passed over: {getattr(error, 'strerror', None) or error}")
            continue
        if any(entry.name == BUILD_FILE for entry in entries):
            found.left_alone.append(f"{path}/{BUILD_FILE}".lstrip("/"))
            inside = inside or "[image." in Folder(root, path, Names()).text(BUILD_FILE)
        else:
            before = len(found.files)
            yield path, inside
            inside = inside or (len(found.images) > 0 and len(found.files) > before)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not _is_passed(entry):
                stack.append((Path(entry.path), inside))


def _is_passed(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".") or entry.name in _PASSED or is_workspace_root(entry.path)


def _proposed(folder: Folder, found: Proposal) -> tuple[list[Table | str], Mapping[str, str]] | None:
    """The tables for one folder, by the first kind of project that it is."""
    for name in DOCKERFILES:
        if folder.has(name):
            try:
                return _translated(found, folder.at / name, folder.path, "img", None, None)
            except RequestError as error:
                found.passed += error.lines()
    for kind in (python, node, site):
        if tables := kind(folder):
            return tables, {}
    return None


def _translated(
    found: Proposal,
    file: Path,
    path: str,
    name: str,
    target: str | None,
    build_args: Mapping[str, str] | None,
) -> tuple[list[Table | str], Mapping[str, str]]:
    folder = found.root / path
    own = file.with_name(f"{file.name}.dockerignore")
    hidden = frozenset() if path else frozenset({"dist"})
    resolved = file.resolve()
    shown = resolved.relative_to(found.root).as_posix() if resolved.is_relative_to(found.root) else str(file)
    try:
        text = file.read_bytes().decode()
        context = Context(folder, own if own.is_file() else None, hidden)
    except UnicodeDecodeError:
        raise RequestError("the file is not UTF-8", where=Position(shown), hint="save it as UTF-8") from None
    except OSError as error:
        where = Position(shown)
        raise RequestError(f"cannot read {error.filename}: {error.strerror}", where=where) from error
    try:
        done = translate(shown, text, context, name=name, target=target, build_args=build_args)
    except RecursionError:
        raise RequestError("commands are nested too deeply", where=Position(shown)) from None
    found.notes += done.notes
    return done.tables, done.files
