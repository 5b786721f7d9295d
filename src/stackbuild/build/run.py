"""Runs a plan: looks each key up, builds what is missing, keeps a record of it.

A node is `reused` when its key has a record whose blobs are all there, else `built`. Because results and
not keys go into the recipes above, a node that comes out the same changes nothing further up.
"""

from __future__ import annotations

import concurrent.futures as futures
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .. import witness
from ..again.answer import forget
from ..errors import Failures, StackbuildError
from ..frozen import frozen
from ..graph.load import TargetGraph
from ..keys import digest
from ..layer.entry import Changed
from ..oci.remote import Remote
from ..store import Store
from ..store.builds import name_of
from ..store.records import Record
from ..targets.target import Action, Task
from ..trace import span, traced
from .looks import Looks
from .pins import Pins
from .plan import Node, Plan, Types
from .schedule import Done, Schedule

Status = Literal["built", "reused"]
RECIPE_VERSION = 1
_MANY = 200  # nodes: to look for what is known of them one by one would take long


@frozen
class Outcome:
    """What became of a node. before: the key of the build before, if any; seconds: it took."""

    node: Node
    status: Status
    key: str
    result: Any
    seconds: float
    before: str | None = None

    @property
    def warnings(self) -> list[str]:
        """What people should know of the result."""
        return list(self.result.get("warnings", ()))


class Listener(Protocol):
    """Told of a build's progress, from several threads."""

    def started(self, node: Node) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def failed(self, node: Node, error: StackbuildError) -> None: ...


def stated(graph: TargetGraph, types: Types, plan: Plan, node: Node) -> dict[str, Any]:
    """The part of a node's recipe that what people wrote decides alone."""
    declaration = graph.declarations[node.address]
    kind = types[declaration.type_name]
    return {
        "recipe": RECIPE_VERSION,
        "type": kind.name,
        "version": kind.version,
        "variant": [node.variant.platform, node.variant.compression, str(node.variant.base or "")],
        "fields": kind.recipe_fields(declaration.fields),
        "needs": [str(need) for need in plan.needs[node]],
    }


