"""Shows a build under way on standard error: live on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from ..build.plan import Node
from ..build.run import Outcome
from ..errors import StackbuildError

if TYPE_CHECKING:
    from rich.status import Status


class Quiet:
    """Says nothing."""

    def started(self, node: Node) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def failed(self, node: Node, error: StackbuildError) -> None: ...
    def close(self) -> None: ...


class Plain(Quiet):
    """A line for everything that is built."""

    def finished(self, outcome: Outcome) -> None:
        if outcome.status == "built":
            print(f"built  {outcome.node}  {outcome.seconds:.2f} s", file=sys.stderr, flush=True)

    def failed(self, node: Node, error: StackbuildError) -> None:
        print(f"failed {node}", file=sys.stderr, flush=True)


class Live(Quiet):
    """One changing line with what is being built, and a lasting line for everything that was."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._running: dict[Node, None] = {}
        self._done = 0
        self._lock = threading.Lock()
        self._status: Status = self._console.status("planning")
        self._status.start()

    def _update(self) -> None:
        names = ", ".join(_plain(node.address) for node in list(self._running)[:3])
        more = f" and {len(self._running) - 3} more" if len(self._running) > 3 else ""
        self._status.update(f"{self._done} done  {names}{more}")

    def started(self, node: Node) -> None:
        with self._lock:
            self._running[node] = None
            self._update()

    def finished(self, outcome: Outcome) -> None:
        with self._lock:
            self._running.pop(outcome.node, None)
            self._done += 1
            if outcome.status == "built":
                self._console.print(f"[green]built[/]  {_plain(outcome.node)}  {outcome.seconds:.2f} s")
            self._update()

    def failed(self, node: Node, error: StackbuildError) -> None:
        with self._lock:
            self._running.pop(node, None)
            self._console.print(f"[red]failed[/] {_plain(node)}")
            self._update()

    def close(self) -> None:
        self._status.stop()


def choose(mode: str) -> Quiet:
    """The progress for "auto", "plain" or "none"."""
    if mode == "none":
        return Quiet()
    return Live() if mode == "auto" and sys.stderr.isatty() else Plain()


def _plain(what: object) -> str:
    """A name as rich prints it: a "[" in it is no markup."""
    from rich.markup import escape

    return escape(str(what))
