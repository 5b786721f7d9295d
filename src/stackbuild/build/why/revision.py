"""The targets of a workspace as they were in a git revision, without building them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...declare.address import Address, Spec
from ...declare.lock import Lock
from ...declare.package import Packages
from ...declare.workspace import open_workspace
from ...errors import RequestError, StackbuildError
from ...git import Repository
from ...graph.load import TargetGraph
from ..pins import Pins
from ..plan import Node, Plan, make_plan
from ..run import Builder
from .causes import Cause
from .past import Past
from .survey import State, Survey, survey


class Revision:
    """What targets were made of in a revision. Raises RequestError when git or stackbuild cannot read it.

    What is not in the store is not built: what the present knows stands in for it.
    """

    def __init__(self, builder: Builder, plan: Plan, present: Survey, revision: str) -> None:
        repository = Repository(builder.graph.packages.workspace.root)
        commit = repository.commit(revision)
        self.name = revision if commit.startswith(revision) else f"{revision} ({commit[:12]})"
        self._revision = revision
        with repository.checkout(commit, builder.store.temp) as tree:
            _lend(tree.resolve(), repository.folder, repository.ignored(), present)
            try:
                states = _survey(builder, tree, plan, present)
            except StackbuildError as error:
                first, *more = error.lines()
                others = f" (and {len(more)} more)" if more else ""
                raise RequestError(f"as it was at {revision}: {first}{others}") from error
            finally:
                builder.store.fingerprints.discard(str(tree))
        self.states = {str(node): state for node, state in states.items()}
        self.troubles = {
            f"{name} at {revision}": state.trouble for name, state in self.states.items() if state.trouble
        }

    def of(self, state: State) -> Past | Cause:
        """The past of a node, by its name."""
        before = self.states.get(str(state.node))
        if before is None:
            return Cause("absent", (f"at {self._revision}",))
        results = {name: self.states[name].result for name in before.recipe["needs"]}
        return Past(str(state.node), None, before.recipe, results, before.result)

    def need(self, past: Past, state: State) -> Past | Cause:
        """The same; the names of nodes are as good on every side."""
        return self.of(state)


def _lend(tree: Path, root: Path, ignored: Collection[str], present: Survey) -> None:
    """Put what git ignores into another tree, where targets of the present read it: it is in no revision, and
    says nothing of what changed."""
    for path in _files(present):
        if path not in ignored and not any(str(parent) + "/" in ignored for parent in Path(path).parents):
            continue
        place = tree / path
        if place.parent.resolve() == place.parent:  # and leads nowhere else
            with contextlib.suppress(OSError):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / path, place, follow_symlinks=False)


def _files(present: Survey) -> Iterator[str]:
    """The files of the tree that recipes say were read, where `differing` finds them."""
    for state in present.values():
        inputs = state.recipe.get("inputs")
        found = inputs.get("from") if isinstance(inputs, Mapping) else None
        files = found.get("files") if isinstance(found, Mapping) else None
        for name in files if isinstance(files, Mapping) else ():
            yield f"{state.node.address.folder}/{name}".lstrip("/")


def _survey(builder: Builder, tree: Path, plan: Plan, present: Survey) -> dict[Node, State]:
    """The state, in another tree, of the targets that a plan is for and of what they needed there."""
    tree = tree.resolve()
    opened = open_workspace(tree, builder.graph.packages.workspace.model)
    if opened.root != tree:
        raise RequestError("there is no workspace: no BUILD.toml with a [workspace] table")
    graph = TargetGraph(Packages(opened, builder.graph.packages.models))
    there = [root.address for root in plan.roots if _declares(graph.packages, root.address)]
    graph.select([Spec("one", address.folder, address.name) for address in there])
    likely: dict[str, Any | None] = {str(node): state.likely for node, state in present.items()}
    with replace(builder, graph=graph, pins=Pins(Lock(tree), locked=True, note=lambda _: None)) as other:
        before = make_plan(graph, builder.types, there)
        return survey(other, before, lambda node: likely.get(str(node)), forgiving=True)


def _declares(packages: Packages, address: Address) -> bool:
    """Whether a tree has a target; what cannot be read is said to have it, so that its faults are told."""
    package = packages.load(address.folder)
    return package is not None and (address.name in package.names or not package.readable)
