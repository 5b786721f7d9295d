"""Addresses and specs, as written and as typed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackbuild.declare.address import Address, Spec, matches_any

NAME = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,8}", fullmatch=True).filter(lambda name: name != "all")
PART = st.text(st.characters(blacklist_characters="\0:\\/", blacklist_categories=["Cs"]).filter(str.isprintable), min_size=1, max_size=6)
FOLDER = st.lists(PART.filter(lambda part: part not in (".", "..", "...")), max_size=4).map("/".join)
JUNK = st.text(max_size=30) | st.text("/:.-a\0\\", max_size=12)


@given(FOLDER, NAME)
def test_an_address_reads_back(folder, name):
    address = Address(folder, name)
    assert Address.parse(str(address)) == address
    assert Address.parse(f":{name}", folder) == address
    assert Spec.parse(str(address)).matches(address)


@settings(max_examples=400)
@given(JUNK, FOLDER)
def test_junk_is_refused_with_a_value_error(text, folder):
    with contextlib.suppress(ValueError):
        address = Address.parse(text, folder)
        assert Address.parse(str(address)) == address
    with contextlib.suppress(ValueError):
        Spec.parse(text, folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("//a/b:c", "//a/b:c"), ("//a/b", "//a/b:b"), ("//:c", "//:c"), (":c", "//here:c"), ("//a:x.y+z-1", "//a:x.y+z-1")],
)  # fmt: skip
def test_forms(text, expected):
    assert str(Address.parse(text, "here")) == expected


BAD = ["", "a", "a:b", "//", "/a:b", "///a:b", "//a//b:c", "//a/:b", "//a/../b:c", "//./a:b", ":", "//a:", "//a:all"]


@pytest.mark.parametrize("text", [*BAD, ":all", "//a:b:c", "//a\\b:c", "//a:b/c", ":-x", ":a b", "//a\0b:c", ":é", ":a\n"])
def test_what_is_no_address(text):
    with pytest.raises(ValueError):
        Address.parse(text, "here")


@pytest.mark.parametrize(
    ("text", "kind", "folder", "name", "negative"),
    [
        ("//a:b", "one", "a", "b", False), (":b", "one", "h/i", "b", False), ("b", "one", "h/i/b", "b", False),
        ("b:c", "one", "h/i/b", "c", False), ("../b:c", "one", "h/b", "c", False), ("./b", "one", "h/i/b", "b", False),
        ("b/", "one", "h/i/b", "b", False), (".", "one", "h/i", "i", False), ("..", "one", "h", "h", False),
        ("//...", "below", "", "", False), ("...", "below", "h/i", "", False), ("b/...", "below", "h/i/b", "", False),
        ("//a/...", "below", "a", "", False), (":all", "folder", "h/i", "", False), ("//a:all", "folder", "a", "", False),
        ("b:all", "folder", "h/i/b", "", False), ("//:all", "folder", "", "", False), ("-//a:b", "one", "a", "b", True),
        ("-:all", "folder", "h/i", "", True), ("-//a/...", "below", "a", "", True), ("-b:c", "one", "h/i/b", "c", True),
    ],
)  # fmt: skip
def test_specs(text, kind, folder, name, negative):
    assert Spec.parse(text, "h/i") == Spec(kind, folder, name, negative)


@pytest.mark.parametrize("text", ["../../../a", "//a/../b:all", "//a:b:all", "//a//...", "::all", "-::all"])
def test_what_is_no_spec(text):
    with pytest.raises(ValueError):
        Spec.parse(text, "h/i")


def test_what_is_taken_away_stays_away_whatever_the_order():
    def meant(*texts):
        return [text for text in ("//a:x", "//a/b:y", "//ab:z")
                if matches_any([Spec.parse(item) for item in texts], Address.parse(text))]

    assert meant("//...") == ["//a:x", "//a/b:y", "//ab:z"]
    assert meant("//a/...") == ["//a:x", "//a/b:y"]
    assert meant("-//a/b:all", "//a/...") == ["//a:x"]
    assert meant("-//...") == []
