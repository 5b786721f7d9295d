"""What an address that somebody has begun to type may become; made for speed, it loads no model and no graph.

Only the folders that the word names are read, and whatever is wrong there gives nothing instead of an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..frozen import frozen

BUILD_FILE = "BUILD.toml"  # declare.workspace has it too, but loads pydantic
_PATIENCE = 500  # folders to look into for a BUILD.toml


@frozen(order=True)
class Candidate:
    """text: the whole word; about: what it is; open: whether more of the word may follow."""

    text: str
    about: str = ""
    open: bool = False


def addresses(word: str, here: Path) -> list[Candidate]:
    """The specs that begin with `word`, as typed in the folder `here`."""
    body = word.removeprefix("-")
    sign = word[: len(word) - len(body)]
    return sorted(Candidate(sign + found.text, found.about, found.open) for found in _positive(body, here))


def names(folder: Path) -> dict[str, str]:
    """Target name -> type, in a folder's BUILD.toml."""
    return {
        name: kind
        for kind, tables in _tables(folder).items()
        if kind not in ("workspace", "defaults") and isinstance(tables, dict)
        for name, table in tables.items()
        if isinstance(table, dict)
    }


def tags(here: Path) -> list[Candidate]:
    """The tags of the targets of a folder, and of those of the workspace's root."""
    found = set()
    for folder in {here, _root(here) or here}:
        for tables in _tables(folder).values():
            for table in tables.values() if isinstance(tables, dict) else ():
                words = table.get("tags") if isinstance(table, dict) else None
                found |= (
                    {word for word in words or () if isinstance(word, str)}
                    if isinstance(words, list)
                    else set()
                )
    return [Candidate(word) for word in sorted(found)]


def paths(word: str, here: Path) -> list[Candidate]:
    """The files and folders that begin with `word`."""
    parent, _, partial = word.rpartition("/")
    start = f"{parent}/" if "/" in word else ""
    return [
        Candidate(f"{start}{entry.name}/" if entry.is_dir() else f"{start}{entry.name}", "", entry.is_dir())
        for entry in _entries(here / (start or "."))
        if entry.name.startswith(partial) and (partial or not entry.name.startswith("."))
    ]


def _positive(word: str, here: Path) -> Iterator[Candidate]:
    root = _root(here)
    if root is None:
        return
    if word.startswith(":"):
        yield from _targets(":", word[1:], here)
        return
    start = "//" if word.startswith("//") else ""
    path, top = word.removeprefix(start), root if start else here
    if not path.startswith("/") and Path(os.path.normpath(top / path)).is_relative_to(root):
        yield from _below(word, start, top)


def _below(word: str, start: str, top: Path) -> Iterator[Candidate]:
    """Of a word that names folders below `top` after the text `start`."""
    path, colon, name = word.removeprefix(start).partition(":")
    if colon:
        yield from _targets(f"{start}{path}:", name, top / path)
        return
    parent, slash, partial = path.rpartition("/")
    prefix = f"{start}{parent}{slash}"
    folders = [entry for entry in _folders(top / parent) if entry.startswith(partial)]
    only = [entry for entry in folders if entry == partial] or (folders if len(folders) == 1 else [])
    if partial in ("", ".", "..", "..."):
        if not partial.strip("."):
            yield Candidate(f"{prefix}...", "all below")
        if not parent and not partial:
            yield from _targets(f"{prefix}:" if start else ":", "", top)
    patience = [_PATIENCE]
    for entry in folders:
        built = (top / parent / entry / BUILD_FILE).is_file()
        if not built and not _leads_on(top / parent / entry, patience):
            continue
        if entry not in only:
            yield Candidate(f"{prefix}{entry}" + ("" if built else "/"), "", True)
            continue
        yield Candidate(f"{prefix}{entry}/...", "all below")
        if built:
            yield from _targets(f"{prefix}{entry}:", "", top / parent / entry)
        if _leads_on(top / parent / entry, patience):
            yield Candidate(f"{prefix}{entry}/", "", True)


def _targets(prefix: str, begun: str, folder: Path) -> Iterator[Candidate]:
    found = names(folder)
    for name, about in (found | {"all": "all of the folder"} if found else {}).items():
        if name.startswith(begun):
            yield Candidate(prefix + name, about)


def _tables(folder: Path) -> dict[str, Any]:
    file = folder / BUILD_FILE
    try:
        return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (OSError, ValueError, RecursionError):
        return {}


def _folders(folder: Path) -> list[str]:
    """Where targets may be: as Workspace.folders() goes, but for workspaces below."""
    return sorted(
        entry.name
        for entry in _entries(folder)
        if entry.is_dir(follow_symlinks=False)
        and not entry.name.startswith(".")
        and entry.name.isprintable()
        and not (entry.name == "dist" and "workspace" in _tables(folder))
    )


def _leads_on(folder: Path, patience: list[int]) -> bool:
    """Whether there are targets somewhere below a folder; taken for granted once patience[0] is at an end."""
    below = [folder / name for name in _folders(folder)]
    patience[0] -= 1 + len(below)
    if patience[0] < 0 or any((inner / BUILD_FILE).is_file() for inner in below):
        return True
    return any(_leads_on(inner, patience) for inner in below)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def _root(here: Path) -> Path | None:
    return next((folder for folder in (here, *here.parents) if "workspace" in _tables(folder)), None)
