"""Key laws: the encoding is injective, canonical and stable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.keys import differences, digest, encode, hash_bytes

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def same(one, two):
    """Equality that tells True from 1, and lists from nothing."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


@given(plain, plain)
def test_encoding_is_injective(one, two):
    assert (encode(one) == encode(two)) == same(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (["a", "bc"], ["ab", "c"]),
        (["a", "b"], ["ab"]),
        ([["a"], "b"], [["a", "b"]]),
        (1, "1"),
        (1, True),
        (0, False),
        (0, None),
        (None, ""),
        ([], {}),
        ([], ""),
        ([], None),
        ({}, {"a": None}),
        ({"a": ""}, {"a": None}),
        ({"a": []}, {}),
        ({"a": "b"}, ["a", "b"]),
        ({"ab": "c"}, {"a": "bc"}),
        ("a", b"a"),
        ("", b""),
        (["s1:a"], ["s1", "a"]),
        ("i1:1", 1),
        (["a", None], ["a"]),
        ({"a": {"b": 1}}, {"a": ["b", 1]}),
        (-1, 1),
        ("\u00e9", "e\u0301"),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ],
)
def test_adversarial_pairs_differ(one, two):
    assert digest(one) != digest(two)
    assert digest(one, "sha256") != digest(two, "sha256")


@given(st.dictionaries(st.text(), plain, max_size=6))
def test_order_of_names_is_nothing(recipe):
    assert encode(dict(reversed(recipe.items()))) == encode(recipe)


def test_golden_keys():
    recipe = {
        "type": "files",
        "version": 1,
        "fields": {"to": "/app", "mode": None, "owner": [0, 0]},
        "x": b"\0",
    }
    assert encode(recipe) == (
        b"stackbuild-recipe-1\nd4:s6:fieldsd3:s4:modens5:ownerl2:i1:0i1:0s2:tos4:/app"
        b"s4:types5:filess7:versioni1:1s1:xb1:\x00"
    )
    assert digest(recipe) == GOLDEN_XXH3
    assert digest(recipe, "sha256") == GOLDEN_SHA256


GOLDEN_XXH3 = "xxh3_128:059e8d824b2557664afbaadca7c65565"
GOLDEN_SHA256 = "sha256:a334400cbdf725b81efb173ab5160ce6801f06b42c34c294ad6d394cb34151b1"


@pytest.mark.parametrize("value", [1.5, object(), {1: "a"}, {None: 1}, {"a": {1, 2}}])
def test_what_has_no_encoding_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


def test_hashes_are_the_published_ones():
    assert hash_bytes(b"", "sha256") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert hash_bytes(b"", "xxh3_128") == "99aa06d3014798d86001c324468d497f"


@given(plain, plain)
def test_differences_are_empty_only_for_equal_recipes(one, two):
    recipes = {"value": one}, {"value": two}
    if encode(recipes[0]) == encode(recipes[1]):
        assert not list(differences(*recipes))


def test_differences_name_the_place():
    before = {"fields": {"to": "/a", "env": {"A": "1"}}, "gone": 1}
    after = {"fields": {"to": "/b", "env": {"A": "1", "B": "2"}}}
    assert list(differences(before, after)) == [
        (("fields", "env", "B"), None, "2"),
        (("fields", "to"), "/a", "/b"),
        (("gone",), 1, None),
    ]
