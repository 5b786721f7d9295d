"""Writes the reference pages from the models that check BUILD.toml and the parser that reads commands."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from stackbuild.analyze.check.report import ordered
from stackbuild.cli.main import make_parser
from stackbuild.declare.fields import Fields
from stackbuild.ecosystems.deb import known
from stackbuild.ecosystems.ecosystem import PackagesFields
from stackbuild.ecosystems.registry import load_ecosystems
from stackbuild.ecosystems.settings import load_settings
from stackbuild.targets.checking import Budget
from stackbuild.targets.registry import load_types

BUILT_IN = ("files", "archive", "base", "image", "index")
ECOSYSTEMS = ("deb", "wheel", "npm")
MADE = "Made by `make docs`; not edited by hand."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def section(title: str, model, skip: frozenset[str] = frozenset()) -> list[str]:
    """One table of fields."""
    lines = [f"## {title}", "", (model.__doc__ or "").strip(), "", "| field | |", "| --- | --- |"]
    for name, field in model.model_fields.items():
        if name not in skip:
            required = " (required)" if field.is_required() else ""
            lines.append(f"| `{name}`{required} | {_cell(field.description or '')} |")
    return [*lines, ""]


def targets() -> str:
    """The page of target types."""
    lines = ["# Targets", "", MADE, ""]
    lines += section("[workspace]", load_settings())
    ecosystems = {name: load_ecosystems()[name] for name in ECOSYSTEMS}
    for name, ecosystem in ecosystems.items():
        if ecosystem.settings:
            lines += section(f"[workspace.{name}.NAME]", ecosystem.settings)
    lines += section("Every target", Fields)
    types = load_types()
    for name in BUILT_IN:
        common = frozenset(Fields.model_fields) - ({"tags"} if name == "image" else set())
        lines += section(f"[{name}.NAME]", types[name].fields, common)
        if name == "image":
            lines += section("[image.NAME.budget]", Budget)
    lines += section("[packages.NAME]", PackagesFields, frozenset(Fields.model_fields))
    for name, ecosystem in ecosystems.items():
        title = f'[packages.NAME] with ecosystem = "{name}"'
        lines += section(title, ecosystem.fields, frozenset(PackagesFields.model_fields))
    return "\n".join(lines)


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
    lines += ["Every long option has an environment twin: `--output` is `$STACKBUILD_OUTPUT`."]
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
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        Path(__file__).with_name("reference").joinpath(name).write_text(page())
