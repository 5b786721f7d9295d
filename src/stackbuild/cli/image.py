"""`stackbuild image`: build targets and write their outputs."""

from __future__ import annotations

import argparse

from .common import (
    Commands,
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
    parser = command(commands, "image", "Build images, or any other targets.")
    add_specs(parser)
    parser.add_argument(
        "--format",
        choices=("oci", "oci-archive", "docker-archive"),
        default="oci",
        help="what to write (default: oci, a layout folder)",
    )
    parser.add_argument(
        "--output", metavar="PATH", help='where to write; "none" for nowhere (default: dist/)'
    )
    parser.add_argument("--tag", metavar="NAME:TAG", help="name of the image inside the output")
    add_build_options(parser)
    parser.add_argument("--explain", action="store_true", help="say why each target is built")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run, repeatable=True)


def run(options: argparse.Namespace) -> int:
    """Build, deliver, report."""
    request = request_of(
        options, format=options.format, output=options.output, tag=options.tag, explain=options.explain
    )
    with watching(options) as listener, opened(options) as workspace:
        results = workspace.build_explained(*options.specs, request=request, listener=listener)
    if options.json:
        print_json({"images": [built.as_json(workspace.root) for built, _ in results]})
        return 0
    for built, reasons in results:
        if reasons:
            from .explain import lines
        for outcome, causes in reasons:
            print_lines(lines(str(outcome.node), outcome.status, causes))
        print_lines([built.row(workspace.root)])
    return 0
