"""Which targets are otherwise than at a commit: by the files that they read, and by what is said of them.

A target counts as changed exactly when its recipe, but for the results of others, would be another: that is
what its key hashes. Nothing is built or hashed for it; git tells which files differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import networkx as nx

from ..declare.address import Address
from ..declare.lock import LOCK_FILE, Lock
from ..declare.reads import Readers, walk
from ..declare.workspace import BUILD_FILE, Workspace
from ..errors import StackbuildError
from ..git import Repository
from ..graph.load import TargetGraph
from ..graph.query import dependents
from .plan import Node, Plan, Types, make_plan

Dependents = Literal["none", "direct", "transitive"]


@dataclass(frozen=True)
class Since:
    """What is asked: the targets changed since a revision, with those that depend on them or without."""

    revision: str
    dependents: Dependents = "none"


def changed(
    graph: TargetGraph, types: Types, wanted: Sequence[Address], since: Since, note: Callable[[str], None]
) -> list[Address]:
    """Those of the wanted targets, loaded already, that are meant. note: told what cannot be known.

    Raises RequestError when git knows no such revision, DeclarationErrors.
    """
    repository = Repository(graph.packages.workspace.root)
    commit = repository.commit(since.revision)
    among = {*wanted, *(need for address in wanted for need in nx.descendants(graph.edges, address))}
    found = _touched(graph, types, wanted, among, repository, commit, note)
    if since.dependents != "none":
        found |= set(dependents(graph, sorted(found), transitive=since.dependents == "transitive"))
    return [address for address in wanted if address in found]


def _touched(
    graph: TargetGraph,
    types: Types,
    wanted: Sequence[Address],
    among: Collection[Address],
    repository: Repository,
    commit: str,
    note: Callable[[str], None],
) -> set[Address]:
    with ThreadPoolExecutor() as pool:  # both have every file of the tree to look at
        unknown = pool.submit(repository.ignored)
        paths, ignored = repository.changed(commit), unknown.result()
    found = _by_files(graph, types, among, paths, ignored, note)
    declared = sorted(path for path in paths if path.rpartition("/")[2] == BUILD_FILE)
    if not declared and LOCK_FILE not in paths:
        return found
    contents = repository.read(commit, [*declared, LOCK_FILE])
    sources = {path.rpartition("/")[0]: contents.get(path) for path in declared}
    now = _Side(graph, types, wanted, Lock(repository.folder))
    try:
        packages = graph.packages.as_of(sources)
        earlier = TargetGraph(packages)
        known = earlier.known(wanted)
        lock = (
            Lock(repository.folder, contents.get(LOCK_FILE, b"version = 1\n"))
            if LOCK_FILE in paths
            else now.lock
        )
        then = _Side(earlier, types, known, lock)
    except StackbuildError as error:
        note(f"at that revision the targets do not load, so all of them count as changed: {error.lines()[0]}")
        return set(among)
    return found | now.differing(then)


def _by_files(
    graph: TargetGraph,
    types: Types,
    among: Collection[Address],
    paths: Collection[str],
    ignored: Collection[str],
    note: Callable[[str], None],
) -> set[Address]:
    """The targets that read a file which changed, or one of which git knows nothing."""
    workspace = graph.packages.workspace
    readers = Readers(
        {
            address: types[graph.declarations[address].type_name].reads(
                graph.declarations[address], workspace
            )
            for address in among
        }
    )
    found = {reader for path in _spread(workspace, readers, paths) for reader in readers.of(path)}
    unknown: dict[Address, str] = {}
    for path in _spread(workspace, readers, ignored):
        for reader in readers.of(path):
            unknown.setdefault(reader, path)
    for address, path in sorted(unknown.items()):
        if address not in found:
            note(f"{address} reads {path}, which git ignores, and so counts as changed")
    return found | set(unknown)


def _spread(workspace: Workspace, readers: Readers[Address], paths: Collection[str]) -> Iterator[str]:
    """Files by name; of a folder that git sees as one thing, as a submodule, every file below it."""
    for path in sorted(paths):
        folder = path.rstrip("/")
        if path != folder and not readers.near(folder):
            continue
        yield from walk(workspace.root, folder)


class _Side:
    """The targets as they are, or were. lock: of that time."""

    def __init__(self, graph: TargetGraph, types: Types, wanted: Sequence[Address], lock: Lock) -> None:
        self.graph, self.types, self.lock = graph, types, lock
        self.plan = make_plan(graph, types, wanted) if wanted else Plan([], {}, nx.DiGraph())

    def differing(self, then: _Side) -> set[Address]:
        """The targets of which some node is said otherwise than it was then, or was not there."""
        algorithms = (side.graph.packages.workspace.settings.fingerprint for side in (self, then))
        if len(set(algorithms)) > 1:
            return {node.address for node in self.plan.needs}
        whole = self.graph.packages.workspace.document is not then.graph.packages.workspace.document
        same = {
            node
            for node in self.plan.needs
            if node in then.plan.needs
            and (
                (self._is_shared(node, then) and not whole and self.lock is then.lock)
                or self._said(node) == then._said(node)
            )
        }
        return {node.address for node in self.plan.needs if node not in same}

    def _is_shared(self, node: Node, then: _Side) -> bool:
        """Whether both sides have the very same declaration."""
        same = self.graph.declarations[node.address] is then.graph.declarations[node.address]
        return same and self.plan.needs[node] == then.plan.needs[node]

    def _said(self, node: Node) -> object:
        """What decides the result, beside files of the tree and results of needs."""
        declaration = self.graph.declarations[node.address]
        kind = self.types[declaration.type_name]
        pins = kind.pins(declaration, node.variant, self.graph.packages.workspace)
        held = {pin.name: (entry := self.lock.get(pin.name)) and pin.part(entry) for pin in pins}
        facts = {pin.name: dict(pin.facts) for pin in pins}
        return kind.name, kind.recipe_fields(declaration.fields), self.plan.needs[node], held, facts
