"""Recorded spans, made small enough for a page: who lies in whom, what each kind of work took."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...trace import Span
from ..chrome import facts_of

MOST = 40_000  # spans that a page shows: 2 MB, and quick to draw


@dataclass
class Nested:
    """A span in its place. start, length: ns; depth: how many spans of its thread it lies in; own: ns that
    no inner span accounts for."""

    span: Span
    start: int
    length: int
    depth: int
    own: int


@dataclass
class _Table:
    """Words that come often, each kept once."""

    words: dict[str, int] = field(default_factory=dict)

    def number(self, word: str) -> int:
        return self.words.setdefault(word, len(self.words))


def nested(spans: Sequence[Span], now: int) -> dict[tuple[str, int], list[Nested]]:
    """Of each thread, its spans in the order they began; those still open end now."""
    threads: dict[tuple[str, int], list[Nested]] = defaultdict(list)
    around: dict[tuple[str, int], list[Nested]] = defaultdict(list)
    for span in spans:
        above = around[span.thread]
        while above and above[-1].start + above[-1].length <= span.start:
            above.pop()
        length = (span.end or now) - span.start
        found = Nested(span, span.start, length, len(above), length)
        if above:
            above[-1].own -= length
        above.append(found)
        threads[span.thread].append(found)
    return threads


def work(found: Iterable[Nested]) -> list[list[Any]]:
    """What each kind of work took: [name, times, µs, µs without the work inside], the most first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for item in found:
        entry = sums[item.span.name]
        entry[0] += 1
        entry[1] += item.length
        entry[2] += item.own
    rows = [[name, times, total // 1000, own // 1000] for name, (times, total, own) in sums.items()]
    return sorted(rows, key=lambda row: (-row[3], row[0]))


def lanes(threads: dict[tuple[str, int], list[Nested]], began: int) -> dict[str, Any]:
    """The timeline: threads, and rows [thread, depth, name, µs from the start, µs, facts] of the longest
    spans; names and facts are numbers of words."""
    every = [(lane, item) for lane, items in enumerate(threads.values()) for item in items]
    kept = every if len(every) <= MOST else heapq.nlargest(MOST, every, key=lambda pair: pair[1].length)
    words = _Table()
    rows = [
        [
            lane,
            item.depth,
            words.number(item.span.name),
            (item.start - began) // 1000,
            item.length // 1000,
            words.number(_facts(item.span)),
        ]
        for lane, item in kept
    ]
    names = [name for name, _ in threads]
    return {"threads": names, "rows": rows, "words": list(words.words), "left_out": len(every) - len(kept)}


def _facts(span: Span) -> str:
    facts = facts_of(span)
    return ", ".join(
        f"{value:,} {name}" if isinstance(value, int) else str(value) for name, value in facts.items()
    )