@dataclass
class Builder:
    """Builds nodes of one graph into one store.

    epoch: seconds, for whatever states no time of its own; thorough: read every byte of a blob before it
    counts as there.
    """

    graph: TargetGraph
    types: Types
    store: Store
    remote: Remote
    pins: Pins
    epoch: int
    jobs: int
    listener: Listener
    thorough: bool = False
    _chunks: futures.ThreadPoolExecutor = field(init=False, repr=False)
    _looks: Looks = field(init=False, repr=False)
    _there: set[tuple[str, int]] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        self._chunks = futures.ThreadPoolExecutor(self.jobs, "chunk")
        self._looks = Looks(self.store, self._chunks)

    def __enter__(self) -> Builder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop working. Who interrupts does not wait for what is under way; nothing half done counts."""
        interrupted = kind is not None and not issubclass(kind, Exception)
        with span("end the workers"):
            self._chunks.shutdown(wait=not interrupted, cancel_futures=True)

    def name(self, node: Node) -> str:
        """What the node is called in records: workspace, address and variant."""
        return f"{self.graph.packages.workspace.root} {node}"

    def task(self, node: Node, results: Mapping[Node, Any], plan: Plan) -> Task:
        """A node as its type sees it, once its needs have results."""
        return Task(
            self.graph.declarations[node.address],
            node.variant,
            self.graph.packages.workspace,
            self.store,
            self._chunks,
            self.epoch,
            {(need.address, need.variant): results[need] for need in plan.needs[node]},
            self.remote,
            self.pins.entry,
        )

    def task_after_needs(self, node: Node, plan: Plan) -> Task:
        """The same, the needs built first. Raises StackbuildError."""
        outcomes = self.run(plan.below(node))
        return self.task(node, {need: outcome.result for need, outcome in outcomes.items()}, plan)

    def prepare(self, node: Node, results: Mapping[Node, Any], plan: Plan) -> tuple[Action, Any, str]:
        """What is to be done for a node whose needs have results: (action, recipe, key)."""
        action, _ = self._action(node, results, plan, to_build=False)
        return action, *self._key(action, node, results, plan)

    def _action(
        self, node: Node, results: Mapping[Node, Any], plan: Plan, *, to_build: bool
    ) -> tuple[Action, bool]:
        """What is to be done for a node; and whether some of it was, ahead of its key."""
        kind = self.types[self.graph.declarations[node.address].type_name]
        witness.trust(kind)
        with span("prepare", target=node):
            action = kind.prepare(self.task(node, results, plan))
            return action, to_build and action.ahead()

    def _key(self, action: Action, node: Node, results: Mapping[Node, Any], plan: Plan) -> tuple[Any, str]:
        recipe = {
            **stated(self.graph, self.types, plan, node),
            "inputs": action.inputs,
            "results": {str(need): results[need] for need in plan.needs[node]},
        }
        return recipe, digest(recipe, self.store.fingerprints.algorithm)

    def _stamp(self, node: Node, results: Mapping[Node, Any], plan: Plan) -> str | None:
        """Names what decides a node's key beside the files that it finds; None where it finds none."""
        declaration = self.graph.declarations[node.address]
        kind = self.types[declaration.type_name]
        if not kind.finding or kind.pins(declaration, node.variant, self.graph.packages.workspace):
            return None
        given = [results[need] for need in plan.needs[node]]
        return self._looks.stamp(kind, [stated(self.graph, self.types, plan, node), given, self.epoch])

    @traced("look up")
    def lookup(self, key: str) -> Any | None:
        """The result recorded for a key, if all its blobs are there and sound."""
        result = self.store.records.result(key)
        if result is None:
            return None
        if self.thorough:  # each one, so that every damaged one goes
            return result if all([self._is_sound(*blob) for blob in blobs(result)]) else None  # noqa: C419
        return result if all(map(self._is_there, blobs(result))) else None

    def _is_there(self, blob: tuple[str, int]) -> bool:
        """Whether a blob is in the store; asked once a build: each image names those of its layers again."""
        if blob not in self._there:
            if not self.store.blobs.has(*blob):
                return False
            self._there.add(blob)
        return True

    def _is_sound(self, digest: str, size: int) -> bool:
        return self.store.blobs.verify(digest) and self.store.blobs.has(digest, size)

    def build(self, node: Node, results: Mapping[Node, Any], plan: Plan) -> Outcome:
        """The outcome of a node whose needs have results. Raises StackbuildError."""
        with span("target", target=node):
            self.listener.started(node)
            return self._build(node, results, plan)

    def _build(self, node: Node, results: Mapping[Node, Any], plan: Plan) -> Outcome:
        start, name = time.monotonic(), self.name(node)
        before, stamp = self.store.records.latest(name), self._stamp(node, results, plan)

        def reused(key: str, result: Any) -> Outcome:
            if before != key:
                self.store.records.mark_latest(name, key)
            return Outcome(node, "reused", key, result, time.monotonic() - start, before)

        known = self._looks.key(name, stamp) if stamp else None
        if known and (result := self.lookup(known)) is not None:
            return reused(known, result)
        for attempt in (1, 2):
            try:
                with witness.noting() as seen:
                    action, made = self._action(node, results, plan, to_build=True)
                    recipe, key = self._key(action, node, results, plan)
            except Changed as error:
                self._forget(error, attempt)
                continue
            if not made and (result := self.lookup(key)) is not None:
                self._looks.keep(name, stamp, key, seen)
                return reused(key, result)
            try:
                with span("build", target=node):
                    result = action.run()
                break
            except Changed as error:
                self._forget(error, attempt)
        self.store.records.save(Record(key, name, recipe, result))
        self._looks.keep(name, stamp, key, seen)
        return Outcome(node, "built", key, result, time.monotonic() - start, before)

    def _forget(self, error: Changed, attempt: int) -> None:
        """What is to be forgotten before the second attempt; after it, the error."""
        self.store.fingerprints.forget(error.content.origin)
        if attempt == 2:
            raise error

    @traced("build targets")
    def run(self, plan: Plan) -> dict[Node, Outcome]:
        """Build every node of the plan, independent ones at once.

        Raises Failures, after everything that does not depend on a failed node was built.
        """
        outcomes: dict[Node, Outcome] = {}
        results: dict[Node, Any] = {}
        errors: list[StackbuildError] = []
        telling = threading.Lock()

        def work(node: Node) -> Done:
            try:
                outcome = self.build(node, results, plan)
            except StackbuildError as error:
                with telling:
                    self.listener.failed(node, error)
                errors.append(error)
                return "failed"
            with telling:
                outcomes[node], results[node] = outcome, outcome.result
                self.listener.finished(outcome)
            return "long" if outcome.status == "built" else "quick"

        with self.store.shared():
            names = [self.name(node) for node in plan.needs]
            self.store.records.recall(names)
            if len(names) > _MANY:
                self.store.blobs.recall()
            self._looks.recall(names)
            Schedule(plan.order(), plan.needs, plan.users, work).run(self.jobs)
            self.store.fingerprints.save()
            self._looks.save()
            if any(outcome.before not in (None, outcome.key) for outcome in outcomes.values()):
                # A saved answer would leave the last build of a target what it is, and not make it its own.
                forget(str(self.store.path), name_of(str(self.graph.packages.workspace.root)))
        if errors:
            raise Failures(errors)
        return outcomes


def blobs(result: Any) -> list[tuple[str, int]]:
    """Every blob that a result promises to be in the store, wherever its descriptor stands: (digest, size).

    A layer that can be had from its origin need not be there.
    """
    found: list[tuple[str, int]] = []
    left = [result]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if item.get("origin"):
                continue
            digest, size = item.get("digest"), item.get("size")
            if isinstance(digest, str) and isinstance(size, int):
                found.append((digest, size))
            item = item.values()
        left += [value for value in item if isinstance(value, dict | list)]
    return found


def layer_statuses(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], Status]:
    """Of every layer that the outcomes are: (address, digest) -> status."""
    return {
        (str(outcome.node.address), layer["digest"]): outcome.status
        for outcome in outcomes
        for layer in outcome.result.get("layers", ())
    }
