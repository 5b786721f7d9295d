"""Globs below a folder: which files and symlinks they mean.

A leading `!` takes away, with everything below where it means a folder. Symlinked folders are never entered;
.git, the store and the dist/ of a workspace are never seen, nor is BUILD.toml unless it is named.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ... import native, witness
from ...declare.glob import compiled, is_wild, normal
from ...declare.workspace import BUILD_FILE, is_workspace_root
from ...native.signatures import Listing
from ...native.stats import SIZE


def _literal_parent(pattern: str) -> str:
    """The folders that a pattern names before its first wildcard."""
    parts = normal(pattern).split("/")[:-1]
    for number, part in enumerate(parts):
        if is_wild(part):
            return "/".join(parts[:number])
    return "/".join(parts)


class Found(NamedTuple):
    """What globs mean in one folder. place: its absolute path; prefix: what paths in it begin with, as globs
    see them; names: of regular files, sorted; rows: of their lstats, one after another; known: their
    fingerprints, where they are remembered; others: (name, letter) of what is no regular file (see
    `native.signatures.letter`)."""

    place: str
    prefix: str
    names: list[str]
    rows: bytes
    known: list[str | None]
    others: list[tuple[str, str]]


class _Listing(NamedTuple):
    """What was in a folder. place: its absolute path; prefix: what paths in it begin with; files: (name,
    letter) of all that is no folder; unseen: names looked past."""

    place: str
    prefix: str
    found: Listing
    files: list[tuple[str, str]]
    unseen: set[str]


Recall = Callable[[str, Sequence[str], bytes], list[str | None]]
"""What is remembered of files, by folder, names and rows."""


class Globs:
    """A set of globs, as written."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.included = [pattern for pattern in patterns if not pattern.startswith("!")]
        excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        self._wild = [(pattern, compiled(pattern)) for pattern in self.included if is_wild(pattern)]
        only = normal(self.included[0]) if self.included and len(patterns) == 1 else ""
        self._all_below: str | None = None  # of a pattern that means all in a folder, what paths begin with
        if only == "**" or (only.endswith("/**") and not is_wild(only[:-2])):
            self._all_below = only[:-2]
        self._literal: dict[str, list[str]] = {}
        for pattern in self.included:
            if not is_wild(pattern):
                self._literal.setdefault(normal(pattern), []).append(pattern)
        self._away = [compiled(pattern) for pattern in excluded]
        self._closed = self._away + [
            compiled(pattern[:-3]) for pattern in excluded if pattern.endswith("/**")
        ]

    def find(self, folder: str, hidden: frozenset[str], recall: Recall) -> tuple[list[Found], list[str]]:
        """What is meant below `folder`, sorted by the folder, and the patterns that mean nothing at all.

        hidden: absolute paths of folders that are never entered; recall: asked for the fingerprints of what
        was found. Raises OSError.
        """
        unused = set(self.included)
        found: list[Found] = []
        for listings in self._walk(folder, hidden):
            taken = [self._taken(listing, unused) for listing in listings]
            regular = [[name for name, letter in files if letter == "f"] for files in taken]
            both = list(zip(listings, regular, strict=True))
            paths = [f"{listing.place}/{name}" for listing, names in both for name in names]
            rows, at = native.lstat_rows(paths), 0
            for (listing, names), files in zip(both, taken, strict=True):
                own = rows[at : at + SIZE * len(names)]
                at += len(own)
                if present := witness.present():
                    present.listed(listing.place, listing.found, names, own, listing.unseen)
                others = [file for file in files if file[1] != "f"] if len(files) > len(names) else []
                known = recall(listing.place, names, own) if names else []
                if files:
                    found.append(Found(listing.place, listing.prefix, names, own, known, others))
        return sorted(found, key=itemgetter(1)), self._really_unused(folder, unused)

    def _taken(self, listing: _Listing, unused: set[str]) -> list[tuple[str, str]]:
        """The files of a folder that are meant; patterns that mean one are `unused` no more."""
        prefix, taken = listing.prefix, []
        if self._all_below is not None and prefix.startswith(self._all_below):
            taken = [file for file in listing.files if file[0] != BUILD_FILE]
            if taken:
                unused.clear()
            return taken
        for name, letter in listing.files:
            path = prefix + name
            if hits := self._hits(name, path):
                unused.difference_update(hits)
                if not self._is_away(path):
                    taken.append((name, letter))
        return taken

    def means(self, folder: str, path: str, hidden: frozenset[str]) -> bool:
        """Whether a file below `folder`, there or gone, is one of those meant."""
        if not self._hits(path.rpartition("/")[2], path) or self._is_away(path) or self._lies_closed(path):
            return False
        parts = path.split("/")
        for number, name in enumerate(parts):
            above = "/".join([folder, *parts[:number]])
            if name == ".git" or (number and above in hidden):
                return False
            if name == "dist" and number < len(parts) - 1 and is_workspace_root(above):
                return False
        return True

    def _hits(self, name: str, path: str) -> list[str]:
        """The patterns that mean a path, but for those that take away."""
        hits = [] if name == BUILD_FILE else [name for name, regex in self._wild if regex.match(path)]
        return [*hits, *self._literal.get(path, ())]

    def _is_away(self, path: str) -> bool:
        return any(regex.match(path) for regex in self._away)

    def _is_closed(self, folder: str) -> bool:
        """Whether everything below a folder is taken away."""
        return any(regex.match(folder) for regex in self._closed)

    def _really_unused(self, folder: str, unused: set[str]) -> list[str]:
        """Literal names that were not met because they are taken away do mean something."""
        return sorted(
            pattern
            for pattern in unused
            if is_wild(pattern)
            or not self._lies_closed(normal(pattern))
            or not witness.exists(Path(folder, pattern))
        )

    def _lies_closed(self, path: str) -> bool:
        parts = path.split("/")
        return any(self._is_closed("/".join(parts[:length])) for length in range(1, len(parts)))

    def _walk(self, folder: str, hidden: frozenset[str]) -> Iterator[list[_Listing]]:
        """The folders that the patterns can reach, some at once."""
        roots = {_literal_parent(pattern) for pattern in self.included}
        shallow = not any(map(is_wild, self.included))
        stack = [""]
        for some in native.walk(folder, stack):
            listings = []
            for at, place, found in some:
                if isinstance(found, int):
                    if found in (errno.ENOENT, errno.ENOTDIR):
                        witness.refuse(f"{place} is gone")  # it may be back at once, and nobody looked
                        continue
                    raise OSError(found, os.strerror(found), place)
                listing = _Listing(place, f"{at}/" if at else "", found, [], _unseen(place, hidden))
                stack += self._sorted_out(listing, roots, shallow, hidden)
                listings.append(listing)
            yield listings

    def _sorted_out(
        self, listing: _Listing, roots: set[str], shallow: bool, hidden: frozenset[str]
    ) -> Iterator[str]:
        """The folders in a folder that are to be walked, too; the rest goes to where it belongs."""
        place, prefix, (letters, names), files, unseen = listing
        if "d" not in letters:  # as in most folders
            unseen.difference_update(set(names) - {".git"})
            files += [file for file in zip(names, letters, strict=True) if file[0] != ".git"]
            return
        for letter, name in zip(letters, names, strict=True):
            path = prefix + name
            if name == ".git":
                continue
            if letter != "d":
                unseen.discard(name)
                files.append((name, letter))
            elif not _reaches(path, roots, shallow) or f"{place}/{name}" in hidden or self._is_closed(path):
                continue
            elif name == "dist" and is_workspace_root(place):
                unseen.add(name)
            else:
                yield path


def _unseen(place: str, hidden: frozenset[str]) -> set[str]:
    """Names in a folder that are looked past."""
    parted = (path.rpartition("/") for path in hidden)
    return {*witness.UNSEEN, *(name for above, _, name in parted if above == place)}


def _reaches(path: str, roots: set[str], shallow: bool) -> bool:
    """Whether a folder leads to one of the roots, or lies below one."""
    for root in roots:
        if root == path or root.startswith(f"{path}/"):
            return True
        if not shallow and (not root or path.startswith(f"{root}/")):
            return True
    return False
