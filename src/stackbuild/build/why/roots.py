"""The shortest cause of each rebuild: from the targets that were asked about down to what a person changed.

Nodes are walked from the top, each beside the past that the node above it was built from. A need whose result
is the same as then is not entered; what differs in a node's own recipe is a cause; what only passes on the
difference of a need is none.
"""

from __future__ import annotations

import functools
import operator
import os
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import Position, one_line
from ...frozen import frozen
from ..plan import Node, Plan
from ..run import Builder
from .causes import Cause, differing, words
from .past import Before, Past
from .survey import State, Survey

_LONGEST = 500  # characters of a cause, whose names may come from elsewhere


@dataclass
class RootCause:
    """A cause, once for all who have it.

    way: from a target that was asked about to the nearest node that has it; nodes: all that have it, the
    nearest first; reached: the targets asked about that it reaches.
    """

    cause: Cause
    text: str
    where: Position | None
    way: list[Node]
    nodes: list[Node] = field(default_factory=list)
    reached: list[Node] = field(default_factory=list)


@frozen
class Answer:
    """asked: the uppermost targets that were asked about; states: of all nodes; causes: those that reach
    most first; carried: nodes that differ only because of a need; troubles: nodes that could not be
    compared whole, and why."""

    asked: list[Node]
    states: Survey
    causes: list[RootCause]
    carried: list[Node]
    troubles: Mapping[str, str]


def explain_causes(
    builder: Builder, plan: Plan, states: Survey, before: Before, *, building: bool = False
) -> Answer:
    """Why the targets that a plan is for differ from `before`.

    building: only those that are to be built are asked about, where there are any.
    """
    asked = [node for node in dict.fromkeys(plan.roots) if not plan.users[node]]
    waiting = [node for node in asked if building and states[node].status != "reused"]
    starts = waiting or asked
    walk = _Walk(builder, plan, states, before)
    walk.run(starts)
    causes, carried = walk.found(starts)
    troubles = {str(node): state.trouble for node, state in states.items() if state.trouble}
    return Answer(asked, states, causes, carried, troubles)


_Place = tuple[Node, Hashable]


