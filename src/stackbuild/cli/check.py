"""`stackbuild check`: what can be known of images before anything runs."""

from __future__ import annotations

import argparse
import sys

from .common import (
    Commands,
    add_build_options,
    add_specs,
    command,
    opened,
    output_file,
    print_lines,
    request_of,
    watching,
)


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "check",
        "Build images and look for what is wrong with them, without running anything.",
        own=["--format", "--output"],
    )
    add_specs(parser, required=False)
    levels = ("error", "warning", "info")
    parser.add_argument(
        "--level",
        choices=levels,
        default="warning",
        help="show this level and graver ones (default: warning)",
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "never"),
        default="error",
        help="exit with status 1 for findings of this level and graver ones (default: error)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif"),
        default="text",
        help="text (default), JSON, or SARIF 2.1.0",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--output", metavar="FILE", help="write it there instead of to standard output")
    parser.add_argument("--list-rules", action="store_true", help="print every rule, and check nothing")
    add_build_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check images; 1 when there is a finding to fail on."""
    from ..analyze.check import report

    if options.list_rules:
        print_lines(report.rules())
        return 0
    file = output_file("--output", options.output)
    with watching(options) as listener, opened(options) as workspace:
        found = workspace.check(*options.specs, request=request_of(options), listener=listener)
    text = report.written(found, "json" if options.json else options.format, options.level)
    if file:
        file.write(text.encode())
    else:
        sys.stdout.write(text)
    print(report.summary(found, options.level), file=sys.stderr)
    return 1 if report.fails(found, options.fail_on) else 0
