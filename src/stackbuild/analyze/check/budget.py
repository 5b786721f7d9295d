"""Rules of amounts: layers that runtimes refuse, and what a target says it may weigh."""

from __future__ import annotations

from collections.abc import Iterator

from ...sizes import size_text
from ...targets.checking import Budget
from .finding import Finding, rule
from .image import CheckedImage

MOST_LAYERS = 125  # Docker keeps two of the 127 that overlay2 mounts for the container itself
MANY_LAYERS = 100

TOO_MANY = rule(
    "too-many-layers",
    "error",
    "more layers than runtimes take",
    f"""The image has more than {MOST_LAYERS} layers, which is what Docker takes at most: it can be
    pushed and not run. Lower `split` of packages, or join layers.""",
)
MANY = rule(
    "many-layers",
    "warning",
    "nearly as many layers as runtimes take",
    f"""The image has {MANY_LAYERS} layers or more, of the {MOST_LAYERS} that Docker takes at most.""",
)
BUDGET = rule(
    "budget",
    "error",
    "the image is larger than its budget",
    """The image's table has a budget: `size` bounds the compressed bytes of all layers, `layers` their
    number, and `new_bytes` the compressed bytes of those that its base does not bring, which is what a
    machine that holds the base has to pull.""",
)


def layers(image: CheckedImage) -> Iterator[Finding]:
    """The number of layers."""
    number = len(image.image.layers)
    if number > MOST_LAYERS:
        what = f"{number} layers are more than the {MOST_LAYERS} that runtimes take"
        yield Finding(TOO_MANY, what, "join some", field=("layers",))
    elif number >= MANY_LAYERS:
        what = f"{number} layers are near the {MOST_LAYERS} that runtimes take at most"
        yield Finding(MANY, what, "join some", field=("layers",))


def budget(image: CheckedImage) -> Iterator[Finding]:
    """What the target says of itself."""
    limits = getattr(image.declaration.fields, "budget", None)
    if not isinstance(limits, Budget):
        return
    below = len(image.base.image.layers) if image.base else 0
    sizes = [item.layer.size for item in image.image.layers]
    for name, limit, found, text in (
        ("size", limits.size, sum(sizes), size_text),
        ("new_bytes", limits.new_bytes, sum(sizes[below:]), size_text),
        ("layers", limits.layers, len(sizes), str),
    ):
        if limit is not None and found > limit:
            what = f"{name} is {text(found)}, and its budget {text(limit)}"
            if text(found) == text(limit):
                what = f"{name} is {found}, and its budget {limit}"
            yield Finding(BUDGET, what, "make it smaller, or raise the budget", field=("budget", name))


CHECKS = (layers, budget)
