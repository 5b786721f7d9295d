"""`stackbuild list|deps|dependents|paths`: questions about the graph."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from .common import Commands, Several, add_locked, add_specs, command, opened, print_json, print_lines

if TYPE_CHECKING:
    from ..api import Workspace
    from ..declare.address import Address


def add(commands: Commands) -> None:
    """Declare the commands."""
    for name, help in (
        ("list", "List targets, one address a line."),
        ("deps", "List what targets depend on."),
        ("dependents", "List what depends on targets."),
    ):
        parser = command(commands, name, help, own=["--tag"])
        add_specs(parser)
        parser.add_argument(
            "--type", metavar="TYPE", action=Several, help="targets of this type only; of several, of any"
        )
        parser.add_argument(
            "--tag",
            metavar="TAG",
            type=str.strip,  # one that begins with "-" comes shielded
            action=Several,
            help="targets with this tag only; of several, with any; -TAG: without it",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        if name == "list":
            parser.add_argument("--packages", action="store_true", help="list the packages that they install")
            add_locked(parser)
        else:
            parser.add_argument("--transitive", action="store_true", help="whatever lies further away too")
        parser.set_defaults(run=run, question=name)
    parser = command(commands, "paths", "Print every way from one target down to another.")
    parser.add_argument("start", metavar="FROM", help="a target")
    parser.add_argument("end", metavar="TO", help="a target that it depends on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_paths)


def run(options: argparse.Namespace) -> int:
    """Answer with addresses."""
    from ..graph import query

    if options.question == "list" and options.packages:
        return _run_packages(options)
    with opened(options) as workspace:
        wanted = workspace.select(*options.specs)
        if options.question == "deps":
            wanted = query.dependencies(workspace.graph, wanted, transitive=options.transitive)
        elif options.question == "dependents":
            workspace.graph.load_all()
            wanted = query.dependents(workspace.graph, wanted, transitive=options.transitive)
        found = workspace.filter(wanted, options.type or (), options.tag or ())
        if options.json:
            print_json({"targets": [_row(workspace, address) for address in found]})
        else:
            print_lines(map(str, found))
    return 0


def _row(workspace: Workspace, address: Address) -> dict[str, Any]:
    declaration = workspace.graph.declarations[address]
    where = declaration.position()
    return {
        "address": str(address),
        "type": declaration.type_name,
        "tags": list(declaration.fields.tags),
        "description": declaration.fields.description,
        "file": where.path,
        "line": where.line,
    }


def _run_packages(options: argparse.Namespace) -> int:
    """List packages: ecosystem, name, version, target."""
    with opened(options) as workspace:
        found = workspace.packages(*options.specs, locked=options.locked)
        asked = {node.address for node, _ in found}
        kept = set(workspace.filter(sorted(asked), options.type or (), options.tag or ()))
        found = [(node, package) for node, package in found if node.address in kept]
        kinds = {
            node: workspace.graph.declarations[node.address].fields.ecosystem  # type: ignore[attr-defined]
            for node, _ in found
        }
    if options.json:
        rows = [
            {"ecosystem": kinds[node], "target": str(node.address), "platform": node.variant.platform}
            | package.data()
            for node, package in found
        ]
        print_json({"packages": rows})
        return 0
    lines = {f"{kinds[node]} {package.key} {package.version}  {node.address}" for node, package in found}
    print_lines(sorted(lines))
    return 0


def run_paths(options: argparse.Namespace) -> int:
    """Answer with paths."""
    from ..api import Workspace
    from ..errors import RequestError
    from ..graph import query

    with Workspace.open() as workspace:
        ends = [workspace.select(text) for text in (options.start, options.end)]
        if any(len(found) != 1 for found in ends):
            raise RequestError("paths goes from one target to one target")
        found = query.paths(workspace.graph, ends[0][0], ends[1][0])
        if options.json:
            print_json({"paths": [[str(address) for address in path] for path in found]})
        else:
            print_lines(" -> ".join(map(str, path)) for path in found)
    return 0
