"""`stackbuild push`: build images and send them to registries."""

from __future__ import annotations

import argparse

from .common import (
    Commands,
    Several,
    add_build_options,
    add_specs,
    command,
    opened,
    print_json,
    print_lines,
    request_of,
    watching,
)


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "push", "Build images and push them, with all their platforms.", own=["--tag"])
    add_specs(parser)
    parser.add_argument(
        "--repository",
        action=Several,
        default=[],
        metavar="REPOSITORY",
        help="where to push instead of where the targets say; {path}, {name}, {git.commit}, {git.branch} and "
        "{env.NAME} are filled in; may be given several times",
    )
    parser.add_argument(
        "--tag",
        action=Several,
        default=[],
        metavar="TAG",
        help="tag instead of the targets' own, filled in likewise; may be given several times",
    )
    add_build_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build, push, and print what every image is called now."""
    request = request_of(options)
    with watching(options) as listener, opened(options) as workspace:
        pushed = workspace.push(
            *options.specs,
            request=request,
            repositories=options.repository,
            tags=options.tag,
            listener=listener,
        )
    if options.json:
        print_json({"images": [item.as_json() for item in pushed]})
    else:
        print_lines(item.reference for item in pushed)
    return 0
