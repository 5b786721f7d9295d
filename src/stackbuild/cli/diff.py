"""`stackbuild diff`: what differs between two images."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RequestError
from .common import Commands, add_build_options, command, output_file, print_lines, request_of, watching

if TYPE_CHECKING:
    from ..analyze.diff.compare import Comparison
    from ..deliver.progress import Quiet

_MOST = 50  # files shown of each platform
_MOST_OF_A_PAGE = 20_000


def add(commands: Commands) -> None:
    """Declare the command."""
    about = "Say what differs between two images: layers, files, configuration."
    parser = command(commands, "diff", about, own=["--against", "--html"])
    parser.add_argument(
        "specs",
        nargs="+",
        metavar="IMAGE",
        help="two of: a target, ./path of an image on disk, host/name:tag in a registry",
    )
    parser.add_argument(
        "--against", metavar="REV", help="compare one target with what it was at a revision of git"
    )
    parser.add_argument("--all", action="store_true", help=f"show all files (default: at most {_MOST})")
    parser.add_argument("--no-files", action="store_true", help="compare no files, and fetch no layers")
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="download layers that both share too, to be certain of every file",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every file")
    parser.add_argument("--html", metavar="FILE", help="write a page there, for a pull request")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when they differ")
    add_build_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare two images."""

    expected = 1 if options.against else 2
    if len(options.specs) != expected:
        raise RequestError(
            f"{len(options.specs)} images are named, and {expected} needed",
            hint="write 'diff A B', or 'diff --against REV TARGET'",
        )
    file = output_file("--html", options.html)
    with watching(options) as listener:
        compared = _compare(options, listener)
    if file:
        from ..analyze.diff.page import page

        most = None if options.all else _MOST_OF_A_PAGE
        file.write(page(compared, most).encode())
    if options.json:
        print(
            json.dumps(compared.data(), default=_plain)
        )  # on one line: with indents it takes five times as long
    elif not file:
        from ..analyze.diff.text import text

        print_lines(text(compared, None if options.all else _MOST))
    return 1 if options.exit_code and not compared.same else 0


def _compare(options: argparse.Namespace, listener: Quiet) -> Comparison:
    from ..analyze.diff.sides import kind_of
    from ..declare.workspace import is_workspace_root

    names = [name.strip() for name in options.specs]
    how: dict[str, Any] = {"files": not options.no_files, "fetch": options.fetch}
    here = Path.cwd()
    if all(kind_of(name) != "target" for name in names) and not any(
        map(is_workspace_root, (here, *here.parents))
    ):
        from ..analyze.diff.compare import compare_outside

        return compare_outside(names[0], names[-1], options.platform, listener.transfer, **how)
    from ..api import Workspace

    with Workspace.open() as workspace:
        return workspace.diff(
            *names, against=options.against, request=request_of(options), listener=listener, **how
        )


def _plain(change: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = change.data()
    return found
