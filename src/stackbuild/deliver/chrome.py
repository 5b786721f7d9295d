"""What was recorded, in the form that chrome://tracing and Perfetto open.

Chrome's "Trace Event Format", JSON object form: "X" complete events, "M" metadata, "C" counters; times in µs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from itertools import accumulate
from typing import Any

from ..errors import one_line
from ..trace import Recorder, Span
from .afterwards import afterwards

_PROCESS = 1
Event = dict[str, Any]


def tracing(path: str, recorder: Recorder, note: Callable[[str], None]) -> AbstractContextManager[None]:
    """Write what is recorded of a block to `--trace`'s path, however it ends. Raises as `afterwards`."""
    return afterwards("--trace", path, lambda _: chrome_trace(recorder), note)


def chrome_trace(recorder: Recorder) -> bytes:
    """The file. Spans that are still open end now."""
    now, spans = time.monotonic_ns(), recorder.spans()
    threads = {thread: number for number, thread in enumerate(dict.fromkeys(s.thread for s in spans), 1)}
    events = [
        *_metadata(threads),
        *(_complete(span, threads[span.thread], recorder.began, now) for span in spans),
        *_counters(spans, recorder.began, now),
    ]
    about = {"stackbuild": version("stackbuild"), "lost": recorder.lost}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": about}).encode()


def facts_of(span: Span) -> dict[str, Any]:
    """A span's facts as plain data."""
    return {
        name: value if isinstance(value, int | float) else one_line(str(value))
        for name, value in span.facts.items()
    }


def _metadata(threads: Mapping[tuple[str, int], int]) -> Iterator[Event]:
    yield {
        "ph": "M",
        "name": "process_name",
        "pid": _PROCESS,
        "tid": 0,
        "args": {"name": f"stackbuild {version('stackbuild')}"},
    }
    for (name, _), number in threads.items():
        for kind, args in (("thread_name", {"name": name}), ("thread_sort_index", {"sort_index": number})):
            yield {"ph": "M", "name": kind, "pid": _PROCESS, "tid": number, "args": args}


def _complete(span: Span, thread: int, began: int, now: int) -> Event:
    return {
        "ph": "X",
        "name": span.name,
        "cat": "stackbuild",
        "pid": _PROCESS,
        "tid": thread,
        "ts": (span.start - began) / 1000,
        "dur": ((span.end or now) - span.start) / 1000,
        "args": facts_of(span),
    }


def _counters(spans: Sequence[Span], began: int, now: int) -> Iterator[Event]:
    """Targets under way, and bytes that arrived and left, as they change."""
    steps = [(span.start, 1) for span in spans if span.name == "target"]
    steps += [(span.end or now, -1) for span in spans if span.name == "target"]
    yield from _counter("targets under way", steps, began)
    for name, title in (("fetch", "bytes fetched"), ("push", "bytes pushed")):
        done = [
            (span.end, int(span.facts["bytes"]))
            for span in spans
            if span.name == name and span.end and "failed" not in span.facts
        ]
        yield from _counter(title, done, began)


def _counter(title: str, steps: Iterable[tuple[int, int]], began: int) -> Iterator[Event]:
    ordered = sorted(steps)
    totals = accumulate(step for _, step in ordered)
    for (when, _), total in zip(ordered, totals, strict=True):
        at = (when - began) / 1000
        yield {"ph": "C", "name": title, "pid": _PROCESS, "tid": 0, "ts": at, "args": {"value": total}}
