"""`stackbuild load` and `stackbuild run`: images in podman or docker on this machine."""

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

_ENGINES = ("podman", "docker")


def add(commands: Commands) -> None:
    """Declare the commands."""
    parser = command(commands, "load", "Build images and load them into podman or docker.", own=["--tag"])
    add_specs(parser)
    parser.add_argument(
        "--tag",
        action=Several,
        default=[],
        metavar="NAME:TAG",
        help="name in the engine instead of the one that it is pushed under; may be given several times",
    )
    _add_engine(parser)
    add_build_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=load)
    parser = command(
        commands, "run", "Build an image, load it, and run it: stackbuild run SPEC -- ARGUMENT..."
    )
    parser.add_argument("spec", metavar="SPEC", help="an image")
    parser.add_argument(
        "arguments", nargs="*", metavar="ARGUMENT", help="arguments of the entrypoint, after --"
    )
    parser.add_argument(
        "--option",
        action=Several,
        default=[],
        metavar="OPTION",
        help="option for the engine's run, as --option=--network=host; may be given several times",
    )
    _add_engine(parser)
    add_build_options(parser)
    parser.set_defaults(run=run)


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=_ENGINES, help="which to use (default: the first that is there)")


def load(options: argparse.Namespace) -> int:
    """Build, load, and print the names."""

    request = request_of(options)
    with watching(options) as listener, opened(options) as workspace:
        loaded = workspace.load(
            *options.specs, request=request, engine=options.engine, tags=options.tag, listener=listener
        )
    if options.json:
        print_json({"images": [item.as_json() for item in loaded]})
    else:
        print_lines(item.row() for item in loaded)
    return 0


def run(options: argparse.Namespace) -> int:
    """Build, load, run; the exit status is the container's."""
    from ..api import Workspace
    from ..deliver.load import run as run_in_engine
    from ..errors import RequestError

    request = request_of(options)
    with watching(options) as listener, Workspace.open() as workspace:
        loaded = workspace.load(options.spec, request=request, engine=options.engine, listener=listener)
    if len(loaded) > 1:
        raise RequestError(f"'{options.spec}' means {len(loaded)} images", hint="run one")
    return run_in_engine(loaded[0].engine, loaded[0].identity, options.option, options.arguments)
