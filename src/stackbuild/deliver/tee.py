"""Passes what happens in a build on to several listeners."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ..build.plan import Node, Plan
from ..build.run import Builder, Outcome
from ..errors import StackbuildError
from .progress import Quiet
from .report import Built


class Tee(Quiet):
    """Several listeners as one."""

    def __init__(self, listeners: Sequence[Quiet]) -> None:
        self._listeners = listeners

    def began(self, builder: Builder, plan: Plan) -> None:
        for listener in self._listeners:
            listener.began(builder, plan)

    def started(self, node: Node) -> None:
        for listener in self._listeners:
            listener.started(node)

    def finished(self, outcome: Outcome) -> None:
        for listener in self._listeners:
            listener.finished(outcome)

    def failed(self, node: Node, error: StackbuildError) -> None:
        for listener in self._listeners:
            listener.failed(node, error)

    def delivered(self, built: Built) -> None:
        for listener in self._listeners:
            listener.delivered(built)

    def note(self, text: str) -> None:
        for listener in self._listeners:
            listener.note(text)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()

    @contextlib.contextmanager
    def transfer(self, verb: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
        with contextlib.ExitStack() as stack:
            told = [stack.enter_context(item.transfer(verb, name, size)) for item in self._listeners]

            def progress(more: int) -> None:
                for tell in told:
                    tell(more)

            yield progress
