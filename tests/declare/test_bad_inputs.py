"""What a person sees who wrote a wrong BUILD.toml: one line for each fault, to the letter."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from .cases import read_cases

CASES = list(read_cases(Path(__file__).parent / "bad"))
JARGON = re.compile(
    r"Input should|Extra inputs|Value error|valid (string|list|dictionary)|instance of|unable to parse|"
    r"after validation|Traceback|pydantic|_type\b|None\b|\bdict\b|stackbuild itself"
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message(tree, case):
    for path, text in case.files.items():
        tree.write(path, text)
    quiet = ["--progress", "none"] if case.command[0] == "image" else []
    status, out, err = tree.run(*case.command, *quiet)
    assert err.splitlines() == case.lines
    assert (status, out) == (case.status, "")


def test_there_are_many_and_none_twice():
    assert len(CASES) >= 240
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_expected_lines_speak_plainly(case):
    assert case.lines
    assert case.status in (1, 2)
    for line in case.lines:
        assert not JARGON.search(line)
        if case.command == ["list", "//..."]:
            assert re.match(r"(\w+/)*BUILD\.toml:[1-9]\d*:[1-9]\d*: \S", line)
