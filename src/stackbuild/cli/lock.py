"""`stackbuild lock`: pin what targets stand on outside of the tree."""

from __future__ import annotations

import argparse

from .common import Commands, add_specs, command, opened, print_lines


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "lock", "Pin base images and packages in stackbuild.lock.")
    add_specs(parser, required=False)
    parser.add_argument(
        "--upgrade", action="store_true", help="move the pins to what tags and archives have now"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit status 1 when the lock is stale"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Lock, and print what changed, old -> new."""
    from ..errors import RequestError

    if options.check and options.upgrade:
        raise RequestError("--check and --upgrade exclude each other")
    with opened(options) as workspace:
        if options.check:
            workspace.check_lock(*options.specs)
            return 0
        print_lines(workspace.lock(*options.specs, upgrade=options.upgrade).lines())
    return 0
