"""Globs below a folder: which files, symlinks and folders they mean.

`*` and `?` stay within a name, `**` spans folders, `[...]` is a set, a leading `!` takes away. Symlinked
folders are never entered; .git, the store and the workspace's dist/ are never seen, nor is BUILD.toml
unless it is named.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..declare.workspace import BUILD_FILE

_MAGIC = re.compile(r"[*?\[]")


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of one glob (without its `!`)."""
    out: list[str] = []
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out.append(".+" if last else "(?:[^/]+/)*")
        else:
            out.append(_name(part) + ("" if last else "/"))
    return re.compile("".join(out) + r"\Z", re.DOTALL)


def _name(part: str) -> str:
    out, i = "", 0
    while i < len(part):
        char = part[i]
        i += 1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and (end := part.find("]", i + 1)) > 0:
            body = part[i:end].replace("\\", "\\\\").replace("[", "\\[")
            negative = body.startswith(("!", "^"))
            out += f"(?!/)[{'^' if negative else ''}{body[1:] if negative else body}]"
            i = end + 1
        else:
            out += re.escape(char)
    return out


def matches(pattern: str, path: str) -> bool:
    """Whether one glob (without its `!`) means the path."""
    return compiled(pattern).match(path) is not None


def _literal_parent(pattern: str) -> str:
    """The folders that a pattern names before its first wildcard."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")][:-1]
    for number, part in enumerate(parts):
        if _MAGIC.search(part):
            return "/".join(parts[:number])
    return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Found:
    """A file or symlink that a glob means. path: relative to the folder; stat: its lstat."""

    path: str
    stat: os.stat_result
    is_link: bool


class Globs:
    """A set of globs, as written."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.included = [pattern for pattern in patterns if not pattern.startswith("!")]
        self.excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]

    def find(self, folder: str, hidden: frozenset[str]) -> tuple[list[Found], list[str]]:
        """What is meant below `folder`, sorted by path, and the patterns that mean nothing.

        hidden: absolute paths of folders that are never entered. Raises OSError.
        """
        unused = set(self.included)
        plain = {pattern for pattern in self.included if not _MAGIC.search(pattern)}
        literal = {_normal(pattern): pattern for pattern in plain}
        wild = [(pattern, compiled(pattern)) for pattern in self.included if pattern not in plain]
        away = [compiled(pattern) for pattern in self.excluded]
        found: list[Found] = []
        for entry, path in self._walk(folder, hidden):
            hits = (
                [pattern for pattern, regex in wild if regex.match(path)] if entry.name != BUILD_FILE else []
            )
            if path in literal:
                hits.append(literal[path])
            if not hits:
                continue
            unused.difference_update(hits)
            if any(regex.match(path) for regex in away):
                continue
            found.append(Found(path, entry.stat(follow_symlinks=False), entry.is_symlink()))
        return sorted(found, key=lambda item: item.path), sorted(unused)

    def _walk(self, folder: str, hidden: frozenset[str]) -> Iterator[tuple[os.DirEntry[str], str]]:
        """Everything that is no folder, below the folders that the patterns can reach."""
        roots = {_literal_parent(pattern) for pattern in self.included}
        shallow = all(not _MAGIC.search(pattern) for pattern in self.included)
        stack = [""]
        while stack:
            at = stack.pop()
            try:
                entries = os.scandir(f"{folder}/{at}" if at else folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            with entries:
                for entry in entries:
                    path = f"{at}/{entry.name}" if at else entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        if entry.name != ".git":
                            yield entry, path
                    elif entry.name != ".git" and entry.path not in hidden and _reaches(path, roots, shallow):
                        stack.append(path)


def _normal(pattern: str) -> str:
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))


def _reaches(path: str, roots: set[str], shallow: bool) -> bool:
    """Whether a folder leads to one of the roots, or lies below one."""
    for root in roots:
        if root == path or root.startswith(f"{path}/"):
            return True
        if not shallow and (not root or path.startswith(f"{root}/")):
            return True
    return False
