"""`stackbuild why`: the shortest cause of each rebuild, or of a difference from a revision or a machine."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from .common import Commands, add_locked, add_specs, command, opened, print_json, print_lines

_MOST = 8  # causes shown


def add(commands: Commands) -> None:
    """Declare the command."""
    about = "Say what made targets change, file by file and field by field."
    parser = command(commands, "why", about, own=["--against"])
    add_specs(parser)
    add_locked(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--against",
        metavar="REV|FILE.json",
        help="compare with a git revision or a record (default: the build before)",
    )
    what.add_argument(
        "--export",
        metavar="FILE.json",
        help="build, and write a record of what the targets are made of, to compare with elsewhere",
    )
    parser.add_argument("--all", action="store_true", help=f"show every cause (default: {_MOST} at most)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every cause")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Explain, or export."""
    from ..build.why.telling import as_json, lines
    from ..deliver.progress import choose

    with opened(options) as workspace:
        if options.export is not None:
            with contextlib.closing(choose("plain" if os.environ.get("CI") else "auto")) as listener:
                done = workspace.export(
                    *options.specs, file=options.export, locked=options.locked, listener=listener
                )
            if options.json:
                print_json({"record": options.export, "targets": done})
            else:
                print_lines([f"wrote {options.export}  {done} {'target' if done == 1 else 'targets'}"])
            return 0
        found = workspace.why(*options.specs, against=options.against, locked=options.locked)
    if options.json:
        print_json(as_json(found))
    else:
        print_lines(lines(found, sys.maxsize if options.all else _MOST))
    return 0
