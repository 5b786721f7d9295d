"""Parts of a tar, and the memory in which neighbours are laid out together."""

from __future__ import annotations

import errno
import os
from array import array
from collections.abc import Callable
from typing import Protocol

from .. import native
from ..errors import BuildFailed
from ..keys import Algorithm, hash_bytes
from ..native import stats
from ..native.runs import Run
from ..native.ustar import BLOCK
from .entry import Changed, Content, Entry, FileContent, TreeFile, algorithm_of, is_unread, judge
from .tar import END, header, is_plain, padding

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # what stood there when the tree was walked does no more


class Laid(Protocol):
    """What can be laid out: one entry or a piece of it (`Part`), or many at once (`Batch`).

    size: in bytes; count: of entries; is_of_the_tree: whether all are files of the tree; is_unread: whether
    its facts could not be told without reading files.
    """

    @property
    def size(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def is_of_the_tree(self) -> bool: ...
    @property
    def is_unread(self) -> bool: ...
    def facts(self) -> str:
        """All that decides its bytes, as text that nothing else has."""

    def lay_out(self, page: Page, at: int) -> None:
        """Say what goes where, from `at` on."""

    def check(self, out: memoryview, algorithm: Algorithm, seen: int) -> None:
        """Check its bytes in `out` against the fingerprints of its whole files, or learn these from them.

        seen: ns since 1970, from before they were read. Raises Changed.
        """


class Page:
    """The bytes of neighbours while they are laid out: first it is said what goes where, then all is put
    there at once."""

    def __init__(self, out: memoryview) -> None:
        self._out = out
        self._runs: list[tuple[Run, Callable[[int], Content]]] = []
        self._left = len(out)  # bytes that no run fills
        self._plain, self._headers = list[str](), array("q")
        self._others: list[tuple[int, bytes]] = []
        self._streams: list[tuple[int, Content, int, int]] = []
        self._paths, self._table, self._rows = list[str](), array("q"), list[bytes]()
        self._contents: list[Content] = []  # of these paths

    def run(self, run: Run, size: int, content_of: Callable[[int], Content]) -> None:
        """Neighbours in a folder; see `native.lay_out`. size: of all, in bytes; content_of: tells the content
        of one."""
        self._runs.append((run, content_of))
        self._left -= size

    def plain(self, path: str, table: tuple[int, int, int, int, int, int]) -> None:
        """The header of a plain file; see `native.write_headers`."""
        self._plain.append(path)
        self._headers.extend(table)

    def header(self, at: int, data: bytes) -> None:
        """Any other."""
        self._others.append((at, data))

    def file(self, content: TreeFile | FileContent, table: tuple[int, int, int], row: bytes) -> None:
        """Bytes of a file on the disk; see `native.read_files`."""
        self._paths.append(content.path)
        self._table.extend(table)
        self._rows.append(row)
        self._contents.append(content)

    def stream(self, at: int, content: Content, offset: int, length: int) -> None:
        """Bytes of a content that is no file."""
        self._streams.append((at, content, offset, length))

    def fill(self) -> None:
        """Put everything in its place, and zeros elsewhere. Raises Changed and BuildFailed."""
        if self._left:
            self._fill_parts()
        statuses = native.lay_out([run for run, _ in self._runs], self._out)
        if any(statuses):
            left = iter(statuses)
            for run, content_of in self._runs:
                for number, status in zip(range(len(run.modes)), left, strict=False):
                    _judge(content_of(number), status)

    def _fill_parts(self) -> None:
        out = self._out
        native.write_headers(self._plain, self._headers, out)
        for at, data in self._others:
            out[at : at + len(data)] = data
        for at, content, offset, length in self._streams:
            out[at : at + length] = _read(content, offset, length)
        statuses = native.read_files(self._paths, self._table, b"".join(self._rows), out)
        for content, status in zip(self._contents, statuses, strict=True):
            _judge(content, status)


def _judge(content: Content, status: int) -> None:
    """Raise Changed or BuildFailed for what a file's status says, unless it is 0."""
    if status < 0 or (status in _GONE and isinstance(content, TreeFile)):
        raise Changed(content)
    if status:
        raise BuildFailed(f"cannot read {content.origin}: {os.strerror(status)}")


class Part:
    """A header, then `length` bytes of an entry's content from `offset`, then zeros up to the block.

    entry: None for the end of the archive; head: bytes of the header, which only an entry's first part has;
    plain: whether `native.write_headers` makes it; whole: whether these are all the content's bytes; size: of
    everything.
    """

    __slots__ = ("content", "entry", "head", "length", "offset", "plain", "size", "whole")

    def __init__(self, entry: Entry | None, offset: int = 0, length: int | None = None) -> None:
        self.entry, self.content = entry, entry.content if entry else None
        size = self.content.size if self.content else 0
        self.offset, self.length = offset, size if length is None else length
        self.whole = length is None
        self.plain = entry is not None and offset == 0 and is_plain(entry, size)
        if self.plain:
            self.head = BLOCK
        elif entry is None:
            self.head = len(END)
        else:
            self.head = 0 if offset else len(header(entry))
        self.size = self.head + self.length + padding(self.length)

    @property
    def count(self) -> int:
        return 1

    @property
    def is_of_the_tree(self) -> bool:
        return type(self.content) is TreeFile

    @property
    def is_unread(self) -> bool:
        return is_unread(self.content)

    def facts(self) -> str:
        entry = self.entry
        if entry is None:
            return "end"
        mark = self.content.fingerprint if self.content else ""
        said = f"{self.offset} {self.length} {mark}"
        if self.offset:
            return said
        path, link, extended = entry.path, entry.link, ""
        if entry.xattrs:
            extended = ",".join([f"{name.encode().hex()} {value.hex()}" for name, value in entry.xattrs])
        said += f" {entry.kind} {entry.mode} {entry.uid} {entry.gid} {entry.mtime} "
        return f"{said}{len(path)}:{path}{len(link)}:{link}{extended}"

    def lay_out(self, page: Page, at: int) -> None:
        entry, content, start = self.entry, self.content, at + self.head
        if self.plain and entry is not None:
            size = content.size if content is not None else 0
            page.plain(entry.path, (at, size, entry.mode, entry.uid, entry.gid, entry.mtime))
        elif self.head and entry is not None:
            page.header(at, header(entry))
        if type(content) is TreeFile:
            page.file(content, (start, self.length, self.offset), content.row)
        elif type(content) is FileContent:
            offset = content.offset + self.offset
            page.file(content, (start, self.length, offset), stats.UNKNOWN)
        elif content is not None:
            page.stream(start, content, self.offset, self.length)

    def check(self, out: memoryview, algorithm: Algorithm, seen: int) -> None:
        content = self.content
        if content is not None and self.whole:
            algorithm = algorithm_of(content, algorithm)
            found = hash_bytes(out[self.head : self.head + self.length], algorithm)
            judge(content, found, algorithm, seen)


def _read(content: Content, offset: int, length: int) -> bytes:
    """Bytes of a content that is no file: it opens where its bytes begin, which need not be at 0."""
    try:
        with content.open() as stream:
            if offset:
                stream.seek(offset, os.SEEK_CUR)
            data = stream.read(length)
            while len(data) < length and (more := stream.read(length - len(data))):
                data += more
    except OSError as error:
        raise BuildFailed(f"cannot read {content.origin}: {error.strerror}") from error
    if len(data) < length:
        raise Changed(content)
    return data
