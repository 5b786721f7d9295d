"""`stackbuild help`: commands, target types and their fields, from what checks them."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .common import Commands, command

if TYPE_CHECKING:
    from ..declare.describe import FieldText
    from ..targets.manual import Section

GROUPS = {
    "Begin": ("init",),
    "Build and deliver": ("image", "push", "load", "run", "watch"),
    "Pin": ("lock",),
    "Ask the graph": ("list", "deps", "dependents", "paths", "graph"),
    "Ask about a build": ("why", "explain"),
    "Ask about an image": ("inspect", "check", "diff", "sbom"),
    "Write BUILD.toml": ("fmt", "schema", "completions", "help"),
    "Look after": ("store",),
}
"""Commands as people come to need them; those that are in no group come last."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "help", "Explain a command, a target type, or one of its fields.")
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="a command, TYPE, TYPE.FIELD or ecosystem")
    parser.set_defaults(run=run, commands=commands)


def run(options: argparse.Namespace) -> int:
    """Print the page of a topic, as wide as the terminal."""
    from ..targets.manual import sections

    width = min(max(shutil.get_terminal_size().columns, 40), 100)
    parsers: dict[str, argparse.ArgumentParser] = options.commands.choices
    manual = list(sections())
    topic = options.topic
    if topic is None:
        lines = _overview(options.commands._choices_actions, manual, width)
    elif page := [section for section in manual if section.topic in (topic, f"workspace.{topic}")]:
        lines = _page(page, manual, width)
        lines += ["", f"For the command: stackbuild {topic} --help"] if topic in parsers else []
    elif topic in parsers:
        parsers[topic].parse_args(["--help"])
        return 0
    else:
        lines = _field_page(topic, manual, parsers, width)
    print("\n".join(lines))
    return 0


def _overview(actions: Sequence[argparse.Action], manual: Sequence[Section], width: int) -> list[str]:
    about = {str(action.dest): action.help or "" for action in actions}
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "More": tuple(name for name in about if name not in grouped)}
    rows = {
        title: [(name, about[name]) for name in names if name in about] for title, names in groups.items()
    }
    rows["BUILD.toml"] = [(section.topic, _first(section.doc)) for section in manual]
    lines = ["stackbuild COMMAND [OPTION]... [SPEC]..."]
    for title, found in rows.items():
        lines += ["", title] if found else []
        for name, text in found:
            lines += _wrapped(text, width, " " * 19, f"  {name:<16} ")
    return [*lines, "", "stackbuild help TOPIC says more; so does stackbuild COMMAND --help."]


def _first(doc: str) -> str:
    return doc.partition("\n\n")[0]


def _page(page: Sequence[Section], manual: Sequence[Section], width: int) -> list[str]:
    lines: list[str] = []
    for section in page:
        lines += ["", section.title] if lines else [section.title]
        for paragraph in section.doc.split("\n\n"):
            lines += ["", *_wrapped(paragraph, width)]
        for field in section.fields:
            lines += ["", *_field(field, "", width)]
        for other in manual:
            if other.topic in section.under:
                names = ", ".join(field.name for field in other.fields)
                text = f"{other.title} has, too: {names}. See stackbuild help {other.topic}."
                lines += ["", *_wrapped(text, width)]
        chosen = [other.topic for other in manual if other.under[:1] == (section.topic,)]
        if chosen and section.under:
            lines += ["", *_wrapped(f"For more fields, see stackbuild help {'|'.join(chosen)}.", width)]
    return lines


def _field(field: FieldText, prefix: str, width: int) -> list[str]:
    """A field's name and kind, and under it what it means; then the fields of the table that it is."""
    facts = [field.kind, *(["required"] if field.required else [])]
    facts += [f"by default {field.default}"] if field.default else []
    lines = _wrapped(", ".join(facts), width, " " * 6, f"  {prefix}{field.name}: ")
    lines += _wrapped(field.doc, width, " " * 6, " " * 6) if field.doc else []
    for inner in field.fields:
        step = ".NAME." if field.kind.startswith("table of") else "."
        lines += _field(inner, f"{prefix}{field.name}{step}", width)
    return lines


def _field_page(topic: str, manual: Sequence[Section], parsers: Iterable[str], width: int) -> list[str]:
    """Of TYPE.FIELD. Raises RequestError when there is none."""
    from ..errors import RequestError, nearest

    by_topic = {section.topic: section for section in manual}
    name, _, rest = topic.rpartition(".")
    if name not in by_topic:
        topics = {*parsers, *by_topic}
        raise RequestError(f"there is no help on '{topic}'", hint=nearest(name or rest, topics))
    looked = [by_topic[name], *(by_topic[other] for other in by_topic[name].under)]
    for section in looked:
        if found := section.field(rest):
            return [section.title, "", *_field(found, "", width)]
    known = [field.name for section in looked for field in section.fields]
    raise RequestError(f"{by_topic[name].title} has no field '{rest}'", hint=nearest(rest, known))


def _wrapped(text: str, width: int, indent: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
