"""What is looked at ahead is told once, as it was, and only while it is fresh."""

from __future__ import annotations

import os
import time

import pytest

from stackbuild import native
from stackbuild.native import stats
from stackbuild.native.signatures import folder_signature


@pytest.fixture
def ahead(tmp_path, way):
    """Looks at a tree ahead, and changes it once that is done: what was in `a`, before and after. By Python alone
    nothing is looked at ahead, and every answer is late."""
    (tmp_path / "a").mkdir()

    def look(ask):
        """What a question is answered with, once the folder was looked at before it changed."""
        for attempt in range(100 if way == "native" else 1):
            (tmp_path / "a/f").write_text("x" * attempt)
            before = (["f"], stats.row(os.lstat(tmp_path / "a/f")))
            native.look_ahead([str(tmp_path)], deep=True)
            time.sleep(0.02 * (attempt + 1))
            (tmp_path / "a/f").write_text("y" * 200)
            (tmp_path / "a/new").touch()
            after = (["f", "new"], stats.row(os.lstat(tmp_path / "a/f")))
            if (found := ask(before)) != ask.__defaults__:
                return found, before, after
            (tmp_path / "a/new").unlink()
        assert way == "pure", "nobody looked"
        return None

    return look


def test_each_look_is_told_once(tmp_path, ahead):
    folder = str(tmp_path / "a")

    def ask(before, late=None):
        listed, row = native.list_folders([folder]), native.lstat_rows([(folder, ["f"])])
        again = native.list_folders([folder]), native.lstat_rows([(folder, ["f"])])
        return ((listed[0][1], row), (again[0][0][1], again[1])) if listed[0][1] == before[0] else (late,)

    if told := ahead(ask):
        (first, second), before, after = told
        assert first == before and second == after


def test_a_file_that_was_not_there_is_looked_at(tmp_path, ahead):
    folder = str(tmp_path / "a")

    def ask(before, late=None):
        found = stats.apart(native.lstat_rows([(folder, ["f", "new"])]))
        return found if found[0] == before[1] else (late,)

    if told := ahead(ask):
        assert told[0] == [told[1][1], stats.row(os.lstat(tmp_path / "a/new"))]


def test_only_who_asks_for_it_compares_with_it(tmp_path, ahead):
    folder = str(tmp_path / "a")

    def ask(before, late=None):
        signature = folder_signature([(b"f", "f", before[1])])
        record = f"F{folder}\0.git\0{signature}\0".encode()
        names = f"L{folder}\0.git\0{folder_signature([(b'f', 'f', None)])}\0".encode()
        without = f"L{folder}\0f\0{folder_signature([])}\0".encode()
        found = [native.unchanged(item, ahead=True) for item in (record, names, without)]
        assert [native.unchanged(item) for item in (record, names, without)] == [0, 0, 0]
        return found if found[0] == -1 else (late,)

    if told := ahead(ask):
        assert told[0] == [-1, -1, -1]


def test_old_looks_are_none(tmp_path, way):
    (tmp_path / "a").touch()
    native.look_ahead([str(tmp_path)], deep=False)
    time.sleep(2.1)
    (tmp_path / "b").touch()
    assert native.list_folders([str(tmp_path)]) == [("ff", ["a", "b"])]


def test_what_is_not_there_is_told_by_who_asks(tmp_path, way):
    native.look_ahead([str(tmp_path / "gone"), "", "/proc/self/mem"], deep=True)
    time.sleep(0.1)
    assert native.list_folders([str(tmp_path / "gone")]) == [2]
    (tmp_path / "gone").mkdir()
    assert native.list_folders([str(tmp_path / "gone")]) == [("", [])]
