"""`stackbuild inspect`: layers, sizes and files of a target or of an image on disk."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from .common import Commands, add_locked, command, print_json, print_lines


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "inspect", "List layers, sizes and files of a target, or of an image on disk.")
    parser.add_argument(
        "what", metavar="SPEC|PATH", help="a target, an OCI layout, or an OCI or docker archive"
    )
    parser.add_argument("--files", action="store_true", help="list the files of every layer")
    parser.add_argument("--platform", metavar="OS/ARCH", help="of an image on disk that has several")
    add_locked(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Describe one image."""
    from ..analyze.inspect import inspect_path, text
    from ..oci.source import may_be_image

    files = options.files or options.json
    path = Path(options.what)
    if may_be_image(path):
        with tempfile.TemporaryDirectory() as folder:
            described = inspect_path(path, Path(folder), options.platform, files=files)
    else:
        from ..api import Workspace

        with Workspace.open() as workspace:
            described = workspace.inspect(
                options.what, platform=options.platform, files=files, locked=options.locked
            )
    if options.json:
        print_json({"images": described})
    else:
        print_lines(text(described))
    return 0
