"""Questions about the graph: what a target depends on, and what depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from ..declare.address import Address
from .load import TargetGraph

T = TypeVar("T", bound=Hashable)


def dependencies(graph: TargetGraph, wanted: Sequence[Address], *, transitive: bool) -> list[Address]:
    """What the targets depend on, without themselves."""
    return _neighbours(graph.needs, wanted, transitive)


def dependents(graph: TargetGraph, wanted: Sequence[Address], *, transitive: bool) -> list[Address]:
    """What depends on the targets, without themselves; of all that is loaded."""
    return _neighbours(reverse(graph.needs), wanted, transitive)


def _neighbours(
    edges: Mapping[Address, Sequence[Address]], wanted: Sequence[Address], transitive: bool
) -> list[Address]:
    found = {other for address in wanted for other in edges[address]}
    return sorted((reached(edges, found) if transitive else found) - set(wanted))


def reached(edges: Mapping[T, Iterable[T]], starts: Iterable[T]) -> set[T]:
    """The starts, and all that edges lead to from there."""
    found: set[T] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += edges[node]
    return found


def reverse(edges: Mapping[T, Iterable[T]]) -> dict[T, list[T]]:
    """Every edge the other way round, once."""
    found: dict[T, list[T]] = {node: [] for node in edges}
    for node, others in edges.items():
        for other in dict.fromkeys(others):
            found[other].append(node)
    return found


def paths(graph: TargetGraph, start: Address, end: Address) -> Iterator[list[Address]]:
    """Every way from one target down to another, the shortest first, found one after the other."""
    import networkx as nx

    with contextlib.suppress(nx.NetworkXNoPath):
        yield from nx.shortest_simple_paths(graph.edges, start, end)
