"""Where keys and values stand, and what is no TOML."""

from __future__ import annotations

import re

import pytest

from stackbuild.declare.toml import Document
from stackbuild.errors import RequestError


def at(text, key, of_key=False):
    where = Document("B", text.encode()).position(key, of_key=of_key)
    return where.line, where.column


@pytest.mark.parametrize(
    ("text", "key", "value_at", "key_at"),
    [
        ("a = 1", ("a",), (1, 5), (1, 1)),
        ("  a   =   1", ("a",), (1, 11), (1, 3)),
        ("[t.n]\na = 1", ("t", "n", "a"), (2, 5), (2, 1)),
        ("[t.n]\na = 1", ("t", "n"), (1, 4), (1, 4)),
        ("a.b.c = 1", ("a", "b", "c"), (1, 9), (1, 5)),
        ("[t]\na.b = 1\na.c = 2", ("t", "a", "c"), (3, 7), (3, 3)),
        ("a = { b = 1, c = { d = 2 } }", ("a", "c", "d"), (1, 24), (1, 20)),
        ("a = { b.c = 1 }", ("a", "b", "c"), (1, 13), (1, 9)),
        ("a = [1, 2]", ("a", 1), (1, 9), (1, 9)),
        ("a = [\n  # one\n  1, # two\n\n  2,\n]", ("a", 1), (5, 3), (5, 3)),
        ("a = [[1], [2, 3]]", ("a", 1, 1), (1, 15), (1, 15)),
        ("a = [{ b = 1 }, { b = 2 }]", ("a", 1, "b"), (1, 23), (1, 19)),
        ('"a b" = 1', ("a b",), (1, 9), (1, 1)),
        ("'*.sh' = 1", ("*.sh",), (1, 10), (1, 1)),
        ('"\\u0061" = 1', ("a",), (1, 12), (1, 1)),
        ('[t."a.b"]\nc = 1', ("t", "a.b", "c"), (2, 5), (2, 1)),
        ("[[a]]\nb = 1\n[[a]]\nb = 2", ("a", 1, "b"), (4, 5), (4, 1)),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nc = 1", ("a", 0, "b", 1, "c"), (4, 5), (4, 1)),
        ('é = "ü"', ("é",), None, None),
        ('"é" = ["ü", "x"]', ("é", 1), (1, 13), (1, 13)),
        ('a = { "😀" = 1, b = 2 }', ("a", "b"), (1, 20), (1, 16)),
        ('a = """\nx\n"""\nb = 1', ("b",), (4, 5), (4, 1)),
        ("a = 1\r\nb = 2\r\n", ("b",), (2, 5), (2, 1)),
        ("a = 1 # b", ("a",), (1, 5), (1, 1)),
        ("a = 1 # b = 3\nb = 2", ("b",), (2, 5), (2, 1)),
        ("a = 2024-01-01 00:00:00Z\nb = 2", ("b",), (2, 5), (2, 1)),
        ("[t]\n[u]\na = 1\n[t.v]\nb = 2", ("t", "v", "b"), (5, 5), (5, 1)),
        ("a = { b = 1 }", ("a", "no", "such"), (1, 5), (1, 1)),
        ("a = 1", ("none",), (1, 1), (1, 1)),
    ],
)  # fmt: skip
def test_positions(text, key, value_at, key_at):
    if value_at is None:
        with pytest.raises(RequestError):
            at(text, key)
        return
    assert at(text, key) == value_at
    assert at(text, key, of_key=True) == key_at


