"""The links in node_modules: commands in .bin, and packages that are folders of the tree."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from ...frozen import frozen
from ..ecosystem import JOINT, Ask
from .choose import bundler
from .lock import FOLDER, Entry, Lock, is_installed, refused


@frozen
class Link:
    """A link. target: relative to its folder, as it stands in it; leads: the place in the project that it
    leads to; package: the place of the package whose command it is, "" when that is a folder of the tree;
    group: of its entry."""

    target: str
    leads: str
    package: str
    group: str


def links(ask: Ask, lock: Lock, entries: Mapping[str, Entry]) -> dict[str, Link]:
    """Every link, by place. Of two packages with one command, the upper, then the first by name has it.

    Raises RequestError.
    """
    found: dict[str, Link] = {}
    for place in sorted(entries, key=lambda place: (place.count(f"{FOLDER}/"), place.lower(), place)):
        entry = entries[place]
        if entry.link:
            found[place] = _folder(ask, lock, place, entry)
        owner = "" if entry.link else bundler(entries, place)
        binder = lock.entries[entry.resolved or ""] if entry.link else entry
        folder = f"{place.rpartition(f'{FOLDER}/')[0]}{FOLDER}/.bin"
        for name, path in binder.bin.items():
            leads = posixpath.join(place, command(ask, place, name, path))
            target = posixpath.relpath(leads, folder)
            found.setdefault(f"{folder}/{name}", Link(target, leads, owner, owner or JOINT))
    return found


def _folder(ask: Ask, lock: Lock, place: str, entry: Entry) -> Link:
    target = entry.resolved or ""
    outside = posixpath.normpath(target).startswith(("/", ".."))
    if outside or target not in lock.entries or is_installed(target):
        hint = "move it below the project, or pack it with 'npm pack' and depend on file:NAME.tgz"
        raise refused(ask, place, f"it links to '{target}', which is no folder of the project", hint)
    return Link(posixpath.relpath(target, posixpath.dirname(place)), target, "", "")


def command(ask: Ask, place: str, name: str, path: str) -> str:
    """The file of a command in its package. Raises RequestError for what would lead out of it."""
    if not name or "/" in name or name in (".", "..") or "\0" in name or name.startswith(".wh."):
        raise refused(ask, place, f"{name!r} is not a command's name")
    clean = posixpath.normpath(path)
    if clean.startswith(("/", "..")) or clean == "." or "\0" in clean or "\\" in clean:
        raise refused(ask, place, f"its command '{name}' is {path!r}, which is no file of the package")
    return clean


def executables(ask: Ask, entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """(place of a package, path in it) of every file that is a command."""
    for place, entry in entries.items():
        if entry.link:
            continue
        owner = bundler(entries, place)
        for name, path in entry.bin.items():
            inside = posixpath.join(place, command(ask, place, name, path))
            yield owner, inside.removeprefix(f"{owner}/")
