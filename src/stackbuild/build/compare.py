"""What `why` compares with what, and what it has to say then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import one_line
from .plan import Node, Plan
from .record import SUFFIX, Recorded, machine, shared, shared_key
from .revision import Revision
from .run import Builder
from .survey import Survey, survey
from .why import Answer, Builds, Root, explain_causes


@dataclass(frozen=True)
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
        return Comparison(explain_causes(builder, plan, states, Builds(builder)), "build", "the build before")
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
        name: (theirs.get(name, "none"), ours.get(name, "none"))
        for name in sorted({*ours, *theirs})
        if theirs.get(name) != ours.get(name)
    }
    answer = explain_causes(builder, plan, states, recorded)
    return Comparison(answer, "record", recorded.name, keys, facts)


def as_json(found: Comparison) -> dict[str, Any]:
    """The object that `why --json` prints."""
    answer = found.answer
    document: dict[str, Any] = {
        "against": {"kind": found.kind, "name": found.name},
        "targets": [{**_named(node), "status": answer.states[node].status} for node in answer.asked],
        "causes": [_cause(root) for root in answer.roots],
        "carried": [_named(node) for node in answer.carried],
        "not_compared": dict(answer.troubles),
    }
    if found.kind == "record":
        document["keys"] = [{**_named(node), "same": same} for node, same in found.keys.items()]
        document["machine"] = {
            name: {"there": there, "here": here} for name, (there, here) in found.machine.items()
        }
    return document


def _cause(root: Root) -> dict[str, Any]:
    return {
        "kind": root.cause.kind,
        "name": root.cause.name,
        "change": root.cause.change,
        "old": root.cause.old,
        "new": root.cause.new,
        "text": root.text,
        "where": str(root.where) if root.where else None,
        "way": [str(node) for node in root.way],
        "nodes": [_named(node) for node in root.nodes],
        "reaches": [str(node) for node in root.reached],
    }


def _named(node: Node) -> dict[str, str]:
    return {"target": str(node.address), "variant": str(node.variant)}


def lines(found: Comparison, most: int) -> list[str]:
    """The same for people. most: causes to show."""
    answer = found.answer
    told = [_headline(found)]
    for root in answer.roots[:most]:
        told += _told(root)
    if len(answer.roots) > most:
        told.append(f"and {len(answer.roots) - most} more causes (--all shows them)")
    only = {node.address for node in answer.carried}
    only -= {node.address for root in answer.roots for node in root.nodes}
    if only:
        told.append(f"and {_count(len(only), 'target')} more only because of that")
    told += _record_lines(found)
    for name, trouble in list(answer.troubles.items())[:most]:
        told.append(f"not compared whole: {name}: {trouble}")
    return [one_line(line) for line in told]


def _headline(found: Comparison) -> str:
    answer = found.answer
    everything = {node.address for node in answer.states}
    one = str(answer.asked[0].address) if len(answer.asked) == 1 else ""
    if found.kind != "build":
        at = f"{'in' if found.kind == 'record' else 'at'} {found.name}"
        if not answer.roots:
            subject = f"{one} is" if one else f"all {_count(len(everything), 'target')} are"
            return f"{subject} made of the same as {at}"
        differing = {node.address for root in answer.roots for node in root.nodes}
        differing |= {node.address for node in answer.carried}
        subject = f"{one} is" if one else f"{len(differing)} of {_count(len(everything), 'target')} are"
        return f"{subject} not what they were {at}:" if not one else f"{subject} not what it was {at}:"
    waiting = {node.address for node, state in answer.states.items() if state.status != "reused"}
    if waiting:
        count = f"{len(waiting)} of {_count(len(everything), 'target')}"
        return f"{one} is to be built:" if one else f"{count} are to be built:"
    subject = f"{one} is" if one else f"all {_count(len(everything), 'target')} are"
    if answer.roots:
        return f"{subject} up to date; what changed with the last build:"
    return f"{subject} up to date, and no earlier build is known"


def _told(root: Root) -> list[str]:
    """A cause, the way to it, and who else has it or is reached by it."""
    nearest = root.way[-1].address
    way = [str(node.address) for node in root.way if node.address != nearest]
    end = _variants([node for node in root.nodes if node.address == nearest])
    told = [root.text + (f"  ({root.where})" if root.where else "")]
    told.append("    " + " -> ".join([*dict.fromkeys(way), end]))
    others = dict.fromkeys(str(node.address) for node in root.nodes if node.address != nearest)
    if others:
        told.append(f"    also in {_some(list(others))}")
    reached = dict.fromkeys(str(node.address) for node in root.reached if node != root.way[0])
    if more := [name for name in reached if name not in others]:
        told.append(f"    also reaches {_some(more)}")
    return told


def _variants(nodes: Sequence[Node]) -> str:
    """One target in its variants."""
    variants = "; ".join(str(node.variant) for node in nodes if str(node.variant))
    return f"{nodes[0].address} ({variants})" if variants else str(nodes[0].address)


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _record_lines(found: Comparison) -> Iterable[str]:
    """Whose keys are the same as in a record, and what follows from that."""
    if found.kind != "record":
        return
    total = len(found.keys)
    same = sum(1 for value in found.keys.values() if value)
    unknown = sum(1 for value in found.keys.values() if value is None)
    missing = sum(1 for state in found.answer.states.values() if state.result is None)
    text = f"{same} of {total} keys are the same"
    if unknown:
        text += f", {unknown} not known until what they need is built here"
    if same == total:
        text += ", so the digests must be" + (f"; {missing} not built here" if missing else ", and are")
    yield text
    if any(root.cause.kind == "result" for root in found.answer.roots):
        yield (
            "the same key has one result: report this, with the record; "
            "'stackbuild store check' finds what is damaged here"
        )
    if found.machine:
        facts = (f"{name} ({there} -> {here})" for name, (there, here) in found.machine.items())
        yield f"the machines differ in {', '.join(facts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
