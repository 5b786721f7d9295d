"""Writes docs/reference/targets.md from the models that check BUILD.toml."""

from __future__ import annotations

from pathlib import Path

from stackbuild.declare.fields import Fields
from stackbuild.declare.workspace import Settings
from stackbuild.targets.registry import load_types

BUILT_IN = ("files", "archive", "base", "image", "index")


def section(title: str, model, skip: frozenset[str] = frozenset()) -> list[str]:
    """One table of fields."""
    lines = [f"## {title}", "", (model.__doc__ or "").strip(), "", "| field | |", "| --- | --- |"]
    for name, field in model.model_fields.items():
        if name not in skip:
            text = " ".join((field.description or "").split()).replace("|", "\\|")
            lines.append(f"| `{name}`{' (required)' if field.is_required() else ''} | {text} |")
    return [*lines, ""]


def targets() -> str:
    """The page."""
    lines = ["# Targets", "", "Made from the models by `make docs`; not edited by hand.", ""]
    lines += section("[workspace]", Settings) + section("Every target", Fields)
    types = load_types()
    for name in BUILT_IN:
        common = frozenset(Fields.model_fields) - ({"tags"} if name == "image" else set())
        lines += section(f"[{name}.NAME]", types[name].fields, common)
    return "\n".join(lines)


if __name__ == "__main__":
    Path(__file__).with_name("reference").joinpath("targets.md").write_text(targets())
