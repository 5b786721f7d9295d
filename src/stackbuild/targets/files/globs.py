"""Globs below a folder: which files and symlinks they mean.

A leading `!` takes away, with everything below where it means a folder. Symlinked folders are never entered;
.git, the store and the dist/ of a workspace are never seen, nor is BUILD.toml unless it is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ... import witness
from ...declare.glob import compiled, is_wild, normal
from ...declare.workspace import BUILD_FILE, is_workspace_root


def _literal_parent(pattern: str) -> str:
    """The folders that a pattern names before its first wildcard."""
    parts = normal(pattern).split("/")[:-1]
    for number, part in enumerate(parts):
        if is_wild(part):
            return "/".join(parts[:number])
    return "/".join(parts)


class Found(NamedTuple):
    """A file or symlink that a glob means. path: relative to the folder; stat: its lstat."""

    path: str
    stat: os.stat_result
    is_link: bool


class _Listing(NamedTuple):
    """What was in a folder. files: all that is no folder, with its path; unseen: names looked past."""

    folder: str
    entries: list[os.DirEntry[str]]
    files: list[tuple[os.DirEntry[str], str]]
    unseen: set[str]


class Globs:
    """A set of globs, as written."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.included = [pattern for pattern in patterns if not pattern.startswith("!")]
        excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        self._wild = [(pattern, compiled(pattern)) for pattern in self.included if is_wild(pattern)]
        self._literal: dict[str, list[str]] = {}
        for pattern in self.included:
            if not is_wild(pattern):
                self._literal.setdefault(normal(pattern), []).append(pattern)
        self._away = [compiled(pattern) for pattern in excluded]
        self._closed = self._away + [
            compiled(pattern[:-3]) for pattern in excluded if pattern.endswith("/**")
        ]

    def find(self, folder: str, hidden: frozenset[str]) -> tuple[list[Found], list[str]]:
        """What is meant below `folder`, sorted by path, and the patterns that mean nothing at all.

        hidden: absolute paths of folders that are never entered. Raises OSError.
        """
        unused = set(self.included)
        found: list[Found] = []
        present = witness.present()
        for seen in self._walk(folder, hidden):
            taken: set[str] = set()
            for entry, path in seen.files:
                hits = self._hits(entry.name, path)
                if not hits:
                    continue
                unused.difference_update(hits)
                if not self._is_away(path):
                    found.append(Found(path, entry.stat(follow_symlinks=False), entry.is_symlink()))
                    taken.add(entry.name)
            if present:
                present.listed(seen.folder, seen.entries, taken, seen.unseen)
        return sorted(found, key=lambda item: item.path), self._really_unused(folder, unused)

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

    def _walk(self, folder: str, hidden: frozenset[str]) -> Iterator[_Listing]:
        """The folders that the patterns can reach."""
        roots = {_literal_parent(pattern) for pattern in self.included}
        shallow = not any(map(is_wild, self.included))
        stack = [""]
        while stack:
            at = stack.pop()
            place = f"{folder}/{at}" if at else folder
            try:
                with os.scandir(place) as scanned:
                    entries = list(scanned)
            except (FileNotFoundError, NotADirectoryError):
                witness.refuse(f"{place} is gone")  # it may be back at once, and nobody looked
                continue
            files: list[tuple[os.DirEntry[str], str]] = []
            unseen = {
                *witness.UNSEEN,
                *(path.rpartition("/")[2] for path in hidden if path.rpartition("/")[0] == place),
            }
            for entry in entries:
                path = f"{at}/{entry.name}" if at else entry.name
                if entry.name == ".git":
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    unseen.discard(entry.name)
                    files.append((entry, path))
                elif not _reaches(path, roots, shallow) or entry.path in hidden or self._is_closed(path):
                    continue
                elif entry.name == "dist" and is_workspace_root(place):
                    unseen.add(entry.name)
                else:
                    stack.append(path)
            yield _Listing(place, entries, files, unseen)


def _reaches(path: str, roots: set[str], shallow: bool) -> bool:
    """Whether a folder leads to one of the roots, or lies below one."""
    for root in roots:
        if root == path or root.startswith(f"{path}/"):
            return True
        if not shallow and (not root or path.startswith(f"{root}/")):
            return True
    return False
