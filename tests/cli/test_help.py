"""`stackbuild help`: every command and every field can be looked up, and what is misspelt is set right."""

from __future__ import annotations

import pytest

from stackbuild.cli.help import GROUPS
from stackbuild.cli.main import make_parser
from stackbuild.targets.manual import sections
from stackbuild.targets.registry import load_types


def commands() -> set[str]:
    (subs,) = [action for action in make_parser()._actions if action.choices]
    return set(subs.choices)


def test_it_lists_every_command_and_type_in_a_line(tree):
    status, out, err = tree.run("help")
    assert (status, err) == (0, "")
    words = {line.split()[0] for line in out.splitlines() if line.startswith("  ") and not line.startswith("   ")}
    assert commands() | set(load_types()) | {"deb", "wheel", "npm", "workspace", "workspace.deb", "target"} == words


def test_the_groups_name_only_commands():
    assert {name for names in GROUPS.values() for name in names} <= commands()


def test_a_type_shows_its_fields_with_kind_default_and_meaning(tree):
    status, out, _ = tree.run("help", "files")
    assert status == 0 and out.startswith("[files.NAME]\n\nA layer of files from the tree.\n")
    assert '  dir_mode: string, by default "0755"\n      Mode of the folders in `dirs`.\n' in out
    assert "[files.NAME]" in out and "Every target has, too: description, tags, visibility." in out


def test_a_type_that_is_a_command_too_says_so(tree):
    out = tree.run("help", "image")[1]
    assert out.startswith("[image.NAME]") and out.endswith("For the command: stackbuild image --help\n")
    assert "healthcheck.test: list of strings, required" in out


def test_an_ecosystem_shows_its_tables_of_the_workspace_too(tree):
    out = tree.run("help", "deb")[1]
    assert out.startswith("[workspace.deb.NAME]\n") and '[packages.NAME] with ecosystem = "deb"\n' in out


def test_a_command(tree):
    assert tree.run("help", "fmt")[1] == tree.run("fmt", "--help")[1]


@pytest.mark.parametrize(("topic", "title", "line"), [
    ("files.modes", "[files.NAME]", "  modes: table of strings, each a mode"),
    ("files.tags", "Every target", "  tags: list of strings"),
    ("image.compression", "[image.NAME]", '  compression: "gzip" or "gzip-fast" or "gzip-small" or "zstd" or "zstd-small",'),
    ("wheel.split", "[packages.NAME]", '  split: "one" or "each" or whole number, by default "one"'),
    ("deb.install", '[packages.NAME] with ecosystem = "deb"', "  install: list of strings, required"),
    ("workspace.deb.suite", "[workspace.deb.NAME]", "  suite: string, required"),
    ("workspace.fingerprint", "[workspace]", '  fingerprint: "xxh3_128" or "sha256", by default "xxh3_128"'),
])  # fmt: skip
def test_a_field(tree, topic, title, line):
    status, out, _ = tree.run("help", topic)
    assert status == 0
    assert out.splitlines()[0] == title and out.splitlines()[2].startswith(line)


@pytest.mark.parametrize(("topic", "message"), [
    ("imgae", "there is no help on 'imgae'; did you mean 'image'?"),
    ("files.modse", "[files.NAME] has no field 'modse'; did you mean 'mode'?"),
    ("fles.mode", "there is no help on 'fles.mode'; did you mean 'files'?"),
])  # fmt: skip
def test_what_is_misspelt(tree, topic, message):
    assert tree.run("help", topic) == (2, "", message + "\n")


@pytest.mark.parametrize("columns", ["20", "60", "80", "400"])
def test_lines_are_as_long_as_the_terminal_allows(tree, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for section in sections():
        lines = tree.run("help", section.topic)[1].splitlines()
        assert max(map(len, lines)) <= max(min(int(columns), 100), 58)  # a long word stays whole


def test_every_field_has_a_kind_and_a_meaning():
    for section in sections():
        assert section.doc
        for field in section.fields:
            assert field.doc and field.kind and "None" not in field.kind, (section.topic, field)


def test_every_command_has_a_place(tree):
    assert "\nMore\n" not in tree.run("help")[1]
