"""Fingerprints of files side by side: 16 or 32 bytes each, where a text and a place in a list take 110."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

Data = bytes | bytearray
_LOCK = threading.Lock()  # neighbours may be learnt in several threads; it takes a microsecond


def width(algorithm: str) -> int:
    """Bytes of a fingerprint."""
    return 32 if algorithm == "sha256" else 16


class Marks(Sequence["str | None"]):
    """Fingerprints ("ALGORITHM:HEX") under one algorithm, of which each may be unknown, None.

    data: their bytes, one after another, or none where none is known; known: for each a byte, 0 where it is
    not.
    """

    __slots__ = ("_known", "_width", "algorithm", "data")

    def __init__(self, algorithm: str, data: Data, known: Data | None = None) -> None:
        self.algorithm, self._width = algorithm, width(algorithm)
        self.data = data
        self._known = known if known is not None else b"\1" * (len(data) // self._width)

    @classmethod
    def unknown(cls, algorithm: str, count: int) -> Marks:
        """So many of which nothing is known."""
        return cls(algorithm, b"", bytes(count))

    @classmethod
    def of(cls, algorithm: str, texts: Iterable[str | None]) -> Marks:
        """Raises ValueError for one of another algorithm."""
        found = list(texts)
        marks = cls.unknown(algorithm, len(found))
        for number, text in enumerate(found):
            if text is not None:
                marks.learn(number, bytes_of(algorithm, text))
        return marks

    def learn(self, start: int, data: Data) -> None:
        """Have some neighbours known by their bytes, from a place on."""
        count = len(data) // self._width
        with _LOCK:
            if count == len(self._known):  # as most often, and then nothing is copied
                self.data, self._known = data, b"\1" * count
                return
            if not isinstance(self._known, bytearray):
                self.data = bytearray(self.data or len(self._known) * self._width)
                self._known = bytearray(self._known)
            assert isinstance(self.data, bytearray)
            self.data[start * self._width : (start + count) * self._width] = data
            self._known[start : start + count] = b"\1" * count

    @property
    def are_known(self) -> bool:
        """Whether all are."""
        return 0 not in self._known

    @property
    def are_unknown(self) -> bool:
        """Whether none is known."""
        return 1 not in self._known

    def lacks(self, some: slice) -> bool:
        """Whether one of these is not known."""
        return 0 in self._known[some]

    def unlike(self, data: Data) -> Iterator[int]:
        """The places of known ones that are not what `data` has there."""
        if self.are_unknown or (self.are_known and self.data == data):
            return
        for at, (start, known) in enumerate(zip(range(0, len(data), self._width), self._known, strict=True)):
            if known and self.data[start : start + self._width] != data[start : start + self._width]:
                yield at

    def unknowns(self) -> Iterator[int]:
        """The places of those that are not known."""
        at = self._known.find(0)
        while at >= 0:
            yield at
            at = self._known.find(0, at + 1)

    def text(self) -> str:
        """All, with spaces between. They must be known."""
        if not self.data:
            return ""
        return f"{self.algorithm}:" + self.data.hex(" ", self._width).replace(" ", f" {self.algorithm}:")

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> Marks: ...
    def __getitem__(self, at: int | slice) -> str | Marks | None:
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            with _LOCK:
                some = self.data[start * self._width : stop * self._width]
                return Marks(self.algorithm, some, self._known[start:stop])
        if not self._known[at]:
            return None
        at %= len(self)
        return f"{self.algorithm}:{self.data[at * self._width : (at + 1) * self._width].hex()}"

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes


def bytes_of(algorithm: str, text: str) -> bytes:
    """The bytes of a fingerprint. Raises ValueError for one of another algorithm."""
    name, _, digits = text.partition(":")
    if name != algorithm:
        raise ValueError(f"{text!r} is no {algorithm}")
    return bytes.fromhex(digits)
