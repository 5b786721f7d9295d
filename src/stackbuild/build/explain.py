"""Why a target is, or is not, rebuilt: the wordy reader of the recipe that the key hashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..frozen import frozen
from .plan import Node, Plan
from .run import Builder, Outcome
from .why.causes import differing, sentence


@frozen
class Reason:
    """status: `reused`, `built`, or `unknown` when a dependency must be built first."""

    node: Node
    status: str
    causes: list[str]


def causes(before: Any, after: Any) -> list[str]:
    """In words, what makes two recipes of one target differ."""
    return list(dict.fromkeys(map(sentence, differing(before, after))))


def _against(builder: Builder, key: str | None, recipe: Any) -> list[str]:
    if key is None:
        return ["never built before"]
    record = builder.store.records.load(key)
    return causes(record.recipe, recipe) if record else ["the record of the build before is gone"]


def explain_outcome(builder: Builder, outcome: Outcome) -> list[str]:
    """Why a node was just built, if it was, and what is to be known of its result."""
    return [*outcome_causes(builder, outcome), *(f"warning: {text}" for text in outcome.warnings)]


def outcome_causes(builder: Builder, outcome: Outcome) -> list[str]:
    """Why a node was just built, if it was."""
    if outcome.status == "reused":
        return []
    if outcome.before == outcome.key:
        return ["its blob is missing or damaged"]
    made = builder.store.records.load(outcome.key) if outcome.before else None
    return _against(builder, outcome.before, made.recipe if made else {})


def explain_plan(builder: Builder, plan: Plan) -> Iterator[Reason]:
    """For each node, what a build would do now, without building; needs come first."""
    results: dict[Node, Any] = {}
    with builder.store.shared():
        for node in plan.order():
            open_needs = [need for need in plan.needs[node] if need not in results]
            if open_needs:
                yield Reason(
                    node, "unknown", [f"depends on {need}, which is built first" for need in open_needs]
                )
                continue
            _, recipe, key = builder.prepare(node, results, plan)
            latest = builder.store.records.latest(builder.name(node))
            if (result := builder.lookup(key)) is not None:
                results[node] = result
                yield Reason(node, "reused", _history(builder, node, key))
            elif latest == key:
                yield Reason(node, "built", ["its blob is missing or damaged"])
            else:
                yield Reason(node, "built", _against(builder, latest, recipe))
        builder.store.fingerprints.save()


def _history(builder: Builder, node: Node, key: str) -> list[str]:
    """What made a node that is up to date differ from the build before it."""
    before = builder.store.records.before(builder.name(node))
    record, older = builder.store.records.load(key), builder.store.records.load(before) if before else None
    if not record or not older or older.key == key:
        return []
    return [f"last built: {cause}" for cause in causes(older.recipe, record.recipe)]
