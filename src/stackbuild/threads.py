"""Threads that work for a while, and are not waited for when something went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def workers(number: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool for the length of a block. After a failure or an interruption nothing that waits is begun, and
    what is under way ends by itself: nothing half done counts."""
    pool = ThreadPoolExecutor(number, name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
