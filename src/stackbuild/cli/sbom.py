"""`stackbuild sbom`: the bill of materials of an image."""

from __future__ import annotations

import argparse
import sys

from .common import Commands, add_build_options, command, output_file, request_of, watching


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "sbom",
        "Print the bill of materials of an image: its packages, layer by layer.",
        own=["--format", "--output"],
    )
    parser.add_argument("spec", metavar="SPEC", help="an image")
    parser.add_argument(
        "--format",
        choices=("spdx", "cyclonedx"),
        default="spdx",
        help="SPDX 2.3 (default) or CycloneDX 1.6, as JSON",
    )
    parser.add_argument("--output", metavar="FILE", help="write it there instead of to standard output")
    add_build_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the image, and say what is in it."""
    from ..analyze.sbom.document import text
    from ..api import Workspace

    file = output_file("--output", options.output)
    with watching(options) as listener, Workspace.open() as workspace:
        request = request_of(options, output="none")
        found = text(workspace.sbom(options.spec, format=options.format, request=request, listener=listener))
    if file:
        file.write(found.encode())
    else:
        sys.stdout.write(found)
    return 0
