"""Runs nodes after those they need, in as many threads as pay.

To look a node up takes a fraction of a millisecond of Python, which threads only hinder each other at. So one
thread goes on from node to node, and the others join it as soon as a node turns out to be more work.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Generic, Literal, TypeVar

from ..threads import workers
from ..trace import span

N = TypeVar("N", bound=Hashable)
Done = Literal["long", "quick", "failed"]
_PATIENCE = 0.005  # seconds in which a node that is only looked up is done
_MOST_PATIENCE = 0.1  # while one goes on and on: each look takes the interpreter from it


class Schedule(Generic[N]):
    """order: every node, and which goes first where several can; needs, users: of each node; work: does a
    node, and says how it went. What needs a failed node is not run; any exception ends all."""

    def __init__(
        self,
        order: Iterable[N],
        needs: Mapping[N, Collection[N]],
        users: Mapping[N, Iterable[N]],
        work: Callable[[N], Done],
    ) -> None:
        self._missing = {node: len(set(needs[node])) for node in order}
        self._ready = deque(node for node, count in self._missing.items() if not count)
        self._users, self._work = users, work
        self._changed = threading.Condition()
        self._threads = self._count = 0
        self._ended: BaseException | None = None

    def run(self, jobs: int) -> None:
        """Run every node, in no more threads than `jobs`."""
        with workers(jobs, "target") as pool:
            try:
                with self._changed, span("wait for targets"):
                    self._join(pool, 1, jobs)
                    patience = _PATIENCE
                    while self._threads:
                        count = self._count
                        moved = self._changed.wait(patience) or count != self._count
                        if moved or self._join(pool, 1, jobs):
                            patience = _PATIENCE
                        else:
                            patience = min(2 * patience, _MOST_PATIENCE)
                        if self._ended is not None:
                            raise self._ended
            except BaseException as error:
                self._ended = error
                raise

    def _join(self, pool: Executor, threads: int, jobs: int) -> int:
        """Have more threads at work, if there is something for them; returns how many."""
        more = max(0, min(threads, len(self._ready), jobs - self._threads))
        for _ in range(more):
            self._threads += 1
            pool.submit(self._go_on, pool, jobs)
        return more

    def _go_on(self, pool: Executor, jobs: int) -> None:
        """Work until nothing is ready."""
        try:
            while self._ended is None and (node := self._next()) is not None:
                done = self._work(node)
                with self._changed:
                    self._count += 1
                    if done != "failed":
                        self._free(self._users[node])
                    if done == "long" and self._ended is None:
                        self._join(pool, len(self._ready) - 1, jobs)
        except BaseException as error:
            self._ended = error
        finally:
            with self._changed:
                self._threads -= 1
                self._changed.notify()

    def _next(self) -> N | None:
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def _free(self, users: Iterable[N]) -> None:
        """One need less for each."""
        for user in users:
            self._missing[user] -= 1
            if not self._missing[user]:
                self._ready.append(user)
