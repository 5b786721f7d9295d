"""What the present is compared with: the build before, a git revision, or a record of another machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from ...frozen import frozen
from ..plan import Node, Plan
from ..run import Builder
from .past import Builds
from .record import SUFFIX, Recorded, machine, shared, shared_key
from .revision import Revision
from .roots import Answer, explain_causes
from .survey import Survey, survey


@frozen
class Comparison:
    """answer: the causes; kind: `build`, `revision` or `record`; name: of what the present is compared with;
    keys: node -> whether it has the key that the record says, None while it has none; machine: fact ->
    (there, here), of those that differ."""

    answer: Answer
    kind: str
    name: str
    keys: Mapping[Node, bool | None] = field(default_factory=dict)
    machine: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def compare(builder: Builder, plan: Plan, against: str | None) -> Comparison:
    """Compare targets with the build before, with a git revision, or with a record, which ends in ".json".

    Builds nothing. Raises StackbuildError.
    """
    records = builder.store.records

    def last_result(node: Node) -> Any | None:
        key = records.latest(builder.name(node))
        return builder.lookup(key) if key else None

    if against is not None and against.endswith(SUFFIX):
        recorded = Recorded(Path(against), builder)
        recorded.check_knows(plan.roots)
        return _with_record(builder, plan, survey(builder, plan, last_result), recorded)
    states = survey(builder, plan, last_result)
    if against is None:
        answer = explain_causes(builder, plan, states, Builds(builder), building=True)
        return Comparison(answer, "build", "the build before")
    revision = Revision(builder, plan, states, against)
    answer = explain_causes(builder, plan, states, revision)
    answer = replace(answer, troubles={**answer.troubles, **revision.troubles})
    return Comparison(answer, "revision", revision.name)


def _with_record(builder: Builder, plan: Plan, states: Survey, recorded: Recorded) -> Comparison:
    states = {
        node: replace(state, recipe=shared(state.recipe), result=shared(state.result))
        for node, state in states.items()
    }
    keys = {
        node: shared_key(state.recipe) == recorded.key(node) if state.key else None
        for node, state in states.items()
    }
    ours, theirs = machine(builder), recorded.machine
    facts = {
        name: (theirs.get(name, "unknown"), here) for name, here in ours.items() if theirs.get(name) != here
    }
    answer = explain_causes(builder, plan, states, recorded)
    return Comparison(answer, "record", recorded.name, keys, facts)
