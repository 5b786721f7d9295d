"""What apt would choose, walking from dependency to dependency: of alternatives the first that can be had, of
several providers the most important. It may be wrong where packages conflict; it is the wish, not the
answer."""

from __future__ import annotations

from collections.abc import Sequence

from .control import Relation
from .universe import Candidate, Universe
from .version import version_key

_PRIORITIES = ("required", "important", "standard", "optional", "extra")


def satisfies(version: str, relation: Relation) -> bool:
    """Whether a version is one that a relation asks for."""
    if not relation.op:
        return True
    ours, theirs = version_key(version), version_key(relation.version)
    return {
        "=": ours == theirs,
        "<<": ours < theirs,
        "<=": ours <= theirs,
        ">>": ours > theirs,
        ">=": ours >= theirs,
    }[relation.op] is True


def matches(relation: Relation, candidate: Candidate) -> bool:
    """Whether a candidate satisfies a relation by its name, or by something that it provides; what is
    provided
    without a version satisfies no relation with one (Policy, section 7.5)."""
    if candidate.name == relation.name:
        return satisfies(candidate.version, relation)
    return any(
        provided.name == relation.name
        and (not relation.op or (provided.op == "=" and satisfies(provided.version, relation)))
        for provided in candidate.provided()
    )


def best(relation: Relation, universe: Universe) -> Candidate | None:
    """What apt would install for a relation: the newest of that name, else the most important provider."""
    named = [item for item in universe.named(relation.name) if matches(relation, item)]
    if not named:
        found = [item for item in universe.providers(relation.name) if matches(relation, item)]
        first = min(((_priority(item), item.name) for item in found), default=None)
        named = [item for item in found if (_priority(item), item.name) == first]
    return max(named, key=lambda item: version_key(item.version), default=None)


def preferred(universe: Universe, wanted: Sequence[Relation], fields: Sequence[str]) -> list[Candidate]:
    """The packages that apt would add for some relations; fields: the dependencies that count."""
    chosen = dict(universe.installed)
    standing: dict[str, list[Candidate]] = {}
    waiting = [[relation] for relation in reversed(wanted)]

    def take(candidate: Candidate) -> None:
        chosen[candidate.name] = candidate
        for provided in candidate.provided():
            standing.setdefault(provided.name, []).append(candidate)

    def is_met(relation: Relation) -> bool:
        named = [chosen[relation.name]] if relation.name in chosen else []
        found = [*named, *standing.get(relation.name, ())]
        return any(matches(relation, candidate) for candidate in found)

    for candidate in universe.installed.values():
        take(candidate)
    while waiting:
        group = waiting.pop()
        if any(is_met(relation) for relation in group):
            continue
        offered = (best(relation, universe) for relation in group)
        found = next((item for item in offered if item is not None), None)
        if found is not None and (found.name not in chosen or found.name in universe.installed):
            take(found)
            waiting += reversed(found.groups(*fields))
    return [item for item in chosen.values() if universe.installed.get(item.name) is not item]


def _priority(candidate: Candidate) -> int:
    found = candidate.fields.get("Priority", "optional")
    return _PRIORITIES.index(found) if found in _PRIORITIES else len(_PRIORITIES)
