"""`stackbuild fmt`: one style, the same meaning, no comment lost, and nothing half written."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.declare.format import WIDTH, formatted
from stackbuild.errors import RequestError

UGLY = '[workspace]\n[files.a]   # first\nsrcs=[ "a" ,\n"b" ]'
NICE = '[workspace]\n\n[files.a] # first\nsrcs = ["a", "b"]\n'
LONG = ", ".join(f'"{"x" * 20}{number}"' for number in range(5))


def fmt(text: str) -> str:
    return formatted("BUILD.toml", text.encode()).decode()


@pytest.mark.parametrize(("before", "after"), [
    (UGLY, NICE),
    ("", ""),
    ("\n\n# only\n\n\n", "# only\n"),
    ("a=1", "a = 1\n"),
    ("[ files . a ]\nb . c=1\n", "[files.a]\nb.c = 1\n"),
    ("a = 1\n\n\n\nb = 2\n", "a = 1\n\nb = 2\n"),
    ("[a]\n\nb = 1\n", "[a]\nb = 1\n"),
    ("a = 1\n[b]\n[c]\n", "a = 1\n\n[b]\n\n[c]\n"),
    ("a = 1\n# of b\n[b]\n", "a = 1\n\n# of b\n[b]\n"),
    ("# top\n\n# of b\n[b]\n", "# top\n\n# of b\n[b]\n"),
    ("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"),
    ("a = {b=1,c={}}\n", "a = { b = 1, c = {} }\n"),
    ("a = ['x', 'y\"z', 'c:\\d', '''q''']\n", "a = [\"x\", 'y\"z', 'c:\\d', '''q''']\n"),
    ("'a' = 1\n'b\"' = 2\n", "\"a\" = 1\n'b\"' = 2\n"),
    ("a = [ # first\n1, # one\n# two\n2]\n", "a = [\n    # first\n    1, # one\n    # two\n    2,\n]\n"),
    ("a = [1, 2,]\n", "a = [1, 2]\n"),
    ("a = [\n]\n", "a = []\n"),
    ("a = [\n# none\n]\n", "a = [\n    # none\n]\n"),
    ('a = """x  \n  y"""\n', 'a = """x  \n  y"""\n'),
    ("a = [{b = 1}, [2 , 3]] # z  \n", "a = [{ b = 1 }, [2, 3]] # z\n"),
    ("a = {b = [1, # one\n2]}\n", "a = { b = [\n    1, # one\n    2,\n] }\n"),
    (f"a = [{LONG}]\n", "a = [\n" + "".join(f"    {item},\n" for item in LONG.split(", ")) + "]\n"),
    ("[[a]]\nb=1\n[[ a ]]\n", "[[a]]\nb = 1\n\n[[a]]\n"),
    ("a = 1 # x\n# y\nb = 0x1F\nc = +1_000.5e3\nd = 1979-05-27 07:32:00Z\n", "a = 1 # x\n# y\nb = 0x1F\nc = +1_000.5e3\nd = 1979-05-27 07:32:00Z\n"),
])  # fmt: skip
def test_the_style(before, after):
    assert fmt(before) == after
    assert fmt(after) == after


def test_an_array_is_as_long_as_a_line_may_be():
    for more in (0, 1):
        text = fmt(f'a = ["{"x" * (WIDTH - 9 + more)}", ""]\n'.replace(', ""', ""))
        assert text.count("\n") == 1 + 2 * (len(text.splitlines()[0]) == len("a = ["))
        assert max(map(len, text.splitlines()[:1])) <= WIDTH


SPACE = st.sampled_from(["", " ", "  ", "\t"])
GAP = st.sampled_from(["", " ", "\n", "\n\n  ", " # c\n", "\n# d\n", "\n  # é  \n", "\r\n"])
SCALARS = st.sampled_from(["1", "-0.5", "nan", "inf", "true", '"a b"', "'a'", "'q\"'", "'c:\\d'", '"\\u00e9\\n"', '"é"', '""', "''",
                           '"""\na\n\n b"""', "'''a''b'''", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0o17", f'"{"x" * 60}"'])  # fmt: skip
NAMES = st.sampled_from(["a", "b-c", '"d e"', "'f'", '"g.h"', "'i\"'", "1", '""'])


@st.composite
def arrays(draw, values):
    items = draw(st.lists(values, max_size=4))
    text = "".join(f"{draw(GAP)}{item}{draw(GAP)}," for item in items)
    if items and draw(st.booleans()):
        text = text[:-1]
    return f"[{text}{draw(GAP)}]"


@st.composite
def tables(draw, values):
    names = draw(st.lists(NAMES, max_size=3, unique_by=lambda name: name.strip("'\"")))
    space = draw(SPACE)
    return "{" + ",".join(f"{space}{name}{space}={space}{draw(values)}{space}" for name in names) + "}"


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | tables(inner), max_leaves=8)


@st.composite
def documents(draw):
    """TOML of any layout."""
    lines = []
    for number in range(draw(st.integers(0, 6))):
        lines += draw(st.lists(st.sampled_from(["", "  ", "# c", "  # d  "]), max_size=3))
        end = draw(st.sampled_from(["", " ", "# e", "  # f  "]))
        space, name = draw(SPACE), draw(NAMES)
        match draw(st.sampled_from(["pair", "pair", "pair", "table", "array"])):
            case "pair":
                lines.append(f"{space}k{number}{space}.{space}{name}{space}={space}{draw(VALUES)}{end}")
            case "table":
                lines.append(f"{space}[{space}t{number}{space}.{space}{name}{space}]{end}")
            case "array":
                lines.append(f"{space}[[{space}x{space}]]{end}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


@given(documents())
def test_any_layout_keeps_its_meaning_and_its_comments(text):
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a comment before the comma of an inline table, or the like
    out = fmt(text)
    assert repr(tomllib.loads(out)) == repr(data)
    assert re.findall("# [cdefé]", out) == re.findall("# [cdefé]", text)
    assert fmt(out) == out
    assert "\r" not in out and (out == "" or out.endswith("\n")) and not out.endswith("\n\n")
    if not re.search("\"\"\"|'''", out):
        assert not re.search(r"[ \t]$|\n\n\n", out, re.MULTILINE)


@pytest.mark.parametrize("text", ["[files.", "a = 1\na = 2\n", "\ufeffa = 1\n", "a = \"\x00\"\n"])
def test_what_is_no_toml_is_left_alone(text):
    with pytest.raises(RequestError):
        fmt(text)


def test_what_is_nested_deeply_is_refused_in_one_line():
    with pytest.raises(RequestError):
        fmt("a = " + "[" * 100_000 + "]" * 100_000)


class TestCommand:
    def test_it_changes_all_files_of_the_workspace_and_says_which(self, tree):
        tree.write("BUILD.toml", UGLY)
        tree.write("a/BUILD.toml", NICE.removeprefix("[workspace]\n\n"))
        file = tree.write("b/BUILD.toml", "[files.a]\nsrcs=['x']\n", 0o640)
        assert tree.run("fmt") == (0, "BUILD.toml\nb/BUILD.toml\n", "")
        assert file.read_text() == '[files.a]\nsrcs = ["x"]\n'
        assert file.stat().st_mode & 0o777 == 0o640
        assert tree.run("fmt") == (0, "", "")

    @pytest.mark.parametrize(("words", "expected"), [
        (["a"], "a/BUILD.toml a/b/BUILD.toml"), (["a/BUILD.toml"], "a/BUILD.toml"), (["//a:x"], "a/BUILD.toml"),
        (["//a/..."], "a/BUILD.toml a/b/BUILD.toml"), (["//...", "-//a/..."], "BUILD.toml c/BUILD.toml"),
        (["./c", "//:all"], "BUILD.toml c/BUILD.toml"),
    ])  # fmt: skip
    def test_files_folders_and_specs(self, tree, words, expected):
        for folder in ("", "a/", "a/b/", "c/"):
            tree.write(f"{folder}BUILD.toml", "[workspace]\n\n\n" if not folder else "[files.x]\nsrcs=['a']")
        assert tree.run("fmt", "--check", *words) == (1, "\n".join(expected.split()) + "\n", "")

    def test_check_writes_nothing(self, tree):
        file = tree.write("BUILD.toml", UGLY)
        assert tree.run("fmt", "--check") == (1, "BUILD.toml\n", "")
        assert file.read_text() == UGLY
        file.write_text(NICE)
        assert tree.run("fmt", "--check") == (0, "", "")

    def test_diff_is_a_patch(self, tree):
        file = tree.write("BUILD.toml", UGLY)
        status, out, err = tree.run("fmt", "--diff")
        assert (status, err, file.read_text()) == (0, "", UGLY)
        subprocess.run(["git", "apply", "-"], input=out, text=True, cwd=tree.root, check=True)
        assert file.read_text() == NICE
        assert tree.run("fmt", "--diff", "--check") == (0, "", "")

    def test_a_wrong_file_stops_no_other(self, tree):
        tree.write("BUILD.toml", UGLY)
        wrong = tree.write("a/BUILD.toml", "[files.")
        status, out, err = tree.run("fmt")
        assert (status, out) == (2, "BUILD.toml\n")
        assert re.fullmatch(r"a/BUILD\.toml:1:8: not TOML: .*\n", err)
        assert wrong.read_text() == "[files."

    def test_standard_input(self, tree, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
        assert tree.run("fmt", "-") == (0, NICE, "")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[x")))
        assert tree.run("fmt", "-")[2].startswith("<stdin>:1:3: not TOML")

    def test_a_link_stays_a_link(self, tree):
        real = tree.write("shared.toml", "a=1\n")
        (tree.root / "x").mkdir()
        (tree.root / "x/BUILD.toml").symlink_to(real)
        assert tree.run("fmt", "x/BUILD.toml") == (0, "x/BUILD.toml\n", "")
        assert (tree.root / "x/BUILD.toml").is_symlink() and real.read_text() == "a = 1\n"

    @pytest.mark.parametrize(("word", "message"), [
        ("stackbuild.lock", "'stackbuild.lock' is no BUILD.toml; name a BUILD.toml, or a folder"),
        ("nowhere", "'nowhere': no BUILD.toml in //nowhere; known: //"),
        ("//a/...", "'//a/...': no BUILD.toml in //a; did you mean '//'?"),
    ])  # fmt: skip
    def test_what_is_not_there(self, tree, word, message):
        tree.write("stackbuild.lock", "version=1\n")
        assert tree.run("fmt", word) == (2, "", message + "\n")
        assert (tree.root / "stackbuild.lock").read_text() == "version=1\n"
