"""The graph for Graphviz (the DOT language, graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import Facts
from .look import LINE, colours, folders, role

_SHAPES = {"image": "box3d", "index": "folder", "base": "cylinder", "layer": "box", "other": "ellipse"}


def dot(facts: Facts) -> str:
    """One cluster a folder, an edge from each target to what it needs."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: Facts) -> Iterator[str]:
    colour = colours(facts)
    yield "digraph targets {"
    yield "  rankdir=LR"
    yield '  graph [fontname="Helvetica", style="rounded", color="#b8bec6"]'
    yield f'  node [fontname="Helvetica", style="filled", color="{LINE}"]'
    yield f'  edge [color="{LINE}", arrowsize=0.7]'
    for number, (folder, targets) in enumerate(folders(facts)):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_text(f'//{folder}')}"
        for target in targets:
            label = _text(f"{target.address.name}\n{target.type_name}")
            look = f'shape={_SHAPES[role(target.gives)]}, fillcolor="{colour[target.type_name]}"'
            yield f"    {_id(str(target.address))} [label={label}, {look}]"
        yield "  }"
    for target in facts.targets:
        for need in target.needs:
            yield f"  {_id(str(target.address))} -> {_id(str(need))}"
    yield "}"


def _id(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(words: str) -> str:
    """A label: an escString, in which entities of HTML have a meaning too."""
    return _id(words.replace("&", "&amp;")).replace("\n", "\\n")
