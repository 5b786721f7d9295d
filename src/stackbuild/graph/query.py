"""Questions about the graph: what a target depends on, and what depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import networkx as nx

from ..declare.address import Address
from .load import TargetGraph


def dependencies(graph: TargetGraph, wanted: Sequence[Address], *, transitive: bool) -> list[Address]:
    """What the targets depend on, without themselves."""
    return _neighbours(graph.edges, wanted, transitive)


def dependents(graph: TargetGraph, wanted: Sequence[Address], *, transitive: bool) -> list[Address]:
    """What depends on the targets, without themselves; of all that is loaded."""
    return _neighbours(graph.edges.reverse(copy=False), wanted, transitive)


def _neighbours(edges: nx.DiGraph[Address], wanted: Sequence[Address], transitive: bool) -> list[Address]:
    found: set[Address] = set()
    for address in wanted:
        found |= set(nx.descendants(edges, address) if transitive else edges.successors(address))
    return sorted(found - set(wanted))


def paths(graph: TargetGraph, start: Address, end: Address) -> Iterator[list[Address]]:
    """Every way from one target down to another, the shortest first, found one after the other."""
    with contextlib.suppress(nx.NetworkXNoPath):
        yield from nx.shortest_simple_paths(graph.edges, start, end)
