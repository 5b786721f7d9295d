"""Which targets are otherwise than at a commit: by the files that they read, and by what is said of them.

A target counts as changed exactly when its recipe, but for the results of others, would be another: that is
what its key hashes. Nothing is built or hashed for it; git tells which files differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from ..declare.address import Address
from ..declare.lock import LOCK_FILE, Lock
from ..declare.otherwise import Otherwise
from ..declare.reads import Readers, Reads, walk
from ..declare.workspace import BUILD_FILE
from ..errors import StackbuildError
from ..frozen import frozen
from ..git import Repository
from ..graph.load import TargetGraph
from ..graph.query import dependents, reached
from ..targets.target import Variant
from .plan import Node, Plan, Types, make_plan
from .run import stated

Dependents = Literal["none", "direct", "transitive"]
T = TypeVar("T")


@frozen
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
    among = reached(graph.needs, wanted)
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
    workspace, difference = graph.packages.workspace, _Difference(repository, commit)
    declarations = [graph.declarations[address] for address in among]
    reads = {item.address: types[item.type_name].reads(item, workspace) for item in declarations}
    readers = Readers(workspace.root, reads)
    found, untold = difference.known(readers), difference.untold(readers)
    for address, why in sorted(untold.items()):
        if address not in found:
            note(f"{address} reads {why}, and so counts as changed")
    found |= untold.keys()
    sayings = Readers(workspace.root, {path: [Reads(path)] for path in [*graph.packages.files(), LOCK_FILE]})
    said = {*difference.known(sayings), *difference.untold(sayings), *difference.named(BUILD_FILE)}
    if not said:
        return found
    contents = repository.read(commit, sorted(said))
    sources = {path.rpartition("/")[0]: contents.get(path) for path in said if path != LOCK_FILE}
    now = _Side(graph, types, wanted, Lock(repository.folder))
    try:
        earlier = TargetGraph(Otherwise(graph.packages, sources))
        known = earlier.known(wanted)
        lock = (
            Lock(repository.folder, contents.get(LOCK_FILE, b"version = 1\n"))
            if LOCK_FILE in said
            else now.lock
        )
        then = _Side(earlier, types, known, lock)
    except StackbuildError as error:
        note(f"at that revision the targets do not load, so all of them count as changed: {error.lines()[0]}")
        return set(among)
    return found | now.differing(then)


class _Difference:
    """What differs between the tree on disk and a commit, as readers see it."""

    def __init__(self, repository: Repository, commit: str) -> None:
        with ThreadPoolExecutor() as pool:  # each question makes git look at the whole tree
            ignored = pool.submit(repository.ignored)
            self._root, self._changes = repository.folder, repository.changed(commit)
        self._untold = dict.fromkeys(repository.unwatched(), "which git was told not to look at")
        self._untold |= dict.fromkeys(ignored.result(), "which git ignores")

    def known(self, readers: Readers[T]) -> set[T]:
        """Who reads a file that changed."""
        found: set[T] = set()
        for path in self._changes.files:
            for file in self._spread(path, readers, found):
                found.update(readers.of(file))
        return found.union(*map(readers.near, self._changes.unsure))

    def untold(self, readers: Readers[T]) -> dict[T, str]:
        """Who reads a file of which git knows nothing, and why that is."""
        found: dict[T, str] = {}
        for path, why in sorted(self._untold.items()):
            for file in self._spread(path, readers, found):
                for reader in readers.of(file):
                    found.setdefault(reader, f"{file}, {why}")
        return found

    def named(self, name: str) -> Iterator[str]:
        """The files with a name that changed."""
        return (path for path in self._changes.files if path.rpartition("/")[2] == name)

    def _spread(self, path: str, readers: Readers[T], found: Collection[T]) -> Iterator[str]:
        """A file; of a folder, every file below it, unless whoever may read there was found already."""
        folder = path.rstrip("/")
        if folder == path:
            yield path
        elif any(reader not in found for reader in readers.near(folder)):
            yield from walk(self._root, folder)


class _Side:
    """The targets as they are, or were. lock: of that time."""

    def __init__(self, graph: TargetGraph, types: Types, wanted: Sequence[Address], lock: Lock) -> None:
        self.graph, self.types, self.lock = graph, types, lock
        self.plan = make_plan(graph, types, wanted) if wanted else Plan([], {})

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
        return stated(self.graph, self.types, self.plan, node), self._default_platform(node), held, facts

    def _default_platform(self, node: Node) -> str | None:
        """The workspace's first platform, where a target stands on it: alone, and for none in particular."""
        first = self.graph.packages.workspace.settings.platforms[0]
        if node.variant.platform or self.plan.needs[node]:
            return None
        declaration = self.graph.declarations[node.address]
        return self.types[declaration.type_name].variant(declaration, Variant(platform=first)).platform
