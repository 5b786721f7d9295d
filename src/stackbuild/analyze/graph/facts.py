"""What is known of targets without building: their declarations, and the records of the latest builds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...build.explain import causes
from ...build.plan import Node, Plan
from ...build.run import Builder
from ...declare.address import Address
from ...frozen import frozen
from ...graph.query import dependencies
from ...oci.model import Image, ImageLayer
from ...store.builds import Build, Step


@frozen
class Result:
    """What the latest build of a target in one variant came to.

    variant: a platform, or whatever else distinguishes it; digest: of the manifest, "" for bare layers;
    size: bytes of the layers, compressed; layers: their digests, lowest first.
    """

    variant: str
    digest: str
    size: int
    layers: tuple[str, ...]


@frozen
class LastStep:
    """What the last build did with a target: status is `built`, `reused` or `failed`; causes: why built."""

    status: str
    seconds: float
    causes: tuple[str, ...]


@frozen
class Target:
    """A target. gives: what its type's results serve as; needs: direct ones; wanted: whether it was asked
    for; known: whether any build of it is recorded; last: None when the last build did not need it."""

    address: Address
    type_name: str
    description: str
    gives: frozenset[str]
    needs: tuple[Address, ...]
    wanted: bool
    known: bool
    results: tuple[Result, ...]
    last: LastStep | None

    @property
    def size(self) -> int | None:
        """Bytes of its largest result; None while unknown."""
        return max((result.size for result in self.results), default=None)


@frozen
class SharedLayer:
    """A layer as it is known here. made_by: targets whose layer it is, or the base it comes with; images:
    how many images hold it; used_by: the targets that they are of. An index adds none to its own images."""

    digest: str
    size: int
    made_by: tuple[str, ...]
    images: int
    used_by: tuple[Address, ...]

    @property
    def saved(self) -> int:
        """Bytes that need not be kept again, because images share the layer."""
        return self.size * max(self.images - 1, 0)


@frozen
class Facts:
    """Targets by address, in order; layers by digest; build: the workspace's last, if any is known."""

    workspace: str
    targets: tuple[Target, ...]
    layers: tuple[SharedLayer, ...]
    build: Build | None


def survey(builder: Builder, plan: Plan, wanted: Sequence[Address]) -> Facts:
    """The facts of the wanted targets and of all that they need."""
    workspace = builder.graph.packages.workspace
    reached = {*wanted, *dependencies(builder.graph, wanted, transitive=True)}
    nodes: dict[Address, list[Node]] = {address: [] for address in sorted(reached)}
    for node in sorted(plan.needs, key=str):
        nodes[node.address].append(node)
    survey = _Survey(builder, plan, builder.store.builds.last(str(workspace.root)), frozenset(wanted))
    targets = tuple(survey.target(address, variants) for address, variants in nodes.items())
    return Facts(workspace.root.name, targets, survey.layers(), survey.build)


@dataclass
class _Seen:
    """A layer while it is being met. images: digests of manifests."""

    size: int
    made_by: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    used_by: set[Address] = field(default_factory=set)


@dataclass
class _Survey:
    """Goes from target to target, and notes the layers on the way."""

    builder: Builder
    plan: Plan
    build: Build | None
    wanted: frozenset[Address]
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def target(self, address: Address, variants: Sequence[Node]) -> Target:
        declaration = self.builder.graph.declarations[address]
        gives = self.builder.types[declaration.type_name].products
        found = {node: result for node in variants if (result := self._latest(node)) is not None}
        if own := {node: result for node, result in found.items() if not self._joins(node)}:
            found = own  # what joins them may be older than they are
        results: dict[tuple[str, tuple[str, ...]], Result] = {}
        for node, result in found.items():
            for variant, digest, parts in _images(result, str(node.variant)):
                layers = [layer.made_by(str(address)) for layer in parts]
                self._note(layers, address, digest if gives >= {"image", "images"} else "")
                digests = tuple(layer.layer.digest for layer in layers)
                size = sum(layer.layer.size for layer in layers)
                results.setdefault((digest, digests), Result(variant, digest, size, digests))
        return Target(
            address,
            declaration.type_name,
            declaration.fields.description,
            gives,
            tuple(sorted(self.builder.graph.needs[address])),
            address in self.wanted,
            bool(found),
            tuple(results.values()),
            self._last(variants),
        )

    def _joins(self, node: Node) -> bool:
        """Whether a node does no more than join other variants of its target."""
        return any(need.address == node.address for need in self.plan.needs[node])

    def _latest(self, node: Node) -> Any | None:
        records = self.builder.store.records
        key = records.latest(self.builder.name(node))
        return records.result(key) if key else None

    def _note(self, layers: Iterable[ImageLayer], address: Address, image: str) -> None:
        for item in layers:
            seen = self._seen.setdefault(item.layer.digest, _Seen(item.layer.size))
            seen.made_by.add(item.target)
            if image:
                seen.images.add(image)
                seen.used_by.add(address)

    def layers(self) -> tuple[SharedLayer, ...]:
        return tuple(
            SharedLayer(
                digest, seen.size, tuple(sorted(seen.made_by)), len(seen.images), tuple(sorted(seen.used_by))
            )
            for digest, seen in sorted(self._seen.items())
        )

    def _last(self, variants: Sequence[Node]) -> LastStep | None:
        """What became of a target: of its variants, the gravest."""
        if self.build is None:
            return None
        steps = {node: step for node in variants if (step := self.build.steps.get(str(node)))}
        if not steps:
            return None
        status = min((step.status for step in steps.values()), key=("failed", "built", "reused").index)
        whys = [
            why for node, step in steps.items() if step.status == "built" for why in self._why(node, step)
        ]
        return LastStep(status, sum(step.seconds for step in steps.values()), tuple(dict.fromkeys(whys)))

    def _why(self, node: Node, step: Step) -> list[str]:
        if self._joins(node):
            return []  # the causes of its variants are told
        if step.before is None:
            return ["never built before"]
        if step.before == step.key:
            return ["its blob was missing or damaged"]
        before, after = (self.builder.store.records.load(key or "") for key in (step.before, step.key))
        return causes(before.recipe, after.recipe) if before and after else ["the record is gone"]


def _images(result: Any, variant: str) -> Iterator[tuple[str, str, list[ImageLayer]]]:
    """The images that a result is, or its bare layers: (variant, digest of the manifest, layers)."""
    images = result.get("images") or ([result] if "manifest" in result else [])
    for image in map(Image.of, images):
        yield image.platform, image.manifest["digest"], list(image.layers)
    if not images and "layers" in result:
        yield variant, "", [ImageLayer.of(layer) for layer in result["layers"]]
