"""What `why` found, in words and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from ...declare.address import Address
from ..plan import Node
from .compare import Comparison
from .roots import RootCause

_LONGEST_WAY = 8  # targets of a way that are shown


def as_json(found: Comparison) -> dict[str, Any]:
    """The object that `why --json` prints."""
    answer = found.answer
    document: dict[str, Any] = {
        "against": {"kind": found.kind, "name": found.name},
        "targets": [{**_named(node), "status": answer.states[node].status} for node in answer.asked],
        "causes": [_cause(root) for root in answer.causes],
        "carried": [_named(node) for node in answer.carried],
        "not_compared": dict(answer.troubles),
    }
    if found.kind == "record":
        document["keys"] = [{**_named(node), "same": same} for node, same in found.keys.items()]
        document["machine"] = {
            name: {"there": there, "here": here} for name, (there, here) in found.machine.items()
        }
    return document


def _cause(root: RootCause) -> dict[str, Any]:
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
    if not answer.asked:
        return []
    told = [_headline(found)]
    for root in answer.causes[:most]:
        told += _told(root)
    if len(answer.causes) > most:
        told.append(f"and {len(answer.causes) - most} more causes (--all shows them)")
    only = {node.address for node in answer.carried}
    only -= {node.address for root in answer.causes for node in root.nodes}
    if len(answer.asked) == 1:
        only -= {answer.asked[0].address}
    if only:
        told.append(f"and {_count(len(only), 'target')} more only because of that")
    told += _record_lines(found)
    for name, trouble in list(answer.troubles.items())[:most]:
        told.append(f"not compared whole: {name}: {trouble}")
    return told


def _headline(found: Comparison) -> str:
    answer, one = found.answer, len(found.answer.asked) == 1
    everything = {node.address for node in answer.states}
    waiting = {node.address for node, state in answer.states.items() if state.status != "reused"}
    changed = {node.address for root in answer.causes for node in root.nodes}
    changed |= {node.address for node in answer.carried}

    def subject(some: Collection[Address]) -> str:
        if one:
            return f"{answer.asked[0].address} is"
        if len(some) == len(everything):
            return f"all {_count(len(some), 'target')} are"
        return f"{len(some)} of {_count(len(everything), 'target')} {'is' if len(some) == 1 else 'are'}"

    if found.kind == "build" and waiting:
        return f"{subject(waiting)} to be built:"
    if found.kind == "build":
        history = "; what changed since the build before:"
        rest = history if answer.causes else ", and no earlier build is known"
        return f"{subject(everything)} up to date{rest}"
    if answer.causes:
        return f"{subject(changed)} different from {found.name}:"
    rest = ", as far as they could be compared" if answer.troubles else ""
    return f"{subject(everything)} the same as {'in' if found.kind == 'record' else 'at'} {found.name}{rest}"


def _told(root: RootCause) -> list[str]:
    """A cause, the way to it, and who else has it or is reached by it."""
    nearest = root.way[-1].address
    way = list(dict.fromkeys(str(node.address) for node in root.way if node.address != nearest))
    if len(way) > _LONGEST_WAY:
        way[2:-2] = [f"… {len(way) - 4} more …"]
    end = _variants([node for node in root.nodes if node.address == nearest])
    told = [root.text + (f"  ({root.where})" if root.where else "")]
    told.append("    " + " -> ".join([*way, end]))
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


def _record_lines(found: Comparison) -> Iterator[str]:
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
    broken = any(root.cause.kind == "result" for root in found.answer.causes)
    if same == total and not broken:
        text += ", so the digests must be" + (f"; {missing} not built here" if missing else ", and are")
    yield text
    if broken:
        yield (
            "the same key has one result: report this, with the record; "
            "'stackbuild store check' finds what is damaged here"
        )
    if found.machine:
        facts = (f"{name} ({there} -> {here})" for name, (there, here) in found.machine.items())
        yield f"the machines differ in {', '.join(facts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
