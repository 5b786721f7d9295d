"""The plan: every target in every variant that a request needs, and in what order."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..declare.address import Address
from ..declare.workspace import Workspace
from ..errors import DeclarationErrors, RequestError
from ..frozen import frozen
from ..graph.load import TargetGraph
from ..graph.query import reached, reverse
from ..targets.target import Need, TargetType, Variant
from ..trace import traced

Types = Mapping[str, TargetType[Any]]


@frozen
class Node:
    """A target in one variant (what Bazel calls a configured target)."""

    address: Address
    variant: Variant

    def __post_init__(self) -> None:
        text = f"{self.address} ({self.variant})" if str(self.variant) else str(self.address)
        object.__setattr__(self, "_hash", hash((self.address, self.variant)))
        object.__setattr__(self, "_text", text)

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]  # asked for a hundred times a node

    def __str__(self) -> str:
        return self._text  # type: ignore[attr-defined, no-any-return]


@dataclass
class Plan:
    """roots: what was asked for; needs: of each node, in the type's order."""

    roots: list[Node]
    needs: dict[Node, list[Node]]

    @functools.cached_property
    def users(self) -> dict[Node, list[Node]]:
        """Of each node, the nodes that need it."""
        return reverse(self.needs)

    def below(self, node: Node) -> Plan:
        """The plan for what a node needs."""
        inner = reached(self.needs, self.needs[node])
        return Plan(self.needs[node], {other: found for other, found in self.needs.items() if other in inner})

    def order(self) -> list[Node]:
        """Every node after all it needs; where that leaves a choice, the last by name first."""
        numbers = {node: number for number, node in enumerate(self.needs)}
        open_users = {node: len(users) for node, users in self.users.items()}
        free = [(str(node), numbers[node], node) for node, count in open_users.items() if not count]
        heapq.heapify(free)
        found: list[Node] = []
        while free:
            *_, node = heapq.heappop(free)
            found.append(node)
            for need in dict.fromkeys(self.needs[node]):
                open_users[need] -= 1
                if not open_users[need]:
                    heapq.heappush(free, (str(need), numbers[need], need))
        return found[::-1]


@traced("plan")
def make_plan(
    graph: TargetGraph, types: Types, wanted: Sequence[Address], platform: str | None = None
) -> Plan:
    """The plan for building the wanted targets, for one platform or for all that each states.

    Raises DeclarationErrors when a target is used as something that it is not.
    """
    workspace = graph.packages.workspace
    roots = [_node(graph, types, address, Variant(platform=platform)) for address in wanted]
    plan = Plan(roots, {})
    faults: list[RequestError] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in plan.needs:
            continue
        plan.needs[node] = []
        for need in _needs(graph, types, workspace, node):
            if fault := _misuse(graph, types, node, need):
                faults.append(fault)
                continue
            other = _node(graph, types, need.address, need.variant)
            plan.needs[node].append(other)
            waiting.append(other)
    if faults:
        raise DeclarationErrors(faults)
    layers = {
        node.address
        for node in roots
        if "layers" in types[graph.declarations[node.address].type_name].products
    }
    return _in_use(plan, layers)


def _in_use(plan: Plan, layers: Collection[Address]) -> Plan:
    """Of layers that were asked for beside images which use them, the variants in use: nobody needs those
    that they have when they stand alone."""
    used: dict[Address, list[Node]] = {}
    for node in plan.needs:
        if node.address in layers and plan.users[node]:
            used.setdefault(node.address, []).append(node)
    roots = [min(used.get(root.address, [root]), key=str) for root in plan.roots]
    inner = reached(plan.needs, roots)
    return Plan(roots, {node: needs for node, needs in plan.needs.items() if node in inner})


def _node(graph: TargetGraph, types: Types, address: Address, variant: Variant) -> Node:
    kind = types[graph.declarations[address].type_name]
    return Node(address, kind.variant(graph.declarations[address], variant))


def _needs(graph: TargetGraph, types: Types, workspace: Workspace, node: Node) -> Iterable[Need]:
    declaration = graph.declarations[node.address]
    return types[declaration.type_name].needs(declaration, node.variant, workspace)


def _misuse(graph: TargetGraph, types: Types, node: Node, need: Need) -> RequestError | None:
    used = graph.declarations[need.address]
    if need.wants in types[used.type_name].products:
        return None
    fitting = sorted(name for name, kind in types.items() if need.wants in kind.products)
    return RequestError(
        f"{need.address} is of type {used.type_name}, which gives no {need.wants}",
        where=graph.declarations[node.address].position(need.key),
        hint=f"name a target of type {', '.join(fitting)}",
    )
