"""Files are written whole, all or none, and never over one that is there."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.errors import RequestError, StackbuildError
from stackbuild.init.draft import Draft, Names
from stackbuild.init.write import write_all

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(TEXT | st.integers(-9, 9) | st.booleans(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(st.dictionaries(TEXT.filter(bool), VALUES, max_size=4), TEXT)
def test_whatever_is_drafted_is_read_back(fields, remark):
    draft = Draft()
    table = draft.add("files", "x", remarks=[remark])
    table.fields = fields
    table.asleep = False
    read = tomllib.loads(draft.text())
    assert read.get("files", {}).get("x", {}) == fields
    table.asleep = True
    assert tomllib.loads(draft.text()) == {}


def test_names_are_given_once_and_fit_an_address():
    names = Names()
    assert [names.take("a"), names.take("a"), names.take("a", "b"), names.take("ä b!"), names.take("all"), names.take("…")] == [
        "a", "a-2", "b", "b-2", "all-2", "target",
    ]  # fmt: skip


def test_nothing_is_left_when_one_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StackbuildError):
        write_all(tmp_path, {"new/a": "a", "b": "b", "file/c": "c"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(RequestError):
        write_all(tmp_path, {"d": "d", "file": "mine"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == ""


def test_a_dangling_link_is_not_followed(tmp_path):
    (tmp_path / "BUILD.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RequestError):
        write_all(tmp_path, {"BUILD.toml": "x"})
    assert not (tmp_path / "elsewhere").exists()
