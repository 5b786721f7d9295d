"""The commands of a RUN: simple ones as words with their line, the rest as text."""

from __future__ import annotations

import pytest

from stackbuild.init.dockerfile.shell import commands


def words(text: str, **variables: str) -> list[list[str] | None]:
    return [command.words for command in commands(text, variables)]


def test_steps_are_found_with_their_lines():
    found = commands("a 1 && \\\n b '2 3' ; \\\n  c \"$X\"", {"X": "4 5"})
    assert [(step.line, step.words) for step in found] == [(0, ["a", "1"]), (1, ["b", "2 3"]), (2, ["c", "4 5"])]


def test_variables_assigned_on_the_way_count():
    assert words("A=/x; export B=$A/y; mkdir $B") == [["mkdir", "/x/y"]]


def test_an_unquoted_variable_may_hold_several_words():
    assert words("a $X", X="b c") == [["a", "b", "c"]]


@pytest.mark.parametrize(
    "text",
    ["a | b", "a > f", "if a; then b; fi", "(a)", "a $(b)", "a `b`", "a $UNKNOWN", "a || b", "a {b,c}", "for x in a; do b; done", "a ~/x", "a 'open"],
)
def test_what_only_a_shell_can_tell_is_opaque(text):
    assert words(text) == [None]


@pytest.mark.parametrize("text", ["a >/dev/null", "a 2>&1", "a > /dev/null 2>&1", "a || true", "a || :", "{ a; }"])
def test_what_changes_no_file_is_no_hindrance(text):
    assert words(text) == [["a"]]
