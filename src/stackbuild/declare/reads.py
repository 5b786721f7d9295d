"""What of the tree a target reads: so that a change of a file touches whom it concerns, and nobody else."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


def _everything(path: str) -> bool:
    return True


@dataclass(frozen=True)
class Reads:
    """Files below a folder, or one file.

    folder: relative to the workspace, "" for its root, or the path of the file itself; means: whether a path
    below it, "" for itself, is read.
    """

    folder: str
    means: Callable[[str], bool] = _everything

    @classmethod
    def path(cls, folder: str, path: str, means: Callable[[str], bool] = _everything) -> Reads:
        """A file or folder that a field of a target in `folder` names."""
        at = posixpath.normpath(posixpath.join(folder, path))
        return cls("" if at == "." else at, means)


class Readers(Generic[T]):
    """Who reads what. reads: of each reader."""

    def __init__(self, reads: Mapping[T, Iterable[Reads]]) -> None:
        self._at: dict[str, list[tuple[T, Reads]]] = {}
        for reader, found in reads.items():
            for one in found:
                self._at.setdefault(one.folder, []).append((reader, one))

    def of(self, path: str) -> Iterator[T]:
        """The readers of a file, by its path relative to the workspace."""
        for folder in _upwards(path):
            for reader, reads in self._at.get(folder, ()):
                if reads.means(path[len(folder) :].lstrip("/") if folder else path):
                    yield reader

    def near(self, folder: str) -> bool:
        """Whether anybody reads in a folder, below it, or above it."""
        below = any(at == folder or at.startswith(f"{folder}/") for at in self._at)
        return below or any(at in self._at for at in _upwards(folder))


def _upwards(path: str) -> Iterator[str]:
    """The path, and every folder above it, "" for the root last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def walk(root: str | os.PathLike[str], path: str) -> Iterator[str]:
    """The files below a folder of the tree, or the path itself when it is none; relative to `root`."""
    start = os.path.join(root, path)  # noqa: PTH118
    if os.path.islink(start) or not os.path.isdir(start):  # noqa: PTH112, PTH114
        yield path
        return
    for folder, folders, names in os.walk(start):
        if ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in (*names, *links):
            yield os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118
