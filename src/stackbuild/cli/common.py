"""What several commands share: the arguments that name targets, and JSON on standard output."""

from __future__ import annotations

import argparse
import json
from typing import Any

Commands = Any  # argparse's sub-parsers action, which has no public name


def command(commands: Commands, name: str, help: str) -> argparse.ArgumentParser:
    """A new command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=help, allow_abbrev=False
    )
    return parser


def add_specs(parser: argparse.ArgumentParser) -> None:
    """The targets that a command is about."""
    parser.add_argument(
        "specs",
        nargs="+",
        metavar="SPEC",
        type=str.strip,
        help="//folder:name, //folder:all, //folder/..., or one of them with - before it",
    )


def print_json(value: Any) -> None:
    """A result for programs."""
    print(json.dumps(value, indent=2))
