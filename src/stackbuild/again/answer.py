"""Saved answers: one file each in the store's folder `answers`, named by a hash of its request.

    stackbuild answer 2 HASH\n            of all that follows, XXH3-128 in hexadecimal
    WORKSPACE BOOT SAVED PLACES SIZE SIZE SIZE SIZE\n
    the request, what is printed, the last build, the records of `stackbuild.native.unchanged`

WORKSPACE is what it is called in the store; BOOT is the boot id, as a crash may damage what the disk was not
waited for; SAVED is when, in seconds since 1970; PLACES is how seconds are written; SIZE is each part's. In
what is printed NUL stands for the seconds it took, in the last build for when it began and for the seconds it
took. A file of any other form is no answer.
"""

from __future__ import annotations

import os
import time

import xxhash

from .boot import boot_id

_MAGIC = b"stackbuild answer 2 "
_HEAD = len(_MAGIC) + 33
_FOLDER = "answers"
_MOST = 50
BELIEVED = 1_800
"""Seconds for which an answer counts: then the store must hear again that what it names is in use."""


class Answer:
    """What a request gave. workspace: its name in the store; saved: seconds since 1970; places: "2" decimals
    for people, or at most "3" for programs; printed, build, records: see the module."""

    __slots__ = ("build", "places", "printed", "records", "saved", "workspace")

    def __init__(
        self, workspace: str, places: str, printed: bytes, build: bytes, records: bytes, saved: float = 0
    ) -> None:
        self.workspace, self.places, self.saved = workspace, places, saved
        self.printed, self.build, self.records = printed, build, records

    def text(self, seconds: float) -> str:
        """What is to be printed."""
        shown = f"{seconds:.2f}" if self.places == "2" else repr(round(seconds, 3))
        return self.printed.decode().replace("\0", shown)

    def last_build(self, started: float, seconds: float) -> bytes:
        """The last build, as the store keeps it."""
        before, between, after = self.build.split(b"\0")
        return b"".join([before, repr(started).encode(), between, repr(seconds).encode(), after])


def path_of(store: str, request: bytes) -> str:
    """Where the answer to a request is, or would be."""
    return f"{store}/{_FOLDER}/{xxhash.xxh3_128_hexdigest(request)}"


def load(store: str, request: bytes) -> Answer | None:
    """The answer to a request, if there is one that still counts. Raises OSError and ValueError."""
    with open(path_of(store, request), "rb") as file:
        about = os.fstat(file.fileno())
        data = file.read()
    head, rest = data[:_HEAD], memoryview(data)[_HEAD:]
    if about.st_uid != os.getuid() or about.st_mode & 0o077 or head != _head(rest):
        return None
    line, body = data[_HEAD:].split(b"\n", 1)
    workspace, boot, saved, places, *sizes = line.decode().split(" ")
    parts, start = [], 0
    for size in map(int, sizes):
        parts.append(body[start : start + size])
        start += size
    asked, printed, build, records = parts
    age = time.time() - float(saved)
    if asked != request or start != len(body) or boot != boot_id() or not 0 <= age < BELIEVED:
        return None
    return Answer(workspace, places, printed, build, records, float(saved))


def packed(answer: Answer, request: bytes) -> bytes:
    """An answer as a file has it, saved now."""
    parts = (request, answer.printed, answer.build, answer.records)
    about = [answer.workspace, boot_id(), repr(time.time()), answer.places]
    line = " ".join([*about, *(str(len(part)) for part in parts)])
    rest = b"".join([line.encode(), b"\n", *parts])
    return _head(rest) + rest


def _head(rest: bytes | memoryview) -> bytes:
    return b"%b%b\n" % (_MAGIC, xxhash.xxh3_128_hexdigest(rest).encode())


def forget(store: str, workspace: str = "") -> None:
    """Remove the answers of a workspace, by its name in the store; or all."""
    for path in _all(store):
        try:
            with open(path, "rb") as file:
                begins = file.read(_HEAD + len(workspace))[_HEAD:]
        except OSError:
            begins = workspace.encode()  # whosever it is: one too few does no harm
        if not workspace or begins == workspace.encode():
            _remove(path)


def thin(store: str) -> None:
    """Remove the oldest where there are too many."""
    for path in sorted(_all(store), key=_age)[:-_MOST]:
        _remove(path)


def _age(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0


def _all(store: str) -> list[str]:
    try:
        return [entry.path for entry in os.scandir(f"{store}/{_FOLDER}")]
    except FileNotFoundError:
        return []


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # gone, or another user's, who answers nobody else
        pass
