"""`stackbuild image`: build targets and write their outputs."""

from __future__ import annotations

import argparse
import os

from .common import Commands, add_specs, command, print_json


def _jobs(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of jobs")
    return int(text)


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
    parser.add_argument("--platform", metavar="OS/ARCH", help="build for this platform only")
    parser.add_argument("--locked", action="store_true", help="refuse whatever stackbuild.lock does not pin")
    parser.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="targets at once (default: the cores)"
    )
    parser.add_argument("--explain", action="store_true", help="say why each target is built")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    default = "plain" if os.environ.get("CI") else "auto"
    parser.add_argument(
        "--progress",
        choices=("auto", "plain", "none"),
        default=default,
        help="how to show the build under way",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build, deliver, report."""
    from ..api import Request, Workspace
    from ..deliver.progress import choose

    request = Request(
        options.platform, options.format, options.output, options.tag, options.jobs, options.explain
    )
    with Workspace.open() as workspace:
        listener = choose(options.progress)
        try:
            results = workspace.build_explained(*options.specs, request=request, listener=listener)
        finally:
            listener.close()
        if options.json:
            print_json({"images": [built.as_json(workspace.root) for built, _ in results]})
            return 0
        from .explain import lines

        for built, reasons in results:
            for outcome, causes in reasons:
                print("\n".join(lines(str(outcome.node), outcome.status, causes)))
            print(built.row(workspace.root))
    return 0
