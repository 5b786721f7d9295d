"""Which layer of one image answers to which of another."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ...frozen import frozen
from ...oci.model import Image, ImageLayer

LayerStatus = Literal["same", "recompressed", "moved", "changed", "added", "removed"]
_MADE_BY = "stackbuild "


@dataclass
class LayerPair:
    """A layer of A and the one of B that takes its place. name: the target that made it, else the command
    that an image's history has for it, else "".

    files: how many files differ because of it, by status; a removed one counts with the layer that held it.
    """

    status: LayerStatus
    name: str
    a: ImageLayer | None
    b: ImageLayer | None
    files: dict[str, int] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The pair as plain data."""
        return {
            "status": self.status,
            "name": self.name,
            "a": self.a and self.a.layer.recipe(),
            "b": self.b and self.b.layer.recipe(),
            "files": self.files,
        }


@frozen
class _Named:
    item: ImageLayer
    target: str
    command: str


def pair_layers(
    a: Image, a_config: Mapping[str, Any], b: Image, b_config: Mapping[str, Any]
) -> list[LayerPair]:
    """The layers of two images, lowest first: by content where it is the same, by the target that made them
    where that is known, else by their place between those."""
    ours, theirs = _named(a, a_config), _named(b, b_config)
    matcher = difflib.SequenceMatcher(None, _diff_ids(ours), _diff_ids(theirs), autojunk=False)
    partners: dict[int, int] = {}  # of A's layers, by their places
    gaps = []
    for tag, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if tag == "equal":
            partners.update(zip(range(a_from, a_to), range(b_from, b_to), strict=True))
        else:
            gaps.append((range(a_from, a_to), range(b_from, b_to)))
    _pair_by_target(ours, theirs, partners)
    for a_range, b_range in gaps:
        _pair_by_place(ours, theirs, a_range, b_range, partners)
    return _in_order(ours, theirs, partners)


def _named(image: Image, config: Mapping[str, Any]) -> list[_Named]:
    history = [item for item in config.get("history") or () if isinstance(item, dict)]
    commands = [str(item.get("created_by") or "") for item in history if not item.get("empty_layer")]
    if len(commands) != len(image.layers):
        commands = [""] * len(image.layers)
    found = []
    for item, command in zip(image.layers, commands, strict=True):
        said = command.removeprefix(_MADE_BY) if command.startswith(_MADE_BY + "//") else ""
        found.append(_Named(item, item.target or said, "" if said else command))
    return found


def _diff_ids(layers: Sequence[_Named]) -> list[str]:
    return [layer.item.layer.diff_id for layer in layers]


def _pair_by_target(a: Sequence[_Named], b: Sequence[_Named], partners: dict[int, int]) -> None:
    free: dict[str, list[int]] = {}
    taken = set(partners.values())
    for place, layer in enumerate(b):
        if layer.target and place not in taken:
            free.setdefault(layer.target, []).append(place)
    for place, layer in enumerate(a):
        if place not in partners and free.get(layer.target):
            partners[place] = free[layer.target].pop(0)


def _pair_by_place(
    a: Sequence[_Named], b: Sequence[_Named], a_range: range, b_range: range, partners: dict[int, int]
) -> None:
    """Pair what is left of a gap in order, but no two layers of different targets."""
    taken = set(partners.values())
    rest = [place for place in b_range if place not in taken]
    for place in a_range:
        if place in partners:
            continue
        fitting = (other for other in rest if not (a[place].target and b[other].target))
        if (other := next(fitting, None)) is not None:
            partners[place] = other
            rest.remove(other)


def _in_order(a: Sequence[_Named], b: Sequence[_Named], partners: Mapping[int, int]) -> list[LayerPair]:
    """B's layers in order, each of A's that is gone after the one that it stood on."""
    back = {other: place for place, other in partners.items()}
    gone = [place for place in range(len(a)) if place not in partners]
    found: list[LayerPair] = []
    highest = -1  # of A's layers that are placed
    for other, layer in enumerate(b):
        place = back.get(other)
        if place is not None:
            while gone and gone[0] < place:
                found.append(LayerPair("removed", _name(a[gone[0]]), a[gone.pop(0)].item, None))
        if place is None:
            found.append(LayerPair("added", _name(layer), None, layer.item))
        else:
            status = _status(a[place].item, layer.item, moved=place < highest)
            found.append(LayerPair(status, _name(layer) or _name(a[place]), a[place].item, layer.item))
            highest = max(highest, place)
    return found + [LayerPair("removed", _name(a[place]), a[place].item, None) for place in gone]


def _status(a: ImageLayer, b: ImageLayer, *, moved: bool) -> LayerStatus:
    if a.layer.diff_id != b.layer.diff_id:
        return "changed"
    if moved:
        return "moved"
    return "same" if a.layer.digest == b.layer.digest else "recompressed"


def _name(layer: _Named) -> str:
    return layer.target or layer.command
