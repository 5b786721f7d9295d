"""Answers a request from what is saved, or lets the ordinary way do it."""

from __future__ import annotations

import os
import sys
import time

from .answer import Answer, load
from .place import store_folder

_READ = ("CI", "HOME", "SOURCE_DATE_EPOCH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
_READ_BELOW = ("STACKBUILD_", "PYTHON")
_SECRET = "STACKBUILD_REGISTRY_"  # only who goes to a registry reads it, and nobody may keep it
began = 0
"""When this process asked, in ns since 1970."""
stale: tuple[bytes, int] | None = None
"""The records of its saved answer, and which of them was found not to hold any more."""
asked: bytes | None = None
"""The request of this process, as it was at its start; None where nobody asked."""


def request(arguments: list[str]) -> bytes:
    """All that a request is, but for the files that it is about: what was typed, by whom, where, to what
    program, and what of the environment anything reads."""
    environment = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name in _READ or (name.startswith(_READ_BELOW) and not name.startswith(_SECRET))
    ]
    program = [sys.version, sys.prefix, __file__, *sys.path]
    parts = [program, arguments, [os.getcwd(), str(os.getuid()), str(os.getgid())], environment]
    return os.fsencode("\0\0".join("\0".join([str(len(part)), *part]) for part in parts))


def answered(arguments: list[str]) -> int | None:
    """Print the saved answer to a request, if there is one and nothing that it rests on changed.

    Returns the exit status; None where the ordinary way must go on, which may save an answer then.
    """
    global asked, began
    began, clock = time.time_ns(), time.perf_counter()
    try:
        asked = request(arguments)
        store = store_folder()
        answer = load(store, asked)
        if answer is None or not _still_true(answer, store, clock):
            return None
        text = answer.text(time.perf_counter() - clock)
        text.encode(sys.stdout.encoding, sys.stdout.errors or "strict")
    except Exception:  # whatever it is, the ordinary way says it better
        return None
    return _printed(text)


def _printed(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
        return 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            print(f"stackbuild: {error.strerror}", file=sys.stderr)
        return 1


def _still_true(answer: Answer, store: str, clock: float) -> bool:
    """Whether an answer counts still; then the store hears of the build. Nobody collects meanwhile."""
    global stale
    import fcntl

    from ..native import unchanged

    lock = os.open(f"{store}/lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if (index := unchanged(answer.records)) != -1:
            stale = answer.records, index
            return False
        _replace(store, answer.workspace, answer.last_build(began / 1e9, time.perf_counter() - clock))
        return True
    finally:
        os.close(lock)


def _replace(store: str, workspace: str, build: bytes) -> None:
    """Keep the last build of a workspace. It need not outlive a power cut: nothing depends on it."""
    temporary = f"{store}/tmp/.stackbuild-again-{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(build)
        os.replace(temporary, f"{store}/builds/{workspace}.json")
    except BaseException:
        os.unlink(temporary)
        raise
