"""What each node of a plan is made of, found out without building any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from ...errors import StackbuildError
from ...frozen import frozen
from ..plan import Node, Plan
from ..run import Builder, stated


@frozen
class State:
    """A node as it is.

    status: `reused`, `built`, or `unknown` when something that it needs must be built first; recipe: without
    "inputs" when they could not be told; key, result: None while unknown; likely: the result, or one that may
    stand in for it; trouble: why there are no inputs.
    """

    node: Node
    status: Literal["reused", "built", "unknown"]
    recipe: Mapping[str, Any]
    key: str | None = None
    result: Any | None = None
    likely: Any | None = None
    trouble: str = ""


Survey = Mapping[Node, State]


def survey(
    builder: Builder, plan: Plan, spare: Callable[[Node], Any | None], *, forgiving: bool = False
) -> dict[Node, State]:
    """The state of every node, needs first.

    spare: a result that may stand in for one that is not known, so that what lies above can be looked at all
    the same; forgiving: a node that cannot be looked at has a trouble, instead of raising StackbuildError.
    """
    states: dict[Node, State] = {}
    with builder.store.shared(), replace(builder, pins=builder.pins.strict()) as careful:
        for node in plan.order():
            sure = all(states[need].result is not None for need in plan.needs[node])
            try:
                states[node] = _state(builder if sure else careful, node, plan, states, spare, sure=sure)
            except StackbuildError as error:
                if sure and not forgiving:
                    raise
                states[node] = _unseen(builder, node, plan, spare, error.lines()[0])
    return states


def _state(
    builder: Builder,
    node: Node,
    plan: Plan,
    states: Survey,
    spare: Callable[[Node], Any | None],
    *,
    sure: bool,
) -> State:
    likely = {need: states[need].likely for need in plan.needs[node]}
    if any(result is None for result in likely.values()):
        return _unseen(builder, node, plan, spare, "")
    _, recipe, key = builder.prepare(node, likely, plan)
    if not sure:
        return State(node, "unknown", recipe, likely=spare(node))
    if (result := builder.lookup(key)) is not None:
        return State(node, "reused", recipe, key, result, result)
    return State(node, "built", recipe, key, likely=spare(node))


def _unseen(
    builder: Builder, node: Node, plan: Plan, spare: Callable[[Node], Any | None], trouble: str
) -> State:
    return State(
        node, "unknown", stated(builder.graph, builder.types, plan, node), likely=spare(node), trouble=trouble
    )
