"""Blobs: bytes named by their SHA-256, laid out as the OCI image layout lays them out."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..digests import check_digest, digest_of, digest_of_file, is_digest
from ..errors import DigestMismatch, Failures, StackbuildError
from ..trace import traced
from .files import cannot_write, hold, publish, sync, temporary, write
from .index import Index
from .unsettled import Unsettled

PIECE = 1 << 20


class Damaged(DigestMismatch):
    """A blob of the store is not what its name says. It is removed by then: building again makes it anew."""


def is_damage(error: StackbuildError) -> bool:
    """Whether nothing but damaged blobs went wrong, so that building again will do."""
    return all(map(is_damage, error.faults)) if isinstance(error, Failures) else isinstance(error, Damaged)


class Blobs:
    """The blobs of one store.

    A blob counts as present when its file has the size, inode and mtime it was stored with; if any of them
    moved (somebody edited a hard-linked output, a disk lost bytes) its bytes are read and judged again.
    """

    def __init__(self, folder: Path, temp: Path, index: Index, unsettled: Unsettled) -> None:
        self.folder, self.temp, self._index, self._unsettled = folder, temp, index, unsettled
        self._prefix = f"{folder}/"
        self._sound: dict[str, tuple[int, int, int]] = {}  # what the index said of blobs asked for already

    def path(self, digest: str) -> Path:
        """Where the blob lies, or would lie."""
        return self.folder / check_digest(digest).removeprefix("sha256:")

    @traced("recall blobs")
    def recall(self) -> None:
        """Read at once what the index says of all blobs."""
        for digest, *found in self._index.rows("SELECT digest, size, inode, mtime FROM blob"):
            self._sound[digest] = tuple(found)

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether the blob is there and sound; a damaged one is removed, so that it is made again."""
        try:
            stat = os.stat(f"{self._prefix}{check_digest(digest)[7:]}")  # noqa: PTH116  asked of every layer of every image
        except FileNotFoundError:
            return False
        found = (stat.st_size, stat.st_ino, stat.st_mtime_ns)
        if self._sound.get(digest) != found:
            known = self._index.rows("SELECT size, inode, mtime FROM blob WHERE digest = ?", (digest,))
            if known != [found] and not self.verify(digest):
                return False
            self._sound[digest] = found
        return size in (None, stat.st_size)

    def found(self, digest: str) -> tuple[int, int, int] | None:
        """Size, inode and mtime (ns) with which the blob was last found sound, as far as is known here."""
        return self._sound.get(digest)

    @traced("verify a blob")
    def verify(self, digest: str) -> bool:
        """Read every byte of the blob; remove it and answer False when they are not what they should be."""
        path = self.path(digest)
        try:
            before = path.stat()
            sound = digest_of_file(path) == digest
        except OSError:
            return False
        if sound:
            self._remember(digest, before)
            return True
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), before):  # else another build has just made it anew
                path.unlink()
        return False

    def _remember(self, digest: str, stat: os.stat_result) -> None:
        self._index.write(
            "INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?)",
            [(digest, stat.st_size, stat.st_ino, stat.st_mtime_ns)],
        )

    @traced("keep the blob")
    def adopt(self, file: BinaryIO, temp: Path, digest: str, *, wait: bool = True) -> None:
        """Take a finished temporary file, whose digest the caller computed while writing, as a blob.

        wait: for the disk; else a crash of the machine may damage it, which is seen afterwards.
        """
        path = self.path(digest)
        try:
            mark = None if wait else self._unsettled.add(digest)
            publish(file, temp, path, 0o444, durable=mark is None)
            if mark and not mark.is_symlink():
                sync(path)  # who took it away saw no blob
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        self._remember(digest, path.stat())

    @traced("settle blobs")
    def settle(self) -> None:
        """Judge the blobs that a crash may have damaged; wait for those that the disk should have by now."""
        for mark in self._unsettled.due():
            path = self.path(mark.digest)
            was_there = path.exists()
            sound = not mark.crashed or self.verify(mark.digest)
            if path.exists():
                if not sound:
                    continue  # made anew by another build just now, or not to be read
                try:
                    sync(path)
                except OSError:
                    self.forget(mark.digest)
            elif mark.recent and not was_there:
                continue  # it may yet come
            mark.remove()

    def put(self, data: bytes) -> str:
        """Store bytes and return their digest."""
        digest = digest_of(data)
        if not self.has(digest, len(data)):
            with temporary(self.temp) as (file, temp):
                file.write(data)
                self.adopt(file, temp, digest)
        return digest

    def receive(self, pieces: Iterable[bytes], digest: str | None) -> tuple[str, int]:
        """Store bytes that come from outside, checked against the digest they claim (None: they claim none).

        Returns their digest and size. Raises DigestMismatch, and keeps nothing, when they are something else.
        """
        if digest is not None:
            check_digest(digest)
        hasher, size = hashlib.sha256(), 0
        with temporary(self.temp) as (file, temp):
            for piece in pieces:
                hasher.update(piece)
                size += len(piece)
                file.write(piece)
            found = "sha256:" + hasher.hexdigest()
            if digest is not None and found != digest:
                raise DigestMismatch(f"expected {digest}, the bytes have {found}")
            self.adopt(file, temp, found)
        return found, size

    def resume(
        self,
        digest: str,
        size: int,
        pieces: Callable[[int], Iterator[bytes]],
        progress: Callable[[int], None],
    ) -> None:
        """Store bytes that come from outside and may stop coming: what arrived is kept for the next try.

        pieces: the bytes from an offset on; progress: told how many came. Two processes that want the same
        blob take turns. When a part that was kept proves wrong, it begins anew. Raises DigestMismatch, and
        keeps nothing, when they are something else.
        """
        partial = self.temp / f"partial-{check_digest(digest).removeprefix('sha256:')}"
        with hold(partial) as file:
            if self.has(digest, size):
                partial.unlink(missing_ok=True)
                return
            kept = min(os.fstat(file.fileno()).st_size, size)
            for start in (kept, 0) if kept else (0,):
                try:
                    found = self._received(file, digest, size, start, pieces, progress)
                except DigestMismatch:
                    found = False
                if found:
                    self.adopt(file, partial, digest)
                    return
            partial.unlink(missing_ok=True)
            raise DigestMismatch(f"what came is not {digest} of {size} bytes")

    def _received(
        self,
        file: BinaryIO,
        digest: str,
        size: int,
        have: int,
        pieces: Callable[[int], Iterator[bytes]],
        progress: Callable[[int], None],
    ) -> bool:
        """Whether a file, with `have` bytes in it and the pieces after them, is the blob."""
        hasher = hashlib.sha256()
        file.seek(0)
        read = 0
        while read < have and (piece := file.read(min(PIECE, have - read))):
            hasher.update(piece)
            read += len(piece)
        file.seek(read)
        file.truncate()
        progress(read)
        for piece in pieces(read):
            hasher.update(piece)
            read += len(piece)
            write(file, piece, self.temp)
            progress(len(piece))
        return read == size and f"sha256:{hasher.hexdigest()}" == digest

    def read(self, digest: str) -> bytes:
        """All bytes of a small blob, checked. Raises Damaged."""
        return b"".join(self.pieces(digest))

    def open(self, digest: str) -> BinaryIO:
        """The blob's bytes as a file, unchecked. Raises FileNotFoundError."""
        return open(self.path(digest), "rb")

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The bytes of a blob, checked as they pass. Raises Damaged at their end."""
        hasher = hashlib.sha256()
        try:
            with open(self.path(digest), "rb") as file:
                while piece := file.read(PIECE):
                    hasher.update(piece)
                    yield piece
        except FileNotFoundError:
            pass
        if f"sha256:{hasher.hexdigest()}" != digest:
            self.path(digest).unlink(missing_ok=True)
            raise Damaged(f"blob {digest} in the store is damaged", hint="build again; it is made anew")

    def forget(self, digest: str) -> None:
        """Remove a blob, and what is known of its chunks."""
        self.path(digest).unlink(missing_ok=True)
        self._index.write("DELETE FROM blob WHERE digest = ?", [(digest,)])
        self._index.write("DELETE FROM chunk WHERE blob = ?", [(digest,)])
        self._index.write("DELETE FROM prefix WHERE blob = ?", [(digest,)])

    def all(self) -> list[tuple[str, int]]:
        """Every blob that lies in the store: (digest, size)."""
        return sorted(
            (f"sha256:{entry.name}", entry.stat().st_size)
            for entry in os.scandir(self.folder)
            if is_digest(f"sha256:{entry.name}")
        )
