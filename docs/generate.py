"""Writes the reference pages from the models that check BUILD.toml and the parser that reads commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from stackbuild.analyze.check.report import ordered
from stackbuild.cli.main import make_parser
from stackbuild.deliver import events
from stackbuild.ecosystems.deb import known
from stackbuild.targets.manual import EVERY, Section, sections

TARGETS = (EVERY, "files", "archive", "base", "image", "index", "packages", "deb", "wheel", "npm")
TOPICS = ("workspace", "workspace.deb", *TARGETS)
MADE = "Made by `make docs`; not edited by hand."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table(title: str, doc: str, fields: Iterable[tuple[str, str]]) -> list[str]:
    """One table of fields, each with its words."""
    rows = [f"| {name} | {_cell(words)} |" for name, words in fields]
    return [f"## {title}", "", doc, "", "| field | |", "| --- | --- |", *rows, ""]


def section(found: Section) -> list[str]:
    """What people may write of a type, or of the workspace."""
    fields = ((f"`{item.name}`{' (required)' if item.required else ''}", item.doc) for item in found.fields)
    return table(found.title, found.doc, fields)


def targets() -> str:
    """The page of target types, without those of plugins."""
    order = {topic: number for number, topic in enumerate(TOPICS)}
    found = sorted((item for item in sections() if item.topic in order), key=lambda item: order[item.topic])
    return "\n".join(["# Targets", "", MADE, "", *(line for item in found for line in section(item))])


def _leaves(name: str, parser: argparse.ArgumentParser):
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for sub in subs:
        for word, inner in sub.choices.items():
            yield from _leaves(f"{name} {word}", inner)
    if not subs:
        yield name, parser


def commands() -> str:
    """The page of commands."""
    lines = ["# Commands", "", MADE, ""]
    lines += ["Every long option has an environment twin: `--jobs` is `$STACKBUILD_JOBS`. One that"]
    lines += ["means something else in another command has the command's name in it: `sbom --output` is"]
    lines += ["`$STACKBUILD_SBOM_OUTPUT`; `--help` tells."]
    lines += ["Exit status: 0 done, 1 failed, 2 the request or a BUILD.toml is wrong, 130 interrupted.", ""]
    for name, parser in _leaves("stackbuild", make_parser()):
        positional = [action for action in parser._actions if not action.option_strings]
        names = [f"{a.metavar or a.dest}{'…' if a.nargs in ('+', '*') else ''}" for a in positional]
        usage = " ".join([name, *names])
        lines += [f"## {usage}", "", parser.description or "", ""]
        rows = []
        for action in positional + [action for action in parser._actions if action.option_strings]:
            if "--help" in action.option_strings:
                continue
            value = action.metavar or ("|".join(action.choices) if action.choices else "")
            shown = " ".join(filter(None, [", ".join(action.option_strings), value]))
            rows.append(f"| `{_cell(shown)}` | {_cell((action.help or '').replace('%%', '%'))} |")
        lines += ["| | |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join(lines)


def _says(step: known.Step) -> str:
    """What a step makes, in a few words."""
    match step:
        case known.Copy(source, path):
            return f"`/{path}` from `/{source}`"
        case known.Link(path, target):
            return f"`/{path}` → `{target}`"
        case known.Capability(path, text):
            return f"`/{path}` with `{text}`"
        case _:
            return f"`/{step.path}`"


def debian_scripts() -> str:
    """The page of Debian's maintainer scripts; the words are in a page of their own, the table is made."""
    text = Path(__file__).with_name("debian-scripts.md.in").read_text().replace("@MADE@", MADE)
    rows = [f"| {name} | {', '.join(map(_says, steps))} |" for name, steps in known.STEPS.items() if steps]
    names = re.sub(r"\s+", "", known.SETTLED.pattern).split("|")
    settled = ", ".join(f"`{name}`" for name in names)
    return text.replace("@STEPS@", "\n".join(rows)).replace("@SETTLED@", settled)


def events_page() -> str:
    """The page of `--events`."""
    lines = ["# Events", "", MADE, ""]
    lines += ["`--events FILE` writes one JSON object a line, as it happens; fields are always there.", ""]
    lines += _event("Every event", events.Event)
    for kind in events.Event.__subclasses__():
        lines += _event(kind.model_fields["event"].default, kind, frozenset(events.Event.model_fields))
    lines += _event("Errors", events.Fault)
    lines += _event("Layers", events.Layer)
    return "\n".join(lines)


def _event(title: str, model: type[BaseModel], skip: frozenset[str] = frozenset()) -> list[str]:
    fields = [(name, field) for name, field in model.model_fields.items() if name not in skip]
    words = ((f"`{name}`", field.description or "") for name, field in fields)
    return table(title, (model.__doc__ or "").strip(), words)


def checks() -> str:
    """The page of rules that images are checked by."""
    lines = ["# Checks", "", MADE, ""]
    lines += ["The rules of `stackbuild check`; see [check images](../how-to/check-images.md)."]
    lines += ["A name goes into an image's `allow`, with a reason.", ""]
    lines += [f"- [`{rule.name}`](#{rule.name}) ({rule.level}): {rule.title}" for rule in ordered()]
    for rule in ordered():
        lines += ["", f"## {rule.name}", "", f"{rule.level.capitalize()}: {rule.title}.", "", rule.doc]
    return "\n".join([*lines, ""])


PAGES = {
    "targets.md": targets,
    "commands.md": commands,
    "checks.md": checks,
    "debian-scripts.md": debian_scripts,
    "events.md": events_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        Path(__file__).with_name("reference").joinpath(name).write_text(page())