INVALID = {
    "key alone": b"a", "no value": b"a =", "no key": b"= 1", "two values": b"a = 1 2", "two pairs": b"a = 1 b = 2",
    "colon": b"a: 1", "value on next line": b"a =\n1", "bare word": b"a = yes", "capital true": b"a = True",
    "null": b"a = null", "key with space": b"a b = 1", "key with !": b"a! = 1", "bare é": "é = 1".encode(),
    "multi-line key": b'"""a""" = 1', "key over lines": b'"a\nb" = 1', "empty dotted": b"a..b = 1", "dot first": b".a = 1",
    "dot last": b"a. = 1", "same key": b"a = 1\na = 2", "same quoted key": b'a = 1\n"a" = 2', "same dotted": b"a.b = 1\na.b = 2",
    "dotted over value": b"a = 1\na.b = 2", "value over dotted": b"a.b = 1\na = 2", "same table": b"[a]\n[a]",
    "table over value": b"a = 1\n[a]", "table over dotted": b"[a]\nb.c = 1\n[a.b]", "table over inline": b"a = {}\n[a.b]",
    "inline extended": b"a = { b = 1 }\na.c = 2", "array of tables over table": b"[a]\n[[a]]", "table over array of tables": b"[[a]]\n[a]",
    "array of tables over array": b"a = []\n[[a]]", "empty header": b"[]", "empty array header": b"[[]]", "open header": b"[a",
    "open array header": b"[[a]", "spaced brackets": b"[ [a]]", "text after header": b"[a] b", "header over lines": b"[a\n]",
    "bad escape": rb'a = "\q"', "bad hex": rb'a = "\xg0"', "short unicode": rb'a = "\u00"', "surrogate": rb'a = "\ud800"',
    "beyond unicode": rb'a = "\U00110000"', "open text": b'a = "b', "open literal": b"a = 'b", "open multi-line": b'a = """b',
    "open literal multi-line": b"a = '''b", "newline in text": b'a = "b\nc"', "six quotes": b'a = """b""""""', "escape at end": b'a = "b\\',
    "bad line end": b'a = """b\\ c"""', "bare CR": b"a = 1\rb = 2", "CR in comment": b"# a\rb = 1", "CR in text": b'a = "b\rc"',
    "NUL": b"\0", "NUL in text": b'a = "\0"', "NUL in comment": b"# \0", "DEL in text": b'a = "\x7f"', "control": b'a = "\x1f"',
    "control in comment": b"# \x01", "control in literal": b"a = '\x08'", "not UTF-8": b'a = "\xff"', "cut UTF-8": b'a = "\xc3"',
    "overlong": b'a = "\xc0\xaf"', "UTF-8 surrogate": b'a = "\xed\xa0\x80"', "UTF-16": "a = 1".encode("utf-16"),
    "BOM in the middle": b"a = 1\n\xef\xbb\xbfb = 2", "leading zero": b"a = 01", "two signs": b"a = ++1", "underscore first": b"a = _1",
    "underscore last": b"a = 1_", "two underscores": b"a = 1__0", "capital hex": b"a = 0X1", "signed hex": b"a = +0x1",
    "no hex digit": b"a = 0x", "octal 8": b"a = 0o8", "binary 2": b"a = 0b2", "no fraction": b"a = 1.", "no integer": b"a = .1",
    "no exponent": b"a = 1e", "point after exponent": b"a = 1e2.3", "capital inf": b"a = Inf", "month 13": b"a = 2024-13-01",
    "day 30 of February": b"a = 2024-02-30", "hour 24": b"a = 24:00:00", "short year": b"a = 24-01-01", "offset 25": b"a = 2024-01-01T00:00:00+25:00",
    "date with T": b"a = 2024-01-01T", "open array": b"a = [1", "no comma": b"a = [1 2]", "two commas": b"a = [1,,2]", "comma first": b"a = [,1]",
    "open inline": b"a = { b = 1", "inline two commas": b"a = { b = 1,, c = 2 }", "inline no comma": b"a = { b = 1 c = 2 }",
    "inline same key": b"a = { b = 1, b = 2 }", "deep arrays": b"a = " + b"[" * 10000, "deep closed": b"a = " + b"[" * 10000 + b"]" * 10000,
    "deep inline": b"a = " + b"{a=" * 10000, "huge number": b"a = " + b"9" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_toml_gets_one_line(tree, name):
    tree.write("app/BUILD.toml", INVALID[name])
    status, out, err = tree.run("list", "//app:all")
    (line,) = err.splitlines()
    assert (status, out) == (2, "")
    assert re.match(r"app/BUILD\.toml:[1-9]\d*:[1-9]\d*: (not TOML: |the file is not UTF-8; |values are nested)", line)
    assert line.isprintable() and len(line) < 300
    assert "('" not in line


@pytest.mark.parametrize("name", ["same table", "NUL", "not UTF-8", "deep closed", "bare CR"])
def test_the_root_too(tree, name):
    tree.write("BUILD.toml", b"[workspace]\n" + INVALID[name])
    status, _, err = tree.run("list", "//...")
    assert (status, len(err.splitlines())) == (2, 1)
    assert err.startswith("BUILD.toml:")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a = 1\n[b]\n[b]", "3:3: not TOML: Cannot declare [b] twice"),
        (b"[a.b]\n[a.b]", "2:5: not TOML: Cannot declare [a.b] twice"),
        (b'a = "\xc3\xa9"\nb = "\xff"', "2:6: the file is not UTF-8; save it as UTF-8"),
    ],
)
def test_the_place(data, expected):
    with pytest.raises(RequestError) as caught:
        Document("B", data)
    assert str(caught.value) == f"B:{expected}"
