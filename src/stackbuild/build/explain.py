"""Why a target is, or is not, rebuilt: the wordy reader of the recipe that the key hashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..keys import differences
from .plan import Node, Plan
from .run import Builder, Outcome


@dataclass(frozen=True)
class Reason:
    """status: `reused`, `built`, or `unknown` when a dependency must be built first."""

    node: Node
    status: str
    causes: list[str]


def causes(before: Any, after: Any) -> list[str]:
    """In words, what makes two recipes of one target differ."""
    seen: dict[str, None] = {}
    found = list(differences(before, after))
    others = any(path[:3] == ("inputs", "from", "packages") for path, _, _ in found)
    for path, old, new in found:
        if others and path == ("inputs", "from", "said"):
            continue  # of other packages, other things are said
        if path == ("needs",) and sorted(old or ()) != sorted(new or ()):
            continue  # some field names others; that is the cause
        seen.setdefault(_cause(path, old, new))
    return list(seen)


def _change(old: Any, new: Any) -> str:
    return "added" if old is None else "removed" if new is None else "changed"


def _cause(path: tuple[str, ...], old: Any, new: Any) -> str:
    match path:
        case ("inputs", "from", "files", name):
            return f"file {name} {_file_change(old, new)}"
        case ("inputs", "from", "packages", name):
            return f"package {name} {_version(old)} -> {_version(new)}"
        case ("inputs", "from", "said"):
            return "what is said of its packages changed (licenses, URLs, dependencies)"
        case ("inputs", "from", "base"):
            return "the packages of the base changed"
        case ("inputs", "from", "archive"):
            return "the archive changed"
        case ("inputs", "image"):
            return f"the base image changed: {_short(old)} -> {_short(new)}"
        case ("inputs", "from", "mtime") | ("inputs", "epoch"):
            return f"the time of its entries changed: {old} -> {new}"
        case ("inputs", "codec"):
            return f"the compressor changed: {old} -> {new}"
        case ("inputs", "writer"):
            return f"the layer writer changed: {old} -> {new}"
        case ("fields", *names):
            return f"field {'.'.join(names)} changed: {_short(old)} -> {_short(new)}"
        case ("needs",):
            return "the order of its dependencies changed"
        case ("results", name, *_):
            return f"dependency {name} {_change(old if len(path) == 2 else 0, new if len(path) == 2 else 0)}"
        case ("version" | "recipe" | "type", *_):
            return "the rule that builds it changed"
        case _:
            return f"{'.'.join(path)} {_change(old, new)}"


def _file_change(old: Any, new: Any) -> str:
    if isinstance(old, str) and isinstance(new, str):
        old_mode, _, old_bytes = old.partition(" ")
        new_mode, _, new_bytes = new.partition(" ")
        if "link" in (old_mode, new_mode):
            return f"changed: {old} -> {new}" if old_mode == new_mode else "changed its kind"
        if old_bytes == new_bytes:
            return f"changed mode: {old_mode} -> {new_mode}"
    return _change(old, new)


def _version(value: Any) -> str:
    """The version in a package's mark, "version digest"."""
    return "none" if value is None else str(value).rpartition(" ")[0]


def _short(value: Any) -> str:
    text = "none" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


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
    return _against(builder, outcome.before, outcome.recipe)


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
