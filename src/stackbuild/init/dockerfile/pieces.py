"""What a stage puts on top of its base, piece by piece; each becomes a target or a remark."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from .trouble import Note

Owner = tuple[int, int]


@dataclass
class Piece:
    """line: of the instruction; wish: the name that the target would like, or else spare."""

    line: int
    wish: str
    spare: str = field(default="", kw_only=True)

    def copy(self) -> Any:
        """The same for another stage, to be changed there."""
        return copy.deepcopy(self)


@dataclass
class Files(Piece):
    """A `files` target. placed: image path -> path in the context, for all that it holds now."""

    placed: dict[str, str] = field(default_factory=dict)
    srcs: list[str] = field(default_factory=list)
    to: str = "/"
    strip: str = ""
    rename: dict[str, str] = field(default_factory=dict)
    mode: int | None = None
    owner: Owner = (0, 0)
    modes: dict[str, str] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    symlinks: dict[str, str] = field(default_factory=dict)
    dirs: list[str] = field(default_factory=list)
    dir_mode: int | None = None
    whiteouts: list[str] = field(default_factory=list)

    def lies_below(self, path: str) -> bool:
        """Whether all that it holds is at or below a path."""
        held = [*self.placed, *self.symlinks]
        return bool(held) and all(is_below(name, path) for name in held)


@dataclass
class Archive(Piece):
    """An `archive` target."""

    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Packages(Piece):
    """A `packages` target. holds: image paths that it fills, as npm's node_modules; links: those of them that
    are links here -> their targets, as a virtual environment whose packages lie in /usr/local."""

    fields: dict[str, Any] = field(default_factory=dict)
    holds: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def ecosystem(self) -> str:
        """Which one."""
        return str(self.fields["ecosystem"])


@dataclass
class Remark(Piece):
    """Something that has no translation; likely: the fields of the `files` target that would stand for it.

    opaque: what it would have done is not known, so the files of the stage aren't either.
    """

    note: Note | None = None
    likely: dict[str, Any] | None = None
    opaque: bool = True


@dataclass
class Folder:
    """A folder that the stage made. asked: by mkdir, and not only as a place for something else."""

    mode: int = 0o755
    owner: Owner = (0, 0)
    asked: bool = False


def wish_of(path: str) -> str:
    """The name that a file's target would like."""
    name = path.rstrip("/").rpartition("/")[2].lstrip(".")
    return name.partition(".")[0] or name or "files"


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return folder == "/" or path == folder or path.startswith(f"{folder}/")
