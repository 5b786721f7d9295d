"""Notes what each thread does, and when; costs next to nothing while nobody records."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar

LIMIT: Final = 250_000  # spans of one recording: some 100 MB
P = ParamSpec("P")
R = TypeVar("R")


class Span:
    """A piece of one thread's work. start, end: ns of the monotonic clock; end is 0 while it goes on.

    thread: (name, identity). It is known from its start, so that an interruption loses none; of one that an
    error ended, the fact "failed" names the error.
    """

    __slots__ = ("end", "facts", "name", "start", "thread")

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        thread = threading.current_thread()
        self.name, self.facts, self.end = name, facts, 0
        self.thread = (thread.name, thread.ident or 0)
        self.start = time.monotonic_ns()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.facts["failed"] = kind.__name__
        self.end = time.monotonic_ns()


class Recorder:
    """The spans of every thread, in the order they began.

    limit: how many are kept, so that memory is bounded; began: ns of the monotonic clock.
    """

    def __init__(self, began: int | None = None, limit: int = LIMIT) -> None:
        self.began = time.monotonic_ns() if began is None else began
        self._limit, self._count = limit, itertools.count(1)
        self._spans: list[Span] = []  # only ever appended to, which threads may do at once
        self._seen = 0

    def open(self, name: str, facts: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
        """A span that begins now."""
        self._seen = next(self._count)
        if self._seen > self._limit:
            return _NOTHING
        found = Span(name, facts)
        self._spans.append(found)
        return found

    def add(self, name: str, start: int) -> None:
        """A span of this thread that ends now, and before which nothing of it was recorded."""
        found = Span(name, {})
        found.start, found.end = start, found.start
        self._spans.append(found)

    @property
    def lost(self) -> int:
        """How many spans were beyond the limit, give or take a few: threads count at once."""
        return max(0, self._seen - self._limit)

    def spans(self) -> list[Span]:
        """What was recorded so far."""
        return self._spans[:]


class _Nothing:
    """A span that nobody records."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_NOTHING = _Nothing()
_recorder: Recorder | None = None


def span(name: str, **facts: Any) -> contextlib.AbstractContextManager[None]:
    """Work that goes on for the length of a block; facts: what it is about, turned into text only if need be.

    Must not be open across a `yield`: spans of one thread nest.
    """
    return _recorder.open(name, facts) if _recorder is not None else _NOTHING


def traced(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function each of whose calls is a span."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return function(*args, **kwargs)

        return call

    return wrap


@contextlib.contextmanager
def recording(since: int | None = None, limit: int = LIMIT) -> Iterator[Recorder]:
    """Record whatever this process does for the length of a block; the inner of two recordings counts.

    since: ns of the monotonic clock, from which times count: when what led up to the block began.
    """
    global _recorder
    before, _recorder = _recorder, Recorder(since, limit)
    try:
        yield _recorder
    finally:
        _recorder = before
