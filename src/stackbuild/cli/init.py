"""`stackbuild init`: a first BUILD.toml, from what lies in the tree or from a Dockerfile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .common import Commands, Several, command, print_json


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "init", "Write a first BUILD.toml for what is here, or from a Dockerfile.")
    parser.add_argument("--from", dest="dockerfile", metavar="DOCKERFILE", help="translate this Dockerfile")
    parser.add_argument(
        "--context", metavar="DIR", help="the folder that COPY means (default: the Dockerfile's)"
    )
    parser.add_argument("--name", default="img", metavar="NAME", help="what to call the image (default: img)")
    parser.add_argument("--target", metavar="STAGE", help="the stage to translate (default: the last)")
    parser.add_argument(
        "--build-arg", action=Several, default=[], metavar="NAME=VALUE", help="a value for an ARG"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be written, and write nothing"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Propose, and write; what a Dockerfile says that has no translation goes to standard error."""
    from ..errors import one_line
    from ..init.propose import from_dockerfile, propose
    from ..init.write import write_all

    here = Path.cwd()
    if options.dockerfile:
        found = from_dockerfile(
            Path(options.dockerfile), here, context=Path(options.context) if options.context else None,
            name=options.name, target=options.target, build_args=_arguments(options.build_arg),
        )  # fmt: skip
    else:
        found = propose(here)
    for line in [*found.passed, *map(str, found.notes)]:
        print(one_line(line), file=sys.stderr)
    if not options.dry_run:
        write_all(found.root, found.files)
    if options.json:
        print_json(found.as_json(written=not options.dry_run))
    else:
        for line in found.lines(written=not options.dry_run):
            print(line)
    return 0


def _arguments(texts: list[str]) -> dict[str, str]:
    from ..errors import RequestError

    for text in texts:
        if "=" not in text:
            raise RequestError(f"--build-arg '{text}' is no NAME=VALUE", hint=f"write {text}=…")
    return dict(text.partition("=")[::2] for text in texts)
