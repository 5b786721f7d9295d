"""The command line's entry: finds the command, runs it, turns errors into lines and exit statuses."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from .. import __version__
from ..errors import StackbuildError, nearest, one_line
from .common import HIDDEN, Several

_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
FAMILIES = {
    "image": ("image",),
    "push": ("push",),
    "load": ("load", "run"),
    "lock": ("lock",),
    "explain": ("explain",),
    "why": ("why",),
    "inspect": ("inspect",),
    "diff": ("diff",),
    "check": ("check",),
    "query": ("list", "deps", "dependents", "paths"),
    "graph": ("graph",),
    "watch": ("watch",),
    "sbom": ("sbom",),
    "store": ("store",),
    "init": ("init",),
    "fmt": ("fmt",),
    "complete": ("completions",),
    "schema": ("schema",),
    "help": ("help",),
}
"""Module -> the commands that it adds; it is imported for them, or for all of them together."""


class _Parser(argparse.ArgumentParser):
    """One-line errors, with the nearest right word. chosen: the command that is being read."""

    chosen: argparse.ArgumentParser

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        _Parser.chosen = self
        _environment_twins(self, sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        if found := re.match(r"argument .*: invalid choice: '(.*?)' \(choose from (.*)\)", message):
            known = [word.strip("' ") for word in found[2].split(",")]
            message = f"unknown command or choice '{found[1]}'; {nearest(found[1], known)}"
        elif found := re.match(r"unrecognized arguments: (--\S+)", message):
            flags = {flag for action in _Parser.chosen._actions for flag in action.option_strings}
            message = f"unknown option {found[1].partition('=')[0]}; {nearest(found[1], flags)}"
        print(one_line(f"stackbuild: {message}"), file=sys.stderr)
        raise SystemExit(2)


class Terminated(KeyboardInterrupt):
    """SIGTERM: as Ctrl-C, but for the exit status."""


def _terminate(*_: object) -> NoReturn:
    raise Terminated


def make_parser(families: Iterable[str] = FAMILIES) -> argparse.ArgumentParser:
    """The parser of every command of some families."""
    parser = _Parser(prog="stackbuild", description="Container images as build targets.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"stackbuild {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for family in families:
        importlib.import_module(f".{family}", __package__).add(commands)
    return parser


def _families(first: str) -> Iterable[str]:
    """The families that can be meant by a first argument; `help` is about all."""
    if first == "--version":
        return ()
    found = [family for family, names in FAMILIES.items() if first in names and family != "help"]
    return found or FAMILIES


def twin(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The environment variable that stands for a long flag: STACKBUILD_FLAG, or STACKBUILD_COMMAND_FLAG where
    the flag is the command's own; "" where there is none."""
    flag = next((flag for flag in action.option_strings if flag.startswith("--")), "--help")
    if flag in ("--help", "--version"):
        return ""
    words = parser.prog.split()[1:] if flag in getattr(parser, "own", ()) else []
    return "_".join(["stackbuild", *words, flag[2:].replace("-", "_")]).upper()


def _environment_twins(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Take what the environment says for flags; what is typed wins, over what it excludes too."""
    typed = {text.partition("=")[0] for text in arguments}
    excluded = {
        action
        for group in parser._mutually_exclusive_groups
        if any(typed.intersection(action.option_strings) for action in group._group_actions)
        for action in group._group_actions
    }
    for action in parser._actions:
        name = twin(parser, action)
        if not name:
            continue
        action.help = f"{action.help or ''} [${name}]".strip()
        value = os.environ.get(name)
        if not value or action in excluded:
            continue
        if action.nargs == 0:
            if value.lower() not in _SWITCH:
                parser.error(f"{name} is '{value}'; write 1 or 0")
            action.default = _SWITCH[value.lower()]
        elif isinstance(action, Several):
            action.default = value.split()
        elif action.choices and value not in action.choices:
            parser.error(f"{name} is '{value}'; {nearest(value, [str(item) for item in action.choices])}")
        else:
            action.default = value


def _shield(arguments: Sequence[str]) -> list[str]:
    """A spec that is taken away begins with "-", but is no option."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    specs = [f" {text}" if re.match(r"-[^-h]|-h.", text) else text for text in arguments[:end]]
    return [*specs, *arguments[end:]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 failed, 2 wrong request, 130 interrupted."""
    began = time.monotonic_ns()
    sys.setswitchinterval(0.001)  # threads that come back from long calls are not kept waiting
    # Next to nothing that is made here lies in a cycle; looking for some took a fifth of a large no-op.
    gc.set_threshold(1_000_000, 20, 20)
    gc.enable()
    arguments = sys.argv[1:] if arguments is None else arguments
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        parser = make_parser(_families(arguments[0] if arguments else ""))
        if not arguments:
            parser.print_help(sys.stderr)
            return 2
        if arguments[0] == HIDDEN:
            from . import complete

            return complete.answer(parser, arguments[1:])
        options = parser.parse_args(_shield(arguments))
        options.began = began
        return int(options.run(options))
    except StackbuildError as error:
        for line in error.lines():
            print(line, file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        return 143 if isinstance(error, Terminated) else 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(one_line(f"stackbuild: {place}{error.strerror or error}"), file=sys.stderr)
        return 1
    except Exception as error:
        if os.environ.get("STACKBUILD_DEBUG"):
            raise
        kind = type(error).__name__
        print(
            one_line(
                f"stackbuild: a fault of stackbuild itself: {kind}: {error}; set STACKBUILD_DEBUG=1 "
                "to see where, and report it"
            ),
            file=sys.stderr,
        )
        return 1
