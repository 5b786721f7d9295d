"""What differs between two recipes, in words."""

from __future__ import annotations

import pytest

from stackbuild.build.why.causes import differing, sentence, words

D1, D2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def packages(**versions):
    return {"inputs": {"from": {"packages": versions, "said": str(versions)}}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (packages(a=f"1.0 {D1}"), packages(a=f"1.1 {D2}"), ["package a 1.0 -> 1.1"]),
        (packages(a=f"1.0 {D1}"), packages(a=f"1.0 {D2}"), ["package a 1.0 is another file: sha256:111111111111… -> sha256:222222222222…"]),
        (packages(), packages(a=f"1.0 {D1}"), ["package a 1.0 added"]),
        (packages(a=f"1.0 {D1}"), packages(), ["package a 1.0 removed"]),
        ({"inputs": {"image": D1}}, {"inputs": {"image": D2}}, ["base image sha256:111111111111… -> sha256:222222222222…"]),
        ({"inputs": {"codec": "a-1"}}, {"inputs": {"codec": "a-2"}}, ["the compressor changed: a-1 -> a-2"]),
        ({"version": 1}, {"version": 2}, ["the rule that builds it changed: version 1 -> 2"]),
        ({"fields": {"l": ["a", "b", "b"]}}, {"fields": {"l": ["b", "c"]}}, ['field l: removed "a", "b", added "c"']),
        ({"fields": {"l": None}}, {"fields": {"l": ["b"]}}, ['field l: none -> ["b"]']),
        ({"fields": {"modes": [["*", 420]]}}, {"fields": {"modes": [["*", 493]]}}, ['field modes: removed "*" = "0644", added "*" = "0755"']),
        ({"fields": {"owners": [["*", [0, 0]]]}}, {"fields": {"owners": []}}, ['field owners: removed "*" = "0:0"']),
        ({"fields": {"env": {"A": "x" * 99}}}, {"fields": {"env": {}}}, ['field env.A: "' + "x" * 56 + "… -> none"]),
        (
            {"inputs": {"from": {"files": {"a": "link b", "c": "0644 x"}}}},
            {"inputs": {"from": {"files": {"a": "0755 y", "c": "0644 z"}}}},
            ["file in/a became a file, and was a link", "file in/c changed"],
        ),
    ],
)  # fmt: skip
def test_each_difference_is_told_shortly(before, after, expected):
    assert [words(cause, "in") for cause in differing(before, after)] == expected


def test_explain_keeps_its_words():
    before = {"fields": {"l": ["a"]}, "needs": ["x"], "results": {"x": {"d": 1}, "y": 1}, **packages(a=f"1 {D1}")}
    after = {"fields": {"l": ["b"]}, "needs": ["x"], "results": {"x": {"d": 2}}, **packages(a=f"2 {D2}")}
    assert [sentence(cause) for cause in differing(before, after)] == [
        "field l changed: ['a'] -> ['b']", "package a 1 -> 2", "dependency x changed", "dependency y removed",
    ]  # fmt: skip
