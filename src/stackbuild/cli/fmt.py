"""`stackbuild fmt`: BUILD.toml files in one style."""

from __future__ import annotations

import argparse
import sys

from .common import Commands, command


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "fmt", "Format BUILD.toml files; prints the paths of those that it changed.")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="PATH|SPEC",
        type=str.strip,
        help="files, folders or targets (default: all of the workspace); - formats standard input",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a file would change"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Format files, or standard input to standard output."""
    from pathlib import Path

    from ..declare.choose import chosen_files
    from ..declare.format import diff, formatted, rewrite
    from ..errors import Failures, Position, RequestError, StackbuildError

    if options.files == ["-"]:
        sys.stdout.buffer.write(formatted("<stdin>", sys.stdin.buffer.read()))
        return 0
    if "-" in options.files:
        raise RequestError("- stands alone: standard input is one file")
    faults: list[StackbuildError] = []
    changed = False
    for path, file in chosen_files(options.files, Path.cwd()).items():
        try:
            before = file.read_bytes()
            after = formatted(path, before)
            if before == after:
                continue
            if not options.check and not options.diff:
                rewrite(file, after)
        except StackbuildError as error:
            faults.append(error)
            continue
        except OSError as error:
            faults.append(RequestError(f"cannot be read: {error.strerror}", where=Position(path)))
            continue
        changed = True
        print(diff(path, before, after) if options.diff else path, end="" if options.diff else "\n")
    if faults:
        raise Failures(faults)
    return 1 if changed and options.check else 0
