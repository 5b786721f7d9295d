"""`stackbuild watch`: build again whenever something changes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import Commands, Several, add_build_options, add_specs, command, opened, request_of, watching

if TYPE_CHECKING:
    from ..api import Workspace
    from ..deliver.load import Container
    from ..errors import StackbuildError


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "watch",
        "Build targets, and again whenever a file or BUILD.toml changes that they stand on.",
    )
    add_specs(parser)
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--load", action="store_true", help="load images into podman or docker")
    doing.add_argument("--push", action="store_true", help="push images")
    doing.add_argument(
        "--run",
        dest="running",
        action="store_true",
        help="run the image, and start it anew when it is another",
    )
    parser.add_argument(
        "--engine", choices=("podman", "docker"), help="which to use (default: the first that is there)"
    )
    parser.add_argument(
        "--option",
        action=Several,
        default=[],
        metavar="OPTION",
        help="an option for the engine's run, as --option=--publish=8080:80; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each image built")
    add_build_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Watch until interrupted."""
    from ..declare.workspace import open_workspace
    from ..ecosystems.settings import settings_of
    from ..watch import watch

    here = Path.cwd()  # which may come and go, as with another branch
    root = open_workspace(here, settings_of).root
    turns = _Turns(options)
    print(f"watching {' '.join(options.specs)}; Ctrl-C ends it", file=sys.stderr, flush=True)
    try:
        watch(root, lambda: opened(options, here), options.specs, turns.act, turns.failed)
    finally:
        turns.stop()


class _Turns:
    """What is done at each turn: build, deliver as the options say, and print what is new."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._printed: dict[str, str] = {}
        self._failure: list[str] = []
        self._container: Container | None = None

    def act(self, workspace: Workspace) -> None:
        """One turn."""
        from ..errors import RequestError

        options, request = self._options, request_of(self._options)
        with watching(options) as listener:
            if options.push:
                for pushed in workspace.push(*options.specs, request=request, listener=listener):
                    self._print(str(pushed.repository), pushed.reference, pushed.as_json())
            elif options.load or options.running:
                loaded = workspace.load(
                    *options.specs, request=request, engine=options.engine, listener=listener
                )
                if options.running and len(loaded) > 1:
                    raise RequestError(f"the specs mean {len(loaded)} images", hint="run one")
                for item in loaded:
                    if self._print(str(item.address), item.row(), item.as_json()) and options.running:
                        self._restart(item.engine, item.identity)
            else:
                for built in workspace.build(*options.specs, request=request, listener=listener):
                    data = built.as_json(workspace.root)
                    self._print(data["address"], built.row(workspace.root), data, data["digest"])
        self._failure = []

    def failed(self, error: StackbuildError) -> None:
        """Say what went wrong, unless that was said just now."""
        if error.lines() != self._failure:
            self._failure = error.lines()
            print("\n".join(self._failure), file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Leave no container behind."""
        if self._container:
            self._container.stop()

    def _print(self, name: str, text: str, data: dict[str, Any], mark: str = "") -> bool:
        """Print a row unless it says what the last one did; whether it is new."""
        mark = mark or text
        if self._printed.get(name) == mark:
            return False
        self._printed[name] = mark
        print(json.dumps(data) if self._options.json else text, flush=True)
        return True

    def _restart(self, engine: str, identity: str) -> None:
        from ..deliver.load import Container

        self.stop()
        self._container = Container(engine, identity, self._options.option, ())
