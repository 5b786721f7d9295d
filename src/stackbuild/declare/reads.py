"""What of the tree a target reads: so that a change of a file touches whom it concerns, and nobody else."""

from __future__ import annotations

import bisect
import functools
import itertools
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from ..frozen import frozen

T = TypeVar("T")


def _everything(path: str) -> bool:
    return True


def _itself(path: str) -> bool:
    return not path


@frozen
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
    """Who reads what, through symlinks too. reads: of each reader; root: of the workspace."""

    def __init__(self, root: str | os.PathLike[str], reads: Mapping[T, Iterable[Reads]]) -> None:
        self._at: dict[str, list[tuple[T, Reads]]] = {}
        route = functools.cache(lambda path: steps(root, path))
        for reader, found in reads.items():
            for one in found:
                *links, end = route(one.folder)
                for folder in {one.folder, end}:
                    self._at.setdefault(folder, []).append((reader, one))
                for link in links:
                    self._at.setdefault(link, []).append((reader, Reads(link, _itself)))
        self._folders = sorted(self._at)

    def of(self, path: str) -> Iterator[T]:
        """The readers of a file, by its path relative to the workspace."""
        for folder in _upwards(path):
            for reader, reads in self._at.get(folder, ()):
                if reads.means(path[len(folder) :].lstrip("/") if folder else path):
                    yield reader

    def near(self, folder: str) -> set[T]:
        """Those who read in a folder, below it, or above it."""
        below = f"{folder}/" if folder else ""
        start = bisect.bisect_left(self._folders, below)
        inside = itertools.takewhile(lambda at: at.startswith(below), self._folders[start:])
        places = {*inside, *_upwards(folder)}
        return {reader for at in places for reader, _ in self._at.get(at, ())}


def _upwards(path: str) -> Iterator[str]:
    """The path, and every folder above it, "" for the root last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def steps(root: str | os.PathLike[str], path: str) -> list[str]:
    """Every symlink that is met on the way to a path of the tree, and last where that way ends, as far as it
    stays in the tree; all relative to `root`."""
    links: list[str] = []
    at, waiting = "", path.split("/")[::-1]
    while waiting:
        name = waiting.pop()
        if name in ("", "."):
            continue
        if name == "..":
            if not at:
                return [*links, links[-1] if links else ""]
            at = at.rpartition("/")[0]
            continue
        at = f"{at}/{name}" if at else name
        try:
            target = os.readlink(os.path.join(root, at))  # noqa: PTH115, PTH118
        except OSError:
            continue
        if at in links:  # they lead in a circle
            break
        links.append(at)
        if target.startswith("/"):
            at, target = "", os.path.relpath(target, root)
        else:
            at = at.rpartition("/")[0]
        waiting += target.split("/")[::-1]
    return [*links, at]


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
        at = os.path.relpath(folder, root)
        for name in (*names, *links):
            yield name if at == "." else f"{at}/{name}"
