"""Gathers what the page shows while a build goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ...build.explain import outcome_causes
from ...build.plan import Node, Plan
from ...build.run import Builder, Outcome
from ...errors import StackbuildError, one_line
from ..progress import Quiet
from ..report import Built


@dataclass
class Seen:
    """What became of a target. start: ns of the monotonic clock; seconds: it took; size: of its layers."""

    name: str
    type_name: str
    start: int
    status: str = "unfinished"
    seconds: float = 0.0
    size: int = 0
    layers: int = 0
    causes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Collector(Quiet):
    """A listener that keeps small facts, and no results."""

    def __init__(self) -> None:
        self.targets: dict[Node, Seen] = {}
        self.images: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.plan: Plan | None = None
        self._builder: Builder | None = None
        self._lock = threading.Lock()

    def began(self, builder: Builder, plan: Plan) -> None:
        self._builder, self.plan = builder, plan
        self.targets, self.images = {}, []  # a damaged store makes a build begin anew

    def started(self, node: Node) -> None:
        assert self._builder is not None
        kind = self._builder.graph.declarations[node.address].type_name
        with self._lock:
            self.targets[node] = Seen(one_line(str(node)), kind, time.monotonic_ns())

    def finished(self, outcome: Outcome) -> None:
        assert self._builder is not None
        layers = outcome.result.get("layers", ())
        found = self.targets[outcome.node]
        found.status, found.seconds = outcome.status, outcome.seconds
        found.size, found.layers = sum(layer["size"] for layer in layers), len(layers)
        found.causes = [one_line(cause) for cause in outcome_causes(self._builder, outcome)]
        found.warnings = [one_line(text) for text in outcome.warnings]

    def failed(self, node: Node, error: StackbuildError) -> None:
        found = self.targets[node]
        found.status, found.errors = "failed", error.lines()
        found.seconds = (time.monotonic_ns() - found.start) / 1e9

    def delivered(self, built: Built) -> None:
        if "images" in built.result:
            assert self._builder is not None
            self.images.append(built.as_json(self._builder.graph.packages.workspace.root))

    def note(self, text: str) -> None:
        self.notes.append(one_line(text))
