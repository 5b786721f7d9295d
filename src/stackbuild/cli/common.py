"""What several commands share: the arguments that name targets, and JSON on standard output."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import one_line

if TYPE_CHECKING:
    from ..api import Request, Workspace
    from ..deliver.progress import Quiet
    from ..store.output import OutputFile

HIDDEN = "__complete"
"""The command that shells ask for what may be completed; it is in no list."""
Commands = Any  # argparse's sub-parsers action, which has no public name


def command(
    commands: Commands, name: str, help: str, *, own: Collection[str] = ()
) -> argparse.ArgumentParser:
    """A new command. own: flags that mean something else in other commands; the name of the command is in
    their environment twins."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=help, allow_abbrev=False
    )
    parser.set_defaults(command=name)
    parser.own = frozenset(own)  # type: ignore[attr-defined]
    return parser


def add_specs(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The targets that a command is about; by default all, when it does not require any."""
    parser.add_argument(
        "specs",
        nargs="+" if required else "*",
        metavar="SPEC",
        type=str.strip,
        action=_Specs,
        help="//folder:name, //folder:all, //folder/..., one of them with - before it, or - alone to read "
        "them from standard input, one a line",
    )
    parser.add_argument(
        "--changed-since",
        metavar="REV",
        help="only those that differ from a git revision, with work not committed; REV... is where REV and "
        "the present branch parted",
    )
    parser.add_argument(
        "--dependents",
        choices=("none", "direct", "transitive"),
        default="none",
        help="with --changed-since: those that depend on what changed, too (default: none)",
    )


class _Specs(argparse.Action):
    """Specs as typed, with those of standard input in the place of "-"."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        namespace.piped = "-" in values
        found: list[str] = []
        for text in values:
            try:
                lines = sys.stdin.read().splitlines() if text == "-" else [text]
            except (AttributeError, OSError, ValueError):  # closed, write-only, or not in the user's encoding
                parser.error("no specs can be read from standard input; give it text, an address a line")
            found += [line.strip() for line in lines if line.strip()]
        setattr(namespace, self.dest, found)


def opened(options: argparse.Namespace, here: str | os.PathLike[str] = ".") -> Workspace:
    """The workspace of a folder, its specs narrowed as the options of `add_specs` say."""
    from ..api import Workspace

    since = None
    if options.changed_since is not None:  # an empty one is refused: it may be a variable that is not set
        from ..build.changed import Since

        since = Since(options.changed_since, options.dependents)
    return Workspace.open(
        os.fspath(here),
        since=since,
        optional=getattr(options, "piped", False),
        note=lambda text: print(one_line(f"note: {text}"), file=sys.stderr),
    )


class Several(argparse.Action):
    """An option that may be given several times; what is typed replaces the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        found = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*([] if found is self.default else found), values])


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """How a build is to go: for every command that builds first."""
    parser.add_argument("--platform", metavar="OS/ARCH", help="build for this platform only")
    add_locked(parser)
    parser.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="targets at once (default: the cores)"
    )
    parser.add_argument(
        "--progress",
        choices=("auto", "plain", "none"),
        default="plain" if os.environ.get("CI") else "auto",
        help="how to show what is under way (default: auto; plain when $CI is set)",
    )
    parser.add_argument(
        "--trace", metavar="FILE", help="write what each thread did, for Perfetto or chrome://tracing"
    )
    parser.add_argument("--report", metavar="FILE", help="write a page about the build, as build.html")
    parser.add_argument(
        "--events", metavar="FILE", help="write what happens, as JSON lines, while it happens"
    )


def add_locked(parser: argparse.ArgumentParser) -> None:
    """Whether stackbuild.lock must say everything."""
    parser.add_argument(
        "--locked",
        action="store_true",
        default=bool(os.environ.get("CI")),
        help="refuse whatever stackbuild.lock does not pin (default when $CI is set)",
    )


def request_of(options: argparse.Namespace, **more: Any) -> Request:
    """The build that the options of `add_build_options` ask for; more: the command's own."""
    from ..api import Request

    return Request(platform=options.platform, jobs=options.jobs, locked=options.locked, **more)


def _jobs(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of jobs")
    return int(text)


@contextlib.contextmanager
def watching(options: argparse.Namespace) -> Iterator[Quiet]:
    """The progress on standard error, and the events, report and trace that the options of
    `add_build_options` ask for, for as long as the block lasts. Raises RequestError."""
    from ..deliver.progress import choose
    from ..trace import recording

    specs = list(options.specs) if "specs" in options else [options.spec]
    with contextlib.ExitStack() as stack:
        progress = choose(options.progress)
        stack.callback(progress.close)
        listeners, note = [progress], progress.note
        if options.events is not None:
            from ..deliver.stream import events

            told = events(options.events, options.command, specs, options.platform, note)
            listeners.append(stack.enter_context(told))
        if _is_repeatable(options):
            from ..deliver.keeping import keeping

            listeners.append(stack.enter_context(keeping("3" if options.json else "2", options.tag)))
        if options.report is not None or options.trace is not None:
            recorder = stack.enter_context(recording(options.began))
            if options.report is not None:
                from ..deliver.timeline.page import reporting

                command = " ".join(["stackbuild", options.command, *specs])
                listeners.append(stack.enter_context(reporting(options.report, command, recorder, note)))
            if options.trace is not None:
                from ..deliver.chrome import tracing

                stack.enter_context(tracing(options.trace, recorder, note))
            recorder.add("start up", options.began)
        if len(listeners) > 1:
            from ..deliver.tee import Tee

            yield Tee(listeners)
        else:
            yield progress


def _is_repeatable(options: argparse.Namespace) -> bool:
    """Whether the same command, had nothing changed, would do no more than print."""
    elsewhere = (options.trace, options.report, options.events, getattr(options, "changed_since", None))
    asks = getattr(options, "explain", False) or getattr(options, "piped", False)
    return getattr(options, "repeatable", False) and elsewhere == (None,) * 4 and not asks


def output_file(flag: str, path: str | None) -> OutputFile | None:
    """The file that a flag names, if it was given. Raises RequestError when that is no place for a file."""
    from ..store.output import OutputFile

    return OutputFile(flag, path) if path is not None else None


def print_lines(lines: Iterable[str]) -> None:
    """A result for people. What names and files hold does not drive their terminal."""
    for line in lines:
        print(one_line(line))


def print_json(value: Any) -> None:
    """A result for programs."""
    print(json.dumps(value, indent=2))
