"""The report of a build as one self-contained page."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from itertools import chain
from typing import Any

from ...build.plan import Node, Plan
from ...errors import StackbuildError, one_line
from ...pages import page as write
from ...pages import part
from ...trace import Recorder
from ..afterwards import afterwards
from ..events import status_of
from .collect import Collector, Seen
from .spans import lanes, nested, work


@contextlib.contextmanager
def reporting(
    path: str, command: str, recorder: Recorder, note: Callable[[str], None]
) -> Iterator[Collector]:
    """The listener for a block that `--report`'s page tells of, however it ends. Raises as `afterwards`."""
    collector = Collector()
    with afterwards("--report", path, lambda error: page(command, collector, recorder, error), note):
        yield collector


def page(command: str, collector: Collector, recorder: Recorder, error: BaseException | None) -> bytes:
    """The page of a build that ended with `error`, if any. command: as typed."""
    found = report(command, collector, recorder, error)
    title, body = f"{command} – build report", part(__package__, "body.html")
    return write(__package__, title, body, found, ("timeline", "report")).encode()


def report(
    command: str, collector: Collector, recorder: Recorder, error: BaseException | None
) -> dict[str, Any]:
    """What the page shows, as plain data; times in µs from the start."""
    now = time.monotonic_ns()
    threads = nested(recorder.spans(), now)
    targets = dict(collector.targets)  # after an interruption, threads may still add to it
    numbers = {node: number for number, node in enumerate(targets)}
    lasted = datetime.timedelta(microseconds=(now - recorder.began) // 1000)
    return {
        "command": command,
        "stackbuild": version("stackbuild"),
        "started": (datetime.datetime.now(datetime.UTC) - lasted).isoformat(timespec="seconds"),
        "status": status_of(error),
        "total": (now - recorder.began) // 1000,
        "errors": _errors(error),
        "notes": collector.notes,
        "targets": [_row(seen, recorder.began) for seen in targets.values()],
        "critical": [numbers[node] for node in critical_path(collector.plan, targets)],
        "images": collector.images,
        "timeline": {**lanes(threads, recorder.began), "lost": recorder.lost},
        "work": work(chain.from_iterable(threads.values())),
    }


def _errors(error: BaseException | None) -> list[str]:
    if isinstance(error, StackbuildError):
        return error.lines()
    return [one_line(f"{type(error).__name__}: {error}")] if isinstance(error, Exception) else []


def _row(seen: Seen, began: int) -> dict[str, Any]:
    fields: Mapping[str, Any] = vars(seen)
    shown = ("name", "status", "size", "layers", "causes", "warnings", "errors")
    found = {name: fields[name] for name in shown}
    return {
        **found,
        "type": seen.type_name,
        "start": (seen.start - began) // 1000,
        "time": round(seen.seconds * 1e6),
    }


def critical_path(plan: Plan | None, targets: Mapping[Node, Seen]) -> list[Node]:
    """The chain of targets, each needing the one before, that took the longest: no build is quicker."""
    if plan is None:
        return []
    longest: dict[Node, float] = {}
    through: dict[Node, Node | None] = {}
    for node in plan.order():
        if seen := targets.get(node):
            needs = [need for need in plan.needs[node] if need in longest]
            before = max(needs, key=longest.__getitem__, default=None)
            longest[node] = seen.seconds + (longest[before] if before else 0.0)
            through[node] = before
    path: list[Node] = []
    at = max(longest, key=longest.__getitem__, default=None)
    while at is not None:
        path.append(at)
        at = through[at]
    return path[::-1]
