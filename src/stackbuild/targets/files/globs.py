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
from ...filetable import Names
from ...marks import Marks
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
    names: Names
    rows: bytes
    known: Marks
    others: list[tuple[str, str]]


class _Listing(NamedTuple):
    """What was in a folder. place: its absolute path; prefix: what paths in it begin with; files: all that is
    no folder; unseen: names looked past."""

    place: str
    prefix: str
    found: Listing
    files: Listing
    unseen: frozenset[str]


Recall = Callable[[str, Sequence[str], bytes], Marks]
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
            regular = [_regular(files) for files in taken]
            places = [listing.place for listing in listings]
            rows, at = native.lstat_rows(list(zip(places, regular, strict=True))), 0
            present = witness.present()
            for listing, (letters, all_names), names in zip(listings, taken, regular, strict=True):
                own = rows[at : at + SIZE * len(names)]
                at += len(own)
                if present:
                    present.listed(listing.place, listing.found, names, own, listing.unseen)
                known = recall(listing.place, names, own)
                if names is all_names:
                    others = []
                else:
                    both = zip(all_names, letters, strict=True)
                    others = [(name, letter) for name, letter in both if letter != "f"]
                if letters:
                    found.append(Found(listing.place, listing.prefix, Names(names), own, known, others))
        return sorted(found, key=itemgetter(1)), self._really_unused(folder, unused)

    def _taken(self, listing: _Listing, unused: set[str]) -> Listing:
        """The files of a folder that are meant; patterns that mean one are `unused` no more."""
        prefix, (letters, names) = listing.prefix, listing.files
        if self._all_below is not None and prefix.startswith(self._all_below):
            taken = _without(listing.files, BUILD_FILE)
            if taken[1]:
                unused.clear()
            return taken
        meant = []
        for name, letter in zip(names, letters, strict=True):
            path = prefix + name
            if hits := self._hits(name, path):
                unused.difference_update(hits)
                if not self._is_away(path):
                    meant.append((letter, name))
        return "".join([letter for letter, _ in meant]), [name for _, name in meant]

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
        stack, looked_past = [""], _looked_past(hidden)
        for some in native.walk(folder, stack):
            listings = []
            for at, place, found in some:
                if isinstance(found, int):
                    if found in (errno.ENOENT, errno.ENOTDIR):
                        witness.refuse(f"{place} is gone")  # it may be back at once, and nobody looked
                        continue
                    raise OSError(found, os.strerror(found), place)
                prefix, unseen = f"{at}/" if at else "", witness.UNSEEN
                files, folders = _apart(found)
                if place in looked_past:
                    unseen |= looked_past[place] - set(files[1])
                for name in folders:
                    path = prefix + name
                    if name in unseen or not _reaches(path, roots, shallow) or self._is_closed(path):
                        continue
                    if name == "dist" and is_workspace_root(place):
                        unseen |= {name}
                    else:
                        stack.append(path)
                listings.append(_Listing(place, prefix, found, files, unseen))
            yield listings


def _apart(found: Listing) -> tuple[Listing, list[str]]:
    """What is no folder, and the folders; .git is neither."""
    letters, names = found
    if "d" not in letters:  # as in most folders
        return _without(found, ".git"), []
    both = [(letter, name) for letter, name in zip(letters, names, strict=True) if name != ".git"]
    files = [(letter, name) for letter, name in both if letter != "d"]
    folders = [name for letter, name in both if letter == "d"]
    return ("".join([letter for letter, _ in files]), [name for _, name in files]), folders


def _without(found: Listing, unwanted: str) -> Listing:
    """A listing but for a name."""
    letters, names = found
    if unwanted not in names:
        return found
    at = names.index(unwanted)
    return letters[:at] + letters[at + 1 :], [*names[:at], *names[at + 1 :]]


def _regular(found: Listing) -> list[str]:
    """The names of its regular files."""
    letters, names = found
    if letters == "f" * len(letters):
        return names
    return [name for letter, name in zip(letters, names, strict=True) if letter == "f"]


def _looked_past(hidden: frozenset[str]) -> dict[str, frozenset[str]]:
    """The names of hidden folders, by the folder that each is in."""
    found: dict[str, frozenset[str]] = {}
    for above, _, name in (path.rpartition("/") for path in hidden):
        found[above] = found.get(above, frozenset()) | {name}
    return found


def _reaches(path: str, roots: set[str], shallow: bool) -> bool:
    """Whether a folder leads to one of the roots, or lies below one."""
    for root in roots:
        if root == path or root.startswith(f"{path}/"):
            return True
        if not shallow and (not root or path.startswith(f"{root}/")):
            return True
    return False
