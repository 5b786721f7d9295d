"""The command line's entry: finds the command, runs it, turns errors into lines and exit statuses."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from .. import __version__
from ..errors import StackbuildError, nearest, one_line
from . import (
    complete,
    diff,
    explain,
    fmt,
    graph,
    help,
    image,
    init,
    inspect,
    load,
    lock,
    push,
    query,
    sbom,
    schema,
    store,
    watch,
    why,
)
from .common import Several

_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
FAMILIES = (
    image,
    push,
    load,
    lock,
    explain,
    why,
    inspect,
    diff,
    query,
    graph,
    watch,
    sbom,
    store,
    init,
    fmt,
    complete,
    schema,
    help,
)


class _Parser(argparse.ArgumentParser):
    """One-line errors, with the nearest right word. chosen: the command that is being read."""

    chosen: argparse.ArgumentParser

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        _Parser.chosen = self
        _environment_twins(self)
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


def make_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = _Parser(prog="stackbuild", description="Container images as build targets.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"stackbuild {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for family in FAMILIES:
        family.add(commands)
    return parser


def _environment_twins(parser: argparse.ArgumentParser) -> None:
    """Every long flag can be given as STACKBUILD_FLAG; what is typed wins."""
    for action in parser._actions:
        flags = [flag for flag in action.option_strings if flag.startswith("--")]
        if not flags or flags[0] in ("--help", "--version"):
            continue
        name = "STACKBUILD_" + flags[0][2:].upper().replace("-", "_")
        action.help = f"{action.help or ''} [${name}]".strip()
        value = os.environ.get(name)
        if value is None or value == "":
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
    arguments = sys.argv[1:] if arguments is None else arguments
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        parser = make_parser()
        if not arguments:
            parser.print_help(sys.stderr)
            return 2
        if arguments[0] == complete.HIDDEN:
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
        where = f"{error.filename}: " if error.filename else ""
        print(one_line(f"stackbuild: {where}{error.strerror or error}"), file=sys.stderr)
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