class _Walk:
    """Of each node with one of its pasts: the causes that it has itself, and where the walk went from it."""

    def __init__(self, builder: Builder, plan: Plan, states: Survey, before: Before) -> None:
        self._builder, self._plan, self._states, self._before = builder, plan, states, before
        self._causes: dict[_Place, list[Cause]] = {}
        self._next: dict[_Place, list[_Place]] = {}
        self._from: dict[_Place, _Place | None] = {}

    def run(self, starts: Iterable[Node]) -> None:
        """Walk breadth first, so that the way by which a place is found is the shortest."""
        waiting: deque[tuple[_Place, State, Past]] = deque()

        def enter(state: State, past: Past | Cause | None, origin: _Place | None) -> None:
            if past is None:
                return
            place = (state.node, past.mark if isinstance(past, Past) else past)
            if origin is not None:
                self._next[origin].append(place)
            if place in self._from:
                return
            self._from[place], self._next[place] = origin, []
            if isinstance(past, Past):
                waiting.append((place, state, past))
            else:
                self._causes[place] = [past]

        for node in starts:
            enter(self._states[node], self._before.of(self._states[node]), None)
        while waiting:
            place, state, past = waiting.popleft()
            changed = self._changed_needs(state, past)
            self._causes[place] = self._own(state, past, changed)
            for need in changed:
                enter(need, self._before.need(past, need), place)

    def _changed_needs(self, state: State, past: Past) -> list[State]:
        """The needs that both have, unless their results are known to be the same."""
        needs = [self._states[need] for need in dict.fromkeys(self._plan.needs[state.node])]
        return [
            need
            for need in needs
            if str(need.node) in past.results
            and (need.result is None or past.results[str(need.node)] != need.result)
        ]

    def _own(self, state: State, past: Past, changed: Sequence[State]) -> list[Cause]:
        """The causes that a node has itself, not through a need."""
        skipped = {"results"}
        if "inputs" not in state.recipe or "inputs" not in past.recipe:
            skipped.add("inputs")
        before, after = (
            {name: value for name, value in recipe.items() if name not in skipped}
            for recipe in (past.recipe, state.recipe)
        )
        if before["type"] != after["type"]:
            return [Cause("field", ("type",), before["type"], after["type"])]
        causes = differing(before, after)
        found = [cause for cause in causes if not self._follows(cause, causes, state.node, changed)]
        if found:
            return found
        gone = [name for name in before["needs"] if name not in after["needs"]]
        come = [name for name in after["needs"] if name not in before["needs"]]
        if gone or come:
            removed = [Cause("dependency", (name,), True, None) for name in gone]
            return removed + [Cause("dependency", (name,), None, True) for name in come]
        if state.status == "built" and state.key == past.key:
            return [Cause("damaged")]
        if not changed and state.result is not None and past.result not in (None, state.result):
            return [Cause("result", (), *_first_difference(past.result, state.result))]
        return []

    def _follows(self, cause: Cause, causes: Sequence[Cause], node: Node, changed: Sequence[State]) -> bool:
        """Whether a difference only comes with another that is named."""
        fields = [other for other in causes if other.kind == "field"]
        match cause.kind:
            case "file" if cause.change != "changed":
                declaration = self._builder.graph.declarations[node.address]
                finding = self._builder.types[declaration.type_name].finding
                return self._is_there(node, cause) and any(field.path[0] in finding for field in fields)
            case "under":
                return bool(changed)
            case "order":
                return bool(fields)
            case "time":
                return any(field.path == cause.path for field in fields)
            case _:
                return False

    def _is_there(self, node: Node, cause: Cause) -> bool:
        """Whether a file that came or went is in the tree."""
        root = self._builder.graph.packages.workspace.root
        return os.path.lexists(root / node.address.folder / cause.name)

    def found(self, starts: Sequence[Node]) -> tuple[list[RootCause], list[Node]]:
        """The causes, and the nodes that only pass some on."""
        rank = {node: number for number, node in enumerate(self._plan.order())}
        places = sorted(self._from, key=lambda place: -rank[place[0]])  # users before what they need
        bits = {node: 1 << number for number, node in enumerate(starts)}
        reach = {place: bits[place[0]] if self._from[place] is None else 0 for place in places}
        for place in places:
            for other in self._next[place]:
                reach[other] |= reach[place]
        reasons: set[_Place] = set()
        carried: set[Node] = set()
        for place in reversed(places):
            if self._causes[place]:
                reasons.add(place)
            elif any(other in reasons for other in self._next[place]):
                reasons.add(place)
                carried.add(place[0])
        return self._gathered(starts, reach), sorted(carried, key=str)

    def _gathered(self, starts: Sequence[Node], reach: Mapping[_Place, int]) -> list[RootCause]:
        found: dict[tuple[str, Position | None], RootCause] = {}
        places: dict[tuple[str, Position | None], list[_Place]] = {}
        for place in self._from:  # the nearest first
            node = place[0]
            for cause in self._causes[place]:
                text, where = one_line(words(cause, node.address.folder))[:_LONGEST], self._where(node, cause)
                if (text, where) not in found:
                    found[text, where] = RootCause(cause, text, where, self._way(place))
                places.setdefault((text, where), []).append(place)
        for name, root in found.items():
            root.nodes = list(dict.fromkeys(place[0] for place in places[name]))
            bits = functools.reduce(operator.or_, (reach[place] for place in places[name]))
            root.reached = _members(starts, bits)
        return sorted(
            found.values(), key=lambda root: (-len(root.reached), len(root.way), -len(root.nodes), root.text)
        )

    def _way(self, place: _Place) -> list[Node]:
        way, at = [], place
        while True:
            way.append(at[0])
            origin = self._from[at]
            if origin is None:
                return way[::-1]
            at = origin

    def _where(self, node: Node, cause: Cause) -> Position | None:
        """Where a field that differs is written: in the target, or in the defaults that reach it."""
        declaration = self._builder.graph.declarations[node.address]
        if cause.kind != "field" or not cause.path or cause.path[0] not in declaration.places:
            return None
        return declaration.position(cause.path)


def _members(starts: Sequence[Node], bits: int) -> list[Node]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(starts[lowest.bit_length() - 1])
        bits ^= lowest
    return found


def _first_difference(before: Any, after: Any) -> tuple[Any, Any]:
    """The first digests in which two results differ, else the results."""
    pairs = zip(_digests(before), _digests(after), strict=False)
    return next(((old, new) for old, new in pairs if old != new), (before, after))


def _digests(result: Any) -> list[str]:
    if isinstance(result, Mapping):
        own = [result[name] for name in ("digest", "diff_id") if isinstance(result.get(name), str)]
        return own + [digest for value in result.values() for digest in _digests(value)]
    return [digest for value in result for digest in _digests(value)] if isinstance(result, list) else []
