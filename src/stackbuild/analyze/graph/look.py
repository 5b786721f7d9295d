"""How a target is drawn: its shape says what it gives, its colour what type it is of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

from .facts import Facts, Target

COLOURS = ("#dbe9fb", "#fbe6cf", "#d9f0dd", "#eadff7", "#fadcdf", "#fbf3c4", "#d3eff2", "#e6e6e6")
"""Light enough for black words; types beyond the last begin anew."""
LINE = "#5b6470"


def role(gives: Collection[str]) -> str:
    """What a target is, from what its type gives: `image`, `index`, `base`, `layer` or `other`."""
    if "images" in gives:
        return "image" if "image" in gives else "index"
    return "base" if "image" in gives else "layer" if "layers" in gives else "other"


def colours(facts: Facts) -> dict[str, str]:
    """The colour of each type that is there."""
    types = sorted({target.type_name for target in facts.targets})
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(types)}


def folders(facts: Facts) -> Iterator[tuple[str, list[Target]]]:
    """Each folder with its targets, in order."""
    for folder, targets in groupby(facts.targets, lambda target: target.address.folder):
        yield folder, list(targets)
