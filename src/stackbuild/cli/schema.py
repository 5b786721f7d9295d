"""`stackbuild schema`: the JSON Schema of BUILD.toml."""

from __future__ import annotations

import argparse

from .common import Commands, command, print_json


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "schema", "Print the JSON Schema of BUILD.toml, for editors.")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the schema of every installed target type; it knows the [defaults] of the workspace, if any."""
    from pathlib import Path

    from ..declare.schema import build_schema, given_fields
    from ..declare.workspace import open_workspace
    from ..ecosystems.settings import load_settings
    from ..errors import RequestError
    from ..targets.registry import load_types

    try:
        given = given_fields(open_workspace(Path.cwd()))
    except RequestError:  # none here, or one that is wrong
        given = {}
    models = {name: kind.fields for name, kind in load_types().items()}
    print_json(build_schema(models, load_settings(), given))
    return 0
