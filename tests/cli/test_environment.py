"""Every long flag can be given by the environment, and a variable means one thing."""

from __future__ import annotations

import argparse
from collections import defaultdict

from stackbuild.cli.main import make_parser, twin


def leaves(parser):
    subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        yield parser
    for sub in subs:
        for inner in sub.choices.values():
            yield from leaves(inner)


def test_a_variable_means_the_same_in_every_command():
    meanings = defaultdict(set)
    for parser in leaves(make_parser()):
        for action in parser._actions:
            if name := twin(parser, action):
                meanings[name].add((action.metavar, tuple(action.choices or ()), action.nargs))
    assert not {name: found for name, found in meanings.items() if len(found) > 1}
    assert {"STACKBUILD_JOBS", "STACKBUILD_OUTPUT", "STACKBUILD_SBOM_OUTPUT", "STACKBUILD_KEEP"} <= set(meanings)


def test_what_is_meant_for_one_command_reaches_no_other(tree, monkeypatch):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["a"]\n[image.img]\nlayers = [":f"]\n')
    tree.write("a", "a")
    for name, value in {"FORMAT": "oci-archive", "OUTPUT": "none", "PUSH_TAG": "1.0", "WHY_AGAINST": "HEAD"}.items():
        monkeypatch.setenv(f"STACKBUILD_{name}", value)
    assert tree.run("graph", "//...")[1].startswith("digraph")
    assert '"spdxVersion"' in tree.run("sbom", "//:img")[1] and not (tree.root / "none").exists()
    assert tree.run("list", "//...")[1] == "//:f\n//:img\n"
    assert tree.run("diff", "//:img", "//:img")[0] == 0
    assert tree.run("image", "//...")[0] == 0 and not (tree.root / "dist").exists()


def test_what_is_typed_wins_over_what_it_excludes(tree, monkeypatch):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["a"]\n')
    monkeypatch.setenv("STACKBUILD_JSON", "1")
    assert tree.run("graph", "//...")[1].startswith("{")
    assert tree.run("graph", "--format", "dot", "//...")[1].startswith("digraph")
    assert tree.run("graph", "--format=dot", "//...")[1].startswith("digraph")


def test_names_of_files_do_not_drive_the_terminal(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["*.txt"]\n[image.img]\nlayers = [":f"]\n')
    tree.write("a\x1b[31m\n\u202e.txt", "a")
    assert tree.run("image", "//...")[0] == 0
    tree.write("a\x1b[31m\n\u202e.txt", "b")
    shown = [tree.run(*words)[1] for words in (
        ("explain", "//..."), ("why", "//..."), ("image", "--explain", "//..."), ("inspect", "--files", "//:img"),
    )]  # fmt: skip
    for out in shown:
        assert "a\\x1b[31m\\n\\u202e.txt" in out and "\x1b" not in out and "\u202e" not in out
