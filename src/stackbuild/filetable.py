"""Many files as a recipe names them: a mapping to whoever reads it, columns to whoever makes or keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .marks import Marks


def one_for_all(modes: Sequence[int]) -> Sequence[int]:
    """Modes, or just one where all are the same."""
    return modes if len(set(modes)) > 1 else modes[:1]


class Folder(NamedTuple):
    """The files of one folder. prefix: what their paths begin with, "" or ended by "/"; names: sorted; modes:
    permissions, one each; marks: fingerprints, one each; links: what the folder's symlinks say, by name."""

    prefix: str
    names: Sequence[str]
    modes: Sequence[int]
    marks: Marks | Sequence[str]
    links: Mapping[str, str]


class FileTable(Mapping[str, str]):
    """Path -> "MODE FINGERPRINT" or "link TARGET". folders: each once, sorted by their prefixes."""

    __slots__ = ("_expanded", "folders")

    def __init__(self, folders: Sequence[Folder]) -> None:
        self.folders = folders
        self._expanded: dict[str, str] | None = None

    def columns(self) -> Iterator[tuple[str, str, str, str, Mapping[str, str]]]:
        """Of each folder: prefix, names, modes, marks, links. No name holds the "/" between them, no mark a
        space; modes are one where all are the same."""
        for prefix, names, modes, marks, links in self.folders:
            texts = " ".join([f"{mode:04o}" for mode in one_for_all(modes)])
            told = marks.text() if isinstance(marks, Marks) else " ".join(marks)
            yield prefix, "/".join(names), texts, told, links

    @classmethod
    def of(cls, columns: Sequence[Sequence[Any]]) -> FileTable:
        """What has such columns. Raises ValueError and TypeError where nothing has them."""
        folders = []
        for prefix, joined, texts, marks, links in columns:
            names = joined.split("/") if joined else []
            modes = [int(text, 8) for text in texts.split()]
            modes = modes * len(names) if len(modes) == 1 else modes
            folder = Folder(prefix, names, modes, marks.split(), links)
            if not len(names) == len(modes) == len(folder.marks):
                raise ValueError("columns of different lengths")
            folders.append(folder)
        return cls(folders)

    def __getitem__(self, path: str) -> str:
        return self._all()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return sum([len(folder.names) + len(folder.links) for folder in self.folders])

    def _all(self) -> dict[str, str]:
        if self._expanded is None:
            found: dict[str, str] = {}
            for prefix, names, modes, marks, links in self.folders:
                for name, mode, mark in zip(names, modes, marks, strict=True):
                    found[prefix + name] = f"{mode:04o} {mark}"
                for name, link in links.items():
                    found[prefix + name] = f"link {link}"
            self._expanded = found
        return self._expanded
