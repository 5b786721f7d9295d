"""`stackbuild schema`: the JSON Schema of BUILD.toml."""

from __future__ import annotations

import argparse

from .common import Commands, command, print_json


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "schema", "Print the JSON Schema of BUILD.toml, for editors.")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the schema of every installed target type."""
    from ..declare.schema import build_schema
    from ..ecosystems.settings import load_settings
    from ..targets.registry import load_types

    models = {name: kind.fields for name, kind in load_types().items()}
    print_json(build_schema(models, load_settings()))
    return 0
