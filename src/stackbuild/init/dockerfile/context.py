"""The build's context: which files there are, less what .dockerignore takes away.

Source: Docker's documentation, "Build context", ".dockerignore files".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ...declare.glob import compiled, is_wild, matches, normal
from ...declare.workspace import BUILD_FILE
from ...frozen import frozen

_ALL = ("*", "**", "**/*")


@frozen
class Rule:
    """A line of .dockerignore. keep: it began with "!"."""

    line: int
    pattern: str
    keep: bool


class Context:
    """The files below a folder. modes: path -> mode as the tree has it; hidden: folders that no glob sees."""

    def __init__(
        self, root: Path, ignore_file: Path | None = None, hidden: frozenset[str] = frozenset()
    ) -> None:
        self.root, self.hidden = root, hidden
        self.rules = _rules(ignore_file or root / ".dockerignore")
        self.modes: dict[str, int] = {}
        self.folders: set[str] = {""}
        self._walk()

    def _walk(self) -> None:
        stack, exceptions = [""], any(rule.keep for rule in self.rules)
        while stack:
            folder = stack.pop()
            for entry in sorted(os.scandir(self.root / folder), key=lambda item: item.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name == ".git" or entry.name == BUILD_FILE or not _is_text(path):
                    continue
                ignored = self.ignores(path)
                if entry.is_dir(follow_symlinks=False):
                    if path in self.hidden or (ignored and not exceptions):
                        continue
                    stack.append(path)
                    if not ignored:
                        self.folders.add(path)
                elif not ignored and (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                    self.modes[path] = entry.stat(follow_symlinks=False).st_mode

    def ignores(self, path: str) -> bool:
        """Whether .dockerignore takes a path away: the last rule that means it, or a folder of it, counts."""
        found = False
        for rule in self.rules:
            if rule.keep == found and _means(rule.pattern, path):
                found = not rule.keep
        return found

    def has(self, path: str) -> bool:
        """Whether a path is there, .dockerignore or not, and globs see it."""
        there = self.root / path
        full = any(there.iterdir()) if there.is_dir() else there.is_file()
        return full and not any(path == folder or path.startswith(f"{folder}/") for folder in self.hidden)

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder with something in it."""
        return path == "" or path in self.folders or any(name.startswith(f"{path}/") for name in self.modes)

    def below(self, folder: str) -> list[str]:
        """Every file below a folder, sorted."""
        return sorted(name for name in self.modes if not folder or name.startswith(f"{folder}/"))

    def matching(self, pattern: str) -> list[str]:
        """Files and folders that a pattern of COPY means, sorted."""
        return sorted(name for name in {*self.modes, *self.folders} if name and matches(pattern, name))

    def is_executable(self, path: str) -> bool:
        """Whether a file's owner may run it."""
        return bool(self.modes.get(path, 0) & stat.S_IXUSR)

    def globs(self, folder: str) -> tuple[list[str], list[str]]:
        """A folder's files as globs, and the files that must be named apart, for "!" cannot be undone."""
        inside = f"{folder}/**" if folder else "**"
        away = [rule.pattern for rule in self.rules if not rule.keep and _concerns(rule.pattern, folder)]
        kept = [rule.pattern for rule in self.rules if rule.keep]
        if kept and any(pattern in _ALL for pattern in away):
            away = [pattern for pattern in away if pattern not in _ALL]
            chosen = list(self._kept_globs(kept, folder))
        else:
            chosen = [inside]
        apart = [name for name in self.below(folder) if any(_means(pattern, name) for pattern in away)]
        return [*chosen, *(f"!{pattern}" for pattern in away)], apart

    def _kept_globs(self, kept: list[str], folder: str) -> Iterator[str]:
        for pattern in kept:
            if folder and not pattern.startswith(f"{folder}/"):
                continue
            if any(matches(pattern, name) for name in self.modes):
                yield pattern if is_wild(pattern) else literal(pattern)
            if self.is_folder(pattern) and any(name.startswith(f"{pattern}/") for name in self.modes):
                yield f"{pattern}/**"


def literal(path: str) -> str:
    """A glob that means one path, whatever characters it holds."""
    text = "".join(f"[{char}]" if char in "*?[" else char for char in path)
    return f"./{text}" if text.startswith(("!", ":", "//")) else text


def _rules(file: Path) -> list[Rule]:
    if not file.is_file():
        return []
    found = []
    for number, line in enumerate(file.read_text(errors="replace").removeprefix("\ufeff").splitlines(), 1):
        text = "" if line.startswith("#") else line.strip()
        keep, pattern = text.startswith("!"), normal(text.removeprefix("!").strip())
        if pattern and ".." not in pattern.split("/") and _is_glob(pattern):
            found.append(Rule(number, pattern, keep))
    return found


def _is_glob(pattern: str) -> bool:
    try:
        return bool(compiled(pattern))
    except ValueError:
        return False


def _is_text(path: str) -> bool:
    try:
        return bool(path.encode())
    except UnicodeEncodeError:
        return False


def _means(pattern: str, path: str) -> bool:
    """Whether a pattern means a path or a folder that it lies in."""
    parts = path.split("/")
    return any(matches(pattern, "/".join(parts[:length])) for length in range(1, len(parts) + 1))


def _concerns(pattern: str, folder: str) -> bool:
    """Whether a pattern can mean something below a folder."""
    first = pattern.partition("/")[0]
    return not folder or "**" in first or pattern in _ALL or matches(first, folder.partition("/")[0])
