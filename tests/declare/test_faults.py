"""Faults as a whole: all at once, only in what is needed, and never more than a line for what is no TOML."""

from __future__ import annotations

import pytest


def test_all_faults_of_all_files_are_shown_at_once(tree):
    tree.write("BUILD.toml", '[workspace]\n[defaults.files]\nowne = "1"\n')
    tree.write("a/BUILD.toml", '[files.f]\nsrc = ["x"]\nto = 1\n')
    tree.write("b/BUILD.toml", "[files.f\n")
    status, _, err = tree.run("list", "//...")
    places = [line.partition(": ")[0] for line in err.splitlines()]
    assert status == 2 and places == ["BUILD.toml:3:1", "a/BUILD.toml:2:1", "a/BUILD.toml:3:6", "b/BUILD.toml:1:9"]


def test_only_the_files_that_are_needed_are_loaded(tree):
    tree.write("good/BUILD.toml", '[files.f]\ndirs = ["/x"]\n')
    tree.write("broken/BUILD.toml", "[files.f\n")
    assert tree.run("image", "//good:f")[0] == 0
    assert tree.run("list", "//...")[0] == 2


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"a = '\xff'", b"\xef\xbb\xbf[files.f]", b"a = \x00", b"a = 1\rb = 2", b"a = [" * 20000, b"a = {a = " * 5000,
     b'a = "\\uD800"', b'a = """', b"a = 1__0", b"a = 1_", b"a = +-1", b"a = .1", b"a = 1.", b"a = 1e", b"a = infinity", b"a = nan_",
     b"a = 0b2", b"a = 0o8", b"a = 12:61:00", b"a = 2020-02-30T00:00:00Z", b"a = 1979-05-27T", b"a.b.c = 1\na.b = 2", b"[a]\n[a.b]\n[a]",
     b"[[a]]\n[a]", b"[a]\n[[a]]", b"a = []\n[[a]]", b"a = {}\n[a.b]", b"a = {b = 1,,c = 2}", b"[]", b"[a.]", b"[.a]", b"[a..b]", b"[a b]",
     b"a b = 1", b"a = 1 b = 2", b"= ", b"a", b"a =", b"\"a = 1", b"'a\n' = 1", b'a = "x\ny"', b'a = "\\x"', b'a = "\\u12"', b"a = True",
     b"[[a]", b"[a]]]", b"a = [1,,2]", b"a = [1 2]", b'"" = ', b"a = \x7f", b"# \x01", b"a = 1 # \x1f"],
)  # fmt: skip
def test_no_invalid_toml_ever_gives_more_than_a_line(tree, data):
    tree.write("p/BUILD.toml", data)
    status, out, err = tree.run("list", "//...")
    assert status == 2 and out == "" and len(err.splitlines()) == 1 and err.startswith("p/BUILD.toml:"), err


def test_positions_are_those_of_keys_and_values():
    from stackbuild.declare.toml import Document

    text = '# ü\n[a."b c"]\nd.e = [1, # ü\n  {f = "ü", g = [true]}]\n[[h]]\ni = 1\n[[h]]\ni = 2\n'
    document = Document("x", text.encode())
    places = {
        ("a", "b c"): (2, 4), ("a", "b c", "d", "e", 0): (3, 8), ("a", "b c", "d", "e", 1, "f"): (4, 8),
        ("a", "b c", "d", "e", 1, "g", 0): (4, 18), ("h", 1, "i"): (8, 5), ("nothing",): (1, 1),
    }  # fmt: skip
    for key, (line, column) in places.items():
        found = document.position(key)
        assert (found.line, found.column) == (line, column), key
    assert document.position(("h", 0, "i"), of_key=True).column == 1
