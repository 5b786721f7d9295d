"""Many files as a recipe names them: a mapping to whoever reads it, columns to whoever makes or keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .marks import Marks

_FEW = 200


def one_for_all(modes: Sequence[int]) -> Sequence[int]:
    """Modes, or just one where all are the same."""
    return modes if len(set(modes)) > 1 else modes[:1]


class Names:
    """The names of files in one folder. A name that lies among others in a text takes a fifth of one by
    itself, and is soon had of a few."""

    __slots__ = ("_names",)

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names if len(names) > _FEW or not names else "/".join(names)

    def listed(self) -> Sequence[str]:
        """Each by itself."""
        return self._names.split("/") if isinstance(self._names, str) else self._names

    def joined(self) -> str:
        """All, with "/" between them."""
        return self._names if isinstance(self._names, str) else "/".join(self._names)


class Folder(NamedTuple):
    """The files of one folder. prefix: what their paths begin with, "" or ended by "/"; names: sorted, with
    "/" between them; modes: permissions, one each; marks: fingerprints, one each; links: what the folder's
    symlinks say, by name."""

    prefix: str
    names: str
    modes: Sequence[int]
    marks: Marks | Sequence[str]
    links: Mapping[str, str]

    def listed(self) -> list[str]:
        """The names, each by itself."""
        return self.names.split("/") if self.names else []


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
            yield prefix, names, texts, told, links

    @classmethod
    def of(cls, columns: Sequence[Sequence[Any]]) -> FileTable:
        """What has such columns. Raises ValueError and TypeError where nothing has them."""
        folders = []
        for prefix, joined, texts, marks, links in columns:
            modes = [int(text, 8) for text in texts.split()]
            folder = Folder(prefix, joined, modes, marks.split(), links)
            count = len(folder.listed())
            if len(modes) == 1:
                folder = folder._replace(modes=modes * count)
            if not count == len(folder.modes) == len(folder.marks):
                raise ValueError("columns of different lengths")
            folders.append(folder)
        return cls(folders)

    def __getitem__(self, path: str) -> str:
        return self._all()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return sum([len(folder.modes) + len(folder.links) for folder in self.folders])

    def _all(self) -> dict[str, str]:
        if self._expanded is None:
            found: dict[str, str] = {}
            for folder in self.folders:
                prefix = folder.prefix
                for name, mode, mark in zip(folder.listed(), folder.modes, folder.marks, strict=True):
                    found[prefix + name] = f"{mode:04o} {mark}"
                for name, link in folder.links.items():
                    found[prefix + name] = f"link {link}"
            self._expanded = found
        return self._expanded
