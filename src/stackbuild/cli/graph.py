"""`stackbuild graph`: the graph of targets, drawn."""

from __future__ import annotations

import argparse
import sys

from .common import Commands, add_specs, command, opened, output_file, print_json


def add(commands: Commands) -> None:
    """Declare the command."""
    about = "Draw targets and all they need. Builds nothing."
    parser = command(commands, "graph", about, own=["--format", "--html"])
    add_specs(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--format",
        choices=("dot", "mermaid", "json"),
        default="dot",
        help="dot for Graphviz (default), mermaid, or json with sizes, sharing and the last build",
    )
    forms.add_argument("--json", action="store_true", help="print one JSON object, as --format json")
    forms.add_argument("--html", metavar="FILE", help="write a page to look around in, instead of printing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw."""
    from ..analyze.graph.document import document
    from ..analyze.graph.dot import dot
    from ..analyze.graph.mermaid import mermaid
    from ..analyze.graph.page import page

    file = output_file("--html", options.html)
    with opened(options) as workspace:
        facts = workspace.facts(*options.specs)
    if file:
        file.write(page(document(facts)).encode())
    elif options.json or options.format == "json":
        print_json(document(facts))
    else:
        sys.stdout.write({"dot": dot, "mermaid": mermaid}[options.format](facts))
    return 0
