"""Shows a build under way on standard error: live on a terminal, plain lines otherwise."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from ..build.plan import Node, Plan
from ..build.run import Builder, Outcome
from ..errors import StackbuildError, one_line
from ..sizes import size_text
from .report import Built


class Quiet:
    """Says nothing.

    began: before the first target; delivered: what was asked for is done, its output written.
    """

    def began(self, builder: Builder, plan: Plan) -> None: ...
    def started(self, node: Node) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def failed(self, node: Node, error: StackbuildError) -> None: ...
    def delivered(self, built: Built) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...

    @contextlib.contextmanager
    def transfer(self, verb: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """Bytes on their way: `verb` is fetch or push; gives a function that is told how many more came."""
        yield lambda size: None


class Plain(Quiet):
    """A line for everything that is built."""

    def finished(self, outcome: Outcome) -> None:
        if outcome.status == "built":
            print(f"built  {outcome.node}  {outcome.seconds:.2f} s", file=sys.stderr, flush=True)
            for text in outcome.warnings:
                self.note(f"warning: {outcome.node}: {text}")

    def failed(self, node: Node, error: StackbuildError) -> None:
        print(f"failed {node}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(one_line(text), file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def transfer(self, verb: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
        start = time.monotonic()
        yield lambda size: None
        sys.stderr.write(f"{verb}  {_transferred(name, size, start)}\n")  # in one piece: threads write
        sys.stderr.flush()


class Live(Quiet):
    """What is being built and the bytes on their way, changing; a lasting line for all that is done."""

    def __init__(self) -> None:
        from rich.console import Console, Group
        from rich.live import Live as Display
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
        from rich.spinner import Spinner

        self._console = Console(stderr=True, highlight=False)
        self._running: dict[Node, None] = {}
        self._done = 0
        self._lock = threading.Lock()
        self._spinner = Spinner("dots", "planning")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(24),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
        )
        self._bytes = Progress(*columns, console=self._console)
        shown = Group(self._spinner, self._bytes)
        self._display = Display(shown, console=self._console, transient=True, refresh_per_second=8)
        self._display.start()

    def _update(self) -> None:
        names = ", ".join(str(node.address) for node in list(self._running)[:3])
        more = f" and {len(self._running) - 3} more" if len(self._running) > 3 else ""
        self._spinner.update(text=_plain(f"{self._done} done  {names}{more}"))

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
                for text in outcome.warnings:
                    shown = _plain(f"{outcome.node}: {text}")
                    self._console.print(f"[yellow]warning:[/] {shown}")
            self._update()

    def failed(self, node: Node, error: StackbuildError) -> None:
        with self._lock:
            self._running.pop(node, None)
            self._console.print(f"[red]failed[/] {_plain(node)}")
            self._update()

    def note(self, text: str) -> None:
        self._console.print(_plain(text))

    @contextlib.contextmanager
    def transfer(self, verb: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
        start = time.monotonic()
        task = self._bytes.add_task(f"{verb}  {_plain(name[:19])}", total=size)
        try:
            yield lambda more: self._bytes.advance(task, more)
        finally:
            self._bytes.remove_task(task)
        self._console.print(f"[green]{verb}[/]  {_plain(_transferred(name, size, start))}")

    def close(self) -> None:
        self._display.stop()


def _transferred(name: str, size: int, start: float) -> str:
    rate = size / max(time.monotonic() - start, 0.001)
    return f"{one_line(name[:19])}  {size_text(size)}  {size_text(round(rate))}/s"


def choose(mode: str) -> Quiet:
    """The progress for "auto", "plain" or "none"."""
    if mode == "none":
        return Quiet()
    return Live() if mode == "auto" and sys.stderr.isatty() else Plain()


def _plain(what: object) -> str:
    """A text as rich prints it: a "[" in it is no markup, and nothing in it drives the terminal."""
    from rich.markup import escape

    return escape(one_line(str(what)))
