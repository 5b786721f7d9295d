"""Command modules are imported for the command that is asked for, and for no other."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from stackbuild.cli.main import FAMILIES, make_parser


def names(parser):
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return tuple(commands.choices)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_adds_the_commands_that_it_is_listed_with(family):
    assert names(make_parser([family])) == FAMILIES[family]


def loaded(*arguments: str) -> set[str]:
    code = "import sys; from stackbuild.cli.main import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules, sep='\\n', file=sys.stderr)"
    return set(subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stderr.split("\n"))


def test_a_command_loads_no_other():
    found = {name.rpartition(".")[2] for name in loaded("list", "--help") if name.startswith("stackbuild.cli.")}
    assert found == {"main", "common", "query"}


def test_the_version_loads_no_command_at_all():
    found = loaded("--version")
    assert not {f"stackbuild.cli.{family}" for family in FAMILIES} & found and "pydantic" not in found


def test_listing_files_and_images_loads_nothing_of_packages_networks_or_graph_algorithms(tree):
    tree.write("a", "a")
    tree.write("BUILD.toml", '[workspace]\n[files.a]\nsrcs = ["a"]\n[image.b]\nlayers = [":a"]\n')
    code = "import sys, os; os.chdir(sys.argv.pop(1)); from stackbuild.cli.main import main; assert not main(); print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code, str(tree.root), "list", "//..."], capture_output=True, text=True, check=True)
    unwanted = {"networkx", "rich", "urllib3", "ssl", "http.client", "asyncio", "tree_sitter", "stackbuild.ecosystems.deb", "stackbuild.targets.packages", "stackbuild.targets.archive"}
    assert "//:a\n//:b\n" in done.stdout and not unwanted & set(done.stdout.split("\n"))
