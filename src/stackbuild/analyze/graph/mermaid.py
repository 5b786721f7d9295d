"""The graph for Mermaid (mermaid.js.org/syntax/flowchart.html), which forges and wikis draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .facts import Facts
from .look import LINE, colours, folders, role

_SHAPES = {
    "image": '[["{}"]]',
    "index": '{{{{"{}"}}}}',
    "base": '[("{}")]',
    "layer": '["{}"]',
    "other": '(["{}"])',
}


def mermaid(facts: Facts) -> str:
    """One subgraph a folder, an edge from each target to what it needs."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: Facts) -> Iterator[str]:
    colour = colours(facts)
    ids = {target.address: f"n{number}" for number, target in enumerate(facts.targets)}
    classes = {name: f"t{number}" for number, name in enumerate(colour)}
    yield "flowchart LR"
    for number, (folder, targets) in enumerate(folders(facts)):
        yield f'  subgraph f{number}["{_text(f"//{folder}")}"]'
        for target in targets:
            label = f"{_text(target.address.name)}<br/>{_text(target.type_name)}"
            shape = _SHAPES[role(target.gives)].format(label)
            yield f"    {ids[target.address]}{shape}:::{classes[target.type_name]}"
        yield "  end"
    for target in facts.targets:
        for need in target.needs:
            yield f"  {ids[target.address]} --> {ids[need]}"
    for name, fill in colour.items():
        yield f"  classDef {classes[name]} fill:{fill},stroke:{LINE},color:#111"


def _text(words: str) -> str:
    """A label, in which nothing is markup: Mermaid's entities are `#NUMBER;`."""
    return re.sub(r"[^\w /.:+-]|_", lambda found: f"#{ord(found[0])};", words)
