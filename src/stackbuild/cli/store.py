"""`stackbuild store info|check|gc|path`."""

from __future__ import annotations

import argparse
import re

from .common import Commands, command, print_json, print_lines

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _age(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not an age; write 30d, 12h, 10m or 0s")
    return int(found[1]) * _UNITS[found[2]]


def add(commands: Commands) -> None:
    """Declare the commands."""
    parser = command(commands, "store", "Look after the store.")
    verbs = parser.add_subparsers(metavar="info|check|gc|path", required=True)
    for name, help, action in (
        ("info", "Say how much the store holds.", info),
        ("check", "Read every byte again; remove and name what is damaged.", check),
        ("gc", "Remove what no recent build needs.", gc),
        ("path", "Print where the store is.", path),
    ):
        verb = command(verbs, name, help)
        if name != "path":
            verb.add_argument("--json", action="store_true", help="print one JSON object")
        if name == "gc":
            verb.add_argument(
                "--keep",
                type=_age,
                default="30d",
                metavar="AGE",
                help="keep what was used within this time, as 30d or 12h (default: 30d)",
            )
        verb.set_defaults(run=action)


def path(options: argparse.Namespace) -> int:
    """Print the store's folder."""
    from ..store import default_path

    print(default_path())
    return 0


def info(options: argparse.Namespace) -> int:
    """Print what the store holds."""
    from ..sizes import size_text
    from ..store import Store, collect, default_path

    with Store(default_path()) as store:
        report = collect.info(store)
    if options.json:
        print_json(
            {
                "path": str(default_path()),
                "blobs": report.blobs,
                "records": report.records,
                "bytes": report.bytes,
            }
        )
    else:
        print(f"{default_path()}: {report.blobs} blobs, {size_text(report.bytes)}, {report.records} records")
    return 0


def check(options: argparse.Namespace) -> int:
    """Read every byte; exit status 1 when something was damaged."""
    from ..store import Store, collect, default_path

    with Store(default_path()) as store:
        report = collect.check(store)
    if options.json:
        print_json({"blobs": report.blobs, "records": report.records, "damage": report.damage})
    else:
        print_lines(report.damage)
        print(f"{report.blobs} blobs and {report.records} records read, {len(report.damage)} damaged")
    return 1 if report.damage else 0


def gc(options: argparse.Namespace) -> int:
    """Remove what is old."""
    from ..sizes import size_text
    from ..store import Store, collect, default_path

    with Store(default_path()) as store:
        report = collect.collect(store, options.keep)
    if options.json:
        print_json({"blobs": report.blobs, "records": report.records, "bytes": report.bytes})
    else:
        print(f"removed {report.records} records and {report.blobs} blobs, {size_text(report.bytes)}")
    return 0
