"""A folder that may be a project: what its files say, read leniently."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ...frozen import frozen
from ..draft import Names

MARKERS = ("pyproject.toml", "package.json", "requirements.txt", "BUILD.toml")
UNWANTED = ["!**/.*", "!**/__pycache__", "!**/node_modules"]


@frozen
class Folder:
    """path: below the workspace's root; inside: whether a folder above it is a project."""

    root: Path
    path: str
    names: Names
    inside: bool = False

    @property
    def at(self) -> Path:
        """Where it is."""
        return self.root / self.path

    def has(self, name: str) -> bool:
        """Whether a file of that name is there."""
        return (self.at / name).is_file()

    def text(self, name: str) -> str:
        """A file's text; "" when there is none to be read."""
        try:
            return (self.at / name).read_text() if self.has(name) else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def toml(self, name: str) -> dict[str, Any]:
        """A TOML file's tables; none when it is not TOML."""
        try:
            return tomllib.loads(self.text(name))
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file's object; none when it is no object."""
        try:
            found = json.loads(self.text(name))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def folders(self) -> list[str]:
        """The folders in it, but for hidden ones."""
        found = [entry.name for entry in self.at.iterdir() if entry.is_dir() and not entry.is_symlink()]
        return sorted(name for name in found if not name.startswith("."))

    def files(self, pattern: str) -> list[str]:
        """The files right in it that match."""
        return sorted(entry.name for entry in self.at.glob(pattern) if entry.is_file())

    def own_projects(self) -> list[str]:
        """Folders in it that are projects of their own."""
        return [
            name for name in self.folders() if any((self.at / name / marker).is_file() for marker in MARKERS)
        ]

    def sees(self, name: str) -> bool:
        """Whether globs see a folder: dist/ at the root of a workspace is where images go."""
        return bool(self.path) or name != "dist"


def table(value: Any, *names: str) -> Any:
    """A value deep in nested tables, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
