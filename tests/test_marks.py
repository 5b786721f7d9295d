"""Fingerprints side by side are what a list of them would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.marks import Marks, bytes_of

WIDTHS = {"xxh3_128": 16, "sha256": 32}
NAMES = st.sampled_from(sorted(WIDTHS))


@st.composite
def texts(draw):
    name = draw(NAMES)
    digits = st.binary(min_size=WIDTHS[name], max_size=WIDTHS[name]).map(bytes.hex)
    return name, draw(st.lists(st.none() | digits.map(lambda text: f"{name}:{text}"), max_size=9))


@given(texts(), st.data())
def test_they_are_like_a_list(given_texts, data):
    name, wanted = given_texts
    marks = Marks.of(name, wanted)
    assert list(marks) == wanted == marks and len(marks) == len(wanted)
    assert marks.are_known == (None not in wanted)
    assert list(marks.unknowns()) == [at for at, text in enumerate(wanted) if text is None]
    start, stop = (data.draw(st.integers(-10, 10) | st.none()) for _ in range(2))
    assert list(marks[start:stop]) == wanted[start:stop]
    assert [marks[at] for at in range(-len(wanted), len(wanted))] == wanted * 2
    if marks.are_known:
        assert marks.text() == " ".join(wanted)


@given(texts(), st.data())
def test_what_is_learnt_is_known(given_texts, data):
    name, wanted = given_texts
    marks, some = Marks.of(name, wanted), Marks.of(name, wanted)[:]
    start = data.draw(st.integers(0, len(wanted)))
    news = data.draw(st.lists(st.binary(min_size=WIDTHS[name], max_size=WIDTHS[name]), max_size=len(wanted) - start))
    marks.learn(start, b"".join(news))
    assert marks == [*wanted[:start], *[f"{name}:{new.hex()}" for new in news], *wanted[start + len(news) :]]
    assert some == wanted  # a piece is a copy


def test_unknown_ones_and_those_of_another_algorithm():
    assert Marks.unknown("sha256", 2) == [None, None]
    assert Marks("sha256", bytes(64)) == ["sha256:" + "00" * 32] * 2
    for text in ("sha256:00", "00"):
        with pytest.raises(ValueError, match="is no xxh3_128"):
            bytes_of("xxh3_128", text)
    with pytest.raises(IndexError):
        Marks.unknown("sha256", 1)[1]
