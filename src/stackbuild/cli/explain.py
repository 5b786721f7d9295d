"""`stackbuild explain`: why each layer is, or is not, rebuilt."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .common import Commands, add_locked, add_specs, command, opened, print_json, print_lines

_MOST = 8  # causes shown of one target


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "explain", "Say why each target would, or would not, be built now.")
    add_specs(parser)
    add_locked(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every cause")
    parser.set_defaults(run=run)


def lines(name: str, status: str, causes: Sequence[str]) -> list[str]:
    """One target's explanation, for people."""
    shown = [f"    {cause}" for cause in causes[:_MOST]]
    if len(causes) > _MOST:
        shown.append(f"    and {len(causes) - _MOST} more")
    return [f"{status:<8}{name}", *shown]


def run(options: argparse.Namespace) -> int:
    """Explain."""
    with opened(options) as workspace:
        reasons = list(workspace.explain(*options.specs, locked=options.locked))
    if options.json:
        print_json(
            {
                "targets": [
                    {
                        "target": str(reason.node.address),
                        "variant": str(reason.node.variant),
                        "status": reason.status,
                        "causes": reason.causes,
                    }
                    for reason in reasons
                ]
            }
        )
        return 0
    for reason in reasons:
        print_lines(lines(str(reason.node), reason.status, reason.causes))
    return 0
