"""Defaults cascade from the root down; the nearest wins, field by field."""

from __future__ import annotations

import pytest

from stackbuild.api import Workspace

FILES = '[files.a]\nsrcs = ["x"]\n'


def fields(tree, address):
    with Workspace.open(tree.root) as workspace:
        (found,) = workspace.select(address)
        return workspace.graph.declarations[found].fields


def test_the_nearest_wins_field_by_field(tree):
    tree.write("BUILD.toml", '[workspace]\n[defaults.files]\nowner = "1:1"\nmode = "0600"\nto = "/r"\n')
    tree.write("a/BUILD.toml", '[defaults.files]\nowner = "2:2"\nmode = "0640"\n' + FILES)
    tree.write("a/b/BUILD.toml", FILES + 'mode = "0644"\n')
    found = fields(tree, "//a/b:a")
    assert (found.owner, found.mode, found.to) == ((2, 2), 0o644, "/r")
    assert fields(tree, "//a:a").mode == 0o640


def test_they_pass_through_folders_without_a_build_file_and_not_sideways(tree):
    tree.write("a/BUILD.toml", '[defaults.files]\nowner = "2:2"\n')
    tree.write("a/b/c/BUILD.toml", FILES)
    tree.write("ab/BUILD.toml", FILES)
    assert fields(tree, "//a/b/c:a").owner == (2, 2)
    assert fields(tree, "//ab:a").owner == (0, 0)


def test_they_are_for_one_type(tree):
    tree.write("BUILD.toml", '[workspace]\n[defaults.archive]\nowner = "1:1"\n')
    tree.write("a/BUILD.toml", FILES)
    assert fields(tree, "//a:a").owner == (0, 0)


def test_a_table_is_replaced_whole(tree):
    tree.write("BUILD.toml", '[workspace]\n[defaults.image]\nenv = { A = "1", B = "2" }\n')
    tree.write("a/BUILD.toml", '[image.i]\nenv = { A = "3" }\n')
    assert fields(tree, "//a:i").env == {"A": "3"}


@pytest.mark.parametrize("written", [":base", "//a:base"])
def test_addresses_start_at_the_folder_of_the_defaults(tree, written):
    tree.write("a/BUILD.toml", f'[defaults.image]\nbase = "{written}"\n[base.base]\npath = "p"\n')
    tree.write("a/b/BUILD.toml", '[image.i]\n[image.own]\nbase = ":base"\n[base.base]\npath = "q"\n')
    assert str(fields(tree, "//a/b:i").base) == "//a:base"
    assert str(fields(tree, "//a/b:own").base) == "//a/b:base"


def test_visibility_in_defaults_starts_there_too(tree):
    tree.write("a/BUILD.toml", '[defaults.files]\nvisibility = [":all"]\n[image.i]\nlayers = ["//a/b:a"]\n')
    tree.write("a/b/BUILD.toml", FILES)
    tree.write("c/BUILD.toml", '[image.i]\nlayers = ["//a/b:a"]\n')
    assert tree.run("list", "//a:i")[0] == 0
    assert tree.run("list", "//c:i")[0] == 2
