"""What the Tab key offers while somebody types an address, and that nothing it finds can stop it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = "[files.{}]\nsrcs = ['x']\ntags = ['web', 'slow']\n"


@pytest.fixture
def app(tree):
    tree.write("BUILD.toml", "[workspace]\n[defaults.files]\nto = '/x'\n[base.os]\npath = 'x'\n")
    tree.write("app/BUILD.toml", FILES.format("src") + "[image.img]\n")
    tree.write("app/src/main.py")
    tree.write("apple/core/BUILD.toml", FILES.format("core"))
    tree.write("docs/readme.md")
    tree.write("web/BUILD.toml", "[files.")
    return tree


def offered(tree, *words: str) -> list[str]:
    status, out, err = tree.run("__complete", *words)
    assert (status, err) == (0, "")
    return [line[1:].partition("\t")[0] + ("…" if line.startswith("~") else "") for line in out.splitlines()]


@pytest.mark.parametrize(("word", "expected"), [
    ("//", "//... //:all //:os //app… //apple/… //web…"),
    ("//ap", "//app… //apple/…"),
    ("//app", "//app/... //app:all //app:img //app:src //apple/…"),
    ("//app:", "//app:all //app:img //app:src"),
    ("//app:i", "//app:img"),
    ("//app/", "//app/..."),
    ("//apple/", "//apple/... //apple/core/... //apple/core:all //apple/core:core"),
    ("//apple/co", "//apple/core/... //apple/core:all //apple/core:core"),
    ("-//app:s", "-//app:src"),
    (":", ":all :os"),
    ("app:im", "app:img"),
    ("ap", "app… apple/…"),
    ("-app:im", "-app:img"),
    ("//web", "//web/... "),
    ("//web:", ""), ("//no", ""), ("//no/such:", ""), ("/", ""), ("///", ""), ("//docs", ""), ("../", ""), ("\0", ""), ("//\udcff", ""),
])  # fmt: skip
def test_addresses(app, word, expected):
    assert offered(app, "list", word) == expected.split()


@pytest.mark.parametrize(("words", "expected"), [
    (["li"], "list"), (["store", ""], "info check gc path"), (["list", "--tr"], ""), (["deps", "--tr"], "--transitive"),
    (["image", "--format", "oci-"], "oci-archive"), (["image", "--format=d"], "--format=docker-archive"),
    (["list", "--type", "i"], "image index"), (["list", "--type", "image", "//app:i"], "//app:img"),
    (["paths", "//app:img", "//app:s"], "//app:src"), (["paths", "//app:img", "//app:src", ""], ""),
    (["run", "//app:img", "--", ""], ""), (["completions", "f"], "fish"), (["nosuch", ""], ""), (["inspect", "app/s"], "app/src/…"),
    (["image", "--output", "do"], "docs/…"),
])  # fmt: skip
def test_commands_options_and_their_values(app, words, expected):
    assert offered(app, *words) == expected.split()


def test_commands_say_what_they_are_for(app):
    assert "=list\tList targets, one address a line.\n" in app.run("__complete", "")[1]


@pytest.mark.parametrize(("line", "expected"), [
    ("stackbuild list //app:i", "//app:img"), ('stackbuild list "//app:i', "//app:img"), ("stackbuild deps '//app:s", "//app:src"),
    ("stackbuild list //app:img ", "... :all :os app… apple/… web…"), ("stackbuild list --type im", "image"),
])  # fmt: skip
def test_a_line_as_bash_gives_it(app, line, expected):
    assert set(expected.split()) <= set(offered(app, "--line", line))


def test_outside_of_a_workspace_nothing_is_offered(tree):
    (tree.root / "BUILD.toml").unlink()
    assert offered(tree, "list", "//") == []


def test_no_model_and_no_graph_is_loaded(app):
    code = "import sys; from stackbuild.cli.main import main; main(); print([n for n in ('pydantic', 'networkx', 'tree_sitter') if n in sys.modules])"
    command = [sys.executable, "-c", code, "__complete", "list", "//app:"]
    done = subprocess.run(command, cwd=app.root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_name_that_is_no_text_is_passed_over(app):
    Path(os.fsdecode(os.fsencode(app.root) + b"/\xff")).mkdir()
    app.write("bad\nname/BUILD.toml", FILES.format("x"))
    assert offered(app, "list", "//b") == []
