"""The packages that a request can reach, out of the tens of thousands of an archive, parsed only as
needed."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import Any

from ...errors import BuildFailed
from ...frozen import frozen
from .control import Relation, paragraph, relations
from .repository import Index

_NEEDED = ("Package", "Version", "Architecture", "Filename", "Size", "SHA256")
_FIRST = b"\n\nPackage: "  # how a paragraph begins, and the one before it ends
_PROVIDES = b"\nProvides: "
_VALUE = re.compile(rb"[^\n]+(?:\n[ \t][^\n]+)*")  # of a field, with its further lines


@frozen
class Candidate:
    """A version of a package that may be installed, or is. place: URL that its Filename is below; "" for one
    that the base holds."""

    fields: dict[str, str] = field(repr=False, hash=False, compare=False)
    place: str
    name: str
    version: str
    architecture: str
    _relations: dict[str, list[list[Relation]]] = field(
        default_factory=dict, repr=False, hash=False, compare=False
    )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @classmethod
    def of(cls, fields: dict[str, str], place: str) -> Candidate:
        """Raises KeyError for a paragraph that lacks what it must have."""
        return cls(fields, place, fields["Package"], fields["Version"], fields["Architecture"])

    def groups(self, *names: str) -> list[list[Relation]]:
        """The relationships of some fields. Raises BuildFailed when they are malformed."""
        return [group for name in names for group in self._field(name)]

    def _field(self, name: str) -> list[list[Relation]]:
        if name not in self._relations:  # solving asks again and again
            try:
                self._relations[name] = relations(self.fields.get(name))
            except ValueError as error:
                raise BuildFailed(f"{self.name} {self.version} is malformed: {error}") from error
        return self._relations[name]

    def provided(self) -> Iterator[Relation]:
        """What it stands in for, beside itself."""
        for group in self._field("Provides"):
            yield from group


class Universe:
    """Packages by name, of indexes that are searched for what is asked. architecture: Debian's name of it."""

    def __init__(self, indexes: Sequence[Index], installed: Iterable[Candidate], architecture: str) -> None:
        self._indexes, self.architecture = indexes, architecture
        self._tables = [_table(index.data) for index in indexes]
        self._found: dict[str, list[Candidate]] = {}
        self.installed = {candidate.name: candidate for candidate in installed}

    def names(self) -> set[str]:
        """The name of every package that there is."""
        return {name.decode() for table in self._tables for name in table.places}

    def named(self, name: str) -> list[Candidate]:
        """Every version of the package of a name that may be installed."""
        if name not in self._found:
            self._found[name] = list(self._parsed(name))
        return self._found[name]

    def providers(self, name: str) -> list[Candidate]:
        """Packages of other names that provide a name."""
        names = sorted(
            {provider for table in self._tables for provider in table.provided.get(name.encode(), ())}
        )
        found = [candidate for provider in names for candidate in self.named(provider.decode())]
        return [item for item in found if any(relation.name == name for relation in item.provided())]

    def reachable(self, relations: Iterable[Relation], fields: Sequence[str]) -> list[Candidate]:
        """Every package that the dependencies in `fields` may lead to, from some relations on."""
        seen: dict[str, list[Candidate]] = {}
        waiting = [relation.name for relation in relations]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen[name] = self.named(name)
            for provider in self.providers(name):
                waiting.append(provider.name)
            for candidate in seen[name]:
                waiting += [item.name for group in candidate.groups(*fields) for item in group]
        return [candidate for name in sorted(seen) for candidate in seen[name]]

    def _parsed(self, name: str) -> Iterator[Candidate]:
        seen: set[tuple[str, str]] = set()
        for index, table in zip(self._indexes, self._tables, strict=True):
            for text in table.stanzas(name.encode()):
                try:
                    candidate = _candidate(text, index.place)
                except (KeyError, ValueError) as error:
                    raise BuildFailed(
                        f"the index of {index.place} is malformed at {name}: {error}"
                    ) from error
                mark = candidate.version, candidate.architecture
                if candidate.architecture in (self.architecture, "all") and mark not in seen:
                    seen.add(mark)
                    yield candidate


class _Table:
    """Where in an index each name stands, and which packages provide what."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.places: dict[bytes, list[int]] = {}
        self.provided: dict[bytes, list[bytes]] = {}
        starts, names = _paragraphs(data)
        for at, name in zip(starts, names, strict=True):
            if name:
                self.places.setdefault(name, []).append(at)
        at = data.find(_PROVIDES)
        while at >= 0:
            number = bisect.bisect(starts, at) - 1
            if number >= 0 and names[number]:  # else of a paragraph that names no package
                self._provide(names[number], at)
            at = data.find(_PROVIDES, at + len(_PROVIDES))

    def _provide(self, name: bytes, at: int) -> None:
        found = _VALUE.match(self._data, at + len(_PROVIDES))
        for item in found[0].split(b",") if found else ():
            self.provided.setdefault(item.split(b"(")[0].split(b":")[0].strip(), []).append(name)

    def stanzas(self, name: bytes) -> Iterator[Any]:
        for place in self.places.get(name, ()):
            end = self._data.find(b"\n\n", place)
            yield self._data[place : end if end >= 0 else len(self._data)]


def _paragraphs(data: bytes) -> tuple[list[int], list[bytes]]:
    """Where the paragraphs of packages begin, and the packages' names."""
    starts, names, length = list[int](), list[bytes](), len(_FIRST) - 2
    at = len(data) - len(data.lstrip(b"\n"))
    if not data.startswith(_FIRST[2:], at):
        at = data.find(_FIRST, at) + 2
        if at < 2:
            return starts, names
    while True:
        end = data.find(b"\n", at)
        starts.append(at)
        names.append(data[at + length : end if end >= 0 else len(data)])
        at = data.find(_FIRST, at + length) + 2
        if at < 2:
            return starts, names


@functools.lru_cache(maxsize=1 << 15)  # targets of one run share most of what they reach
def _candidate(text: bytes, place: str) -> Candidate:
    fields = paragraph(text.decode())
    return Candidate.of({**{key: fields[key] for key in _NEEDED}, **fields}, place)


@functools.lru_cache(maxsize=8)
def _table(data: bytes) -> _Table:
    return _Table(data)
