"""Checks the images of a build: reads each layer once, asks every rule, says where each finding stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...build.plan import Node, Plan, Types
from ...build.run import Outcome
from ...declare.address import Address
from ...declare.package import Declaration
from ...declare.toml import Key
from ...errors import Position
from ...frozen import frozen
from ...oci.model import Image, ImageLayer
from ...oci.remote import Remote
from ...store import Store
from ...threads import workers
from . import budget, libraries, modes, program, secrets, tree
from .allow import Allowance, allowance, unused
from .finding import LEVELS, Finding, Rule
from .image import CheckedImage
from .layers import LayerView, read_layer

_CHECKS = (*program.CHECKS, *tree.CHECKS, *secrets.CHECKS, *modes.CHECKS, *budget.CHECKS)
_TEXTS = re.compile("|".join((program.TEXTS, libraries.TEXTS, secrets.TEXTS)))
_AT_ONCE = 4  # layers read at the same time


@frozen
class Reported:
    """A finding in its place, of all images that share it.

    images: their addresses; platforms: those that have it, () when it is all; path: in the image, "" for
    none; target: of the layer to blame, "" for none; reason: why it is allowed, "" when it is not.
    """

    rule: Rule
    where: Position
    images: tuple[str, ...]
    platforms: tuple[str, ...]
    path: str
    what: str
    hint: str
    target: str
    reason: str

    @property
    def rank(self) -> int:
        """0 for the gravest level."""
        return LEVELS.index(self.rule.level)

    def as_json(self) -> dict[str, Any]:
        """The finding as an element of `check --json`'s "findings"."""
        return {
            "rule": self.rule.name,
            "level": self.rule.level,
            "images": list(self.images),
            "platforms": list(self.platforms),
            "path": self.path,
            "message": self.what,
            "hint": self.hint,
            "target": self.target,
            "file": self.where.path,
            "line": self.where.line,
            "column": self.where.column,
            "allowed": self.reason,
        }


@frozen
class Report:
    """images: the addresses of those that were checked; findings: by place, allowed ones too."""

    images: list[str]
    findings: list[Reported]


class Checker:
    """The images of one build."""

    def __init__(
        self,
        store: Store,
        remote: Remote,
        types: Types,
        declarations: Mapping[Address, Declaration],
        plan: Plan,
        outcomes: Mapping[Node, Outcome],
    ) -> None:
        self._store, self._remote, self._types = store, remote, types
        self._declarations, self._plan, self._outcomes = declarations, plan, outcomes
        self._made = {
            str(address): declaration
            for address, declaration in declarations.items()
            if "layers" in types[declaration.type_name].products
        }
        self._views: dict[str, LayerView] = {}
        self._below: dict[Node, CheckedImage] = {}

    def check(self) -> Report:
        """Every finding. Raises StackbuildError when a layer cannot be had or read."""
        nodes = sorted(self._images(), key=str)
        self._read([layer for node in nodes for layer in self._image(node).layers])
        merged = _Merged()
        by_address: dict[Address, list[Node]] = {}
        for node in nodes:
            by_address.setdefault(node.address, []).append(node)
        for address, own in by_address.items():
            declaration, used = self._declarations[address], []
            merged.begin(str(address), [self._image(node).platform for node in own])
            images = [self._checked(node) for node in own]
            for image in images:
                for finding in (finding for check in _CHECKS for finding in check(image)):
                    permit = allowance(image, finding)
                    used += [permit] if permit else []
                    merged.add(image, finding, permit)
            for finding in unused(declaration, used):
                for image in images:
                    merged.add(image, finding, allowance(image, finding))
        return Report([str(address) for address in by_address], merged.findings())

    def _image(self, node: Node) -> Image:
        return Image.of(self._outcomes[node].result)

    def _is_image(self, node: Node) -> bool:
        """Whether a node is an image for one platform."""
        return "manifest" in self._outcomes[node].result

    def _images(self) -> set[Node]:
        """The images for one platform that were asked for, by themselves or in an index."""
        found: set[Node] = set()
        for root in self._plan.roots:
            result = self._outcomes[root].result
            wanted = [result] if self._is_image(root) else result["images"]
            digests = {data["manifest"]["digest"] for data in wanted}
            waiting = [root]
            while waiting:
                node = waiting.pop()
                if not self._is_image(node):
                    waiting += [need for need in self._plan.needs[node] if need not in waiting]
                elif self._image(node).manifest["digest"] in digests:
                    found.add(node)
        return found

    def _read(self, layers: Sequence[ImageLayer]) -> None:
        self._remote.fetch(layers, self._store)
        digests = list(dict.fromkeys(item.layer.digest for item in layers))
        blobs, temp = self._store.blobs, self._store.temp
        with workers(_AT_ONCE, "read") as pool:
            views = pool.map(lambda digest: read_layer(blobs.path(digest), _TEXTS, temp), digests)
            self._views = dict(zip(digests, views, strict=True))

    def _checked(self, node: Node) -> CheckedImage:
        """The image of a node; one that others stand on is kept."""
        if node in self._below:
            return self._below[node]
        image = self._image(node)
        under = next((need for need in self._plan.needs[node] if self._is_image(need)), None)
        base = self._checked(under) if under else None
        if under and base:
            self._below[under] = base
        views = [self._views[item.layer.digest] for item in image.layers]
        ours = [self._made.get(item.target) for item in image.layers]
        config = json.loads(self._store.blobs.read(image.config["digest"]))
        return CheckedImage(self._declarations[node.address], image, config, base, views, ours)


class _Merged:
    """Findings that several platforms and images share, put together."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], dict[str, list[str]]] = {}
        self._platforms: dict[str, list[str]] = {}
        self._places: dict[tuple[Address, Key], Position] = {}
        self._address = ""

    def begin(self, address: str, platforms: list[str]) -> None:
        """What follows is of this image."""
        self._address, self._platforms[address] = address, platforms

    def add(self, image: CheckedImage, finding: Finding, permit: Allowance | None) -> None:
        """One finding of one platform."""
        maker = image.ours[finding.layer] if finding.layer is not None else None
        where = self._position(maker, ()) if maker else self._position(image.declaration, finding.field)
        target = image.layer_name(finding.layer) if finding.layer is not None else ""
        path = _sound(f"/{finding.path}") if finding.path else ""
        reason = permit.reason if permit else ""
        key = (finding.rule, where, path, _sound(finding.what), finding.hint, target, reason)
        platforms = self._found.setdefault(key, {}).setdefault(self._address, [])
        if image.image.platform not in platforms:
            platforms.append(image.image.platform)

    def _position(self, declaration: Declaration, field: Key) -> Position:
        key = (declaration.address, field)
        if key not in self._places:
            self._places[key] = declaration.position(field)
        return self._places[key]

    def findings(self) -> list[Reported]:
        """Sorted by place, the gravest of a place first."""
        return sorted(self._reported(), key=lambda item: (item.where, item.rank, item.rule.name, item.path))

    def _reported(self) -> Iterator[Reported]:
        for (rule, where, path, what, hint, target, reason), images in self._found.items():
            everywhere = all(found == self._platforms[address] for address, found in images.items())
            some = sorted({name for found in images.values() for name in found})
            platforms = () if everywhere else tuple(some)
            yield Reported(rule, where, tuple(images), platforms, path, what, hint, target, reason)


def _sound(text: str) -> str:
    """A name from outside as Unicode that can be written: half a surrogate pair cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
