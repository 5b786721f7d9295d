# ruff: noqa: PTH102, PTH109, PTH118, PTH208
"""What is on disk is as it was seen, or is said not to be. Names are bytes here, which pathlib cannot hold."""

from __future__ import annotations

import hashlib
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native.signatures import (
    ABSENT,
    PASSABLE,
    blob_signature,
    entry_letter,
    folder_signature,
    letter,
    link_signature,
    passed_signature,
    place_signature,
    stat_signature,
)
from stackbuild.native.signatures import record as one_of
from stackbuild.native.stats import row

NAMES = [b"new\nline", b"\xff\xfe", b"n" * 255, b" ", "ü".encode(), b"a", b"a.b", b"a0", b"A", b"-"]


def record(kind, path, *fields):
    return b"\0".join([kind.encode() + os.fsencode(path), *(os.fsencode(field) for field in fields), b""])


def folder(kind, path, ignored=b""):
    """A record of a folder as it is."""
    with os.scandir(os.fsencode(path)) as entries:
        seen = [
            (entry.name, entry_letter(entry), row(entry.stat(follow_symlinks=False)) if kind == "F" else None)
            for entry in entries
            if entry.name not in ignored.split(b"/")
        ]
    return record(kind, path, ignored, folder_signature(seen))


@pytest.fixture
def full(tmp_path):
    """A folder with one of everything, in every odd name."""
    path = tmp_path / "full"
    path.mkdir()
    for name in NAMES:
        with open(os.path.join(os.fsencode(path), name), "wb") as file:
            file.write(name)
    (path / "folder").mkdir()
    (path / "folder/deep").touch()
    (path / "link").symlink_to("a")
    (path / "dangling").symlink_to("nowhere")
    os.mkfifo(path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(path)  # a socket's path is short
        listener.bind("socket")
        os.chdir(here)
    return path


def test_no_records_are_unchanged():
    assert native.unchanged(b"") == -1


def test_signatures_are_as_written_down(tmp_path):
    """In the words of the format, not by the functions that make them."""
    (tmp_path / "f").write_bytes(b"data")
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("f")
    os.mkfifo(tmp_path / "o")
    stat = os.lstat(tmp_path / "f")
    numbers = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_mode)
    seen = b"".join(number.to_bytes(8, "little") for number in numbers)

    def sign(seen):
        return hashlib.sha256(seen).hexdigest()[:32]

    end = os.path.realpath(os.fsencode(tmp_path / "f"))
    records = [
        record("S", tmp_path / "f", sign(seen)),
        record("B", tmp_path / "f", sign(seen[8:32])),
        record("L", tmp_path, "", sign(b"d\0df\0fl\0lo\0o")),
        record("F", tmp_path, "", sign(b"d\0df\0f" + seen + b"l\0lo\0o")),
        record("L", tmp_path, "d/o", sign(b"f\0fl\0l")),
        record("R", tmp_path / "l", sign(b"f\0" + end)),
        *(record(kind, tmp_path / "gone", sign(b"absent")) for kind in "SBR"),
        *(record(kind, tmp_path / "gone", "x", sign(b"absent")) for kind in "LF"),
    ]
    assert native.unchanged(b"".join(records)) == -1
    for one in records:
        assert native.unchanged(one) == -1, one
    assert sign(b"absent") == ABSENT
    assert stat_signature(row(stat)) == sign(seen)


def test_every_kind_of_thing_is_unchanged(full):
    for name in os.listdir(os.fsencode(full)):
        path = os.path.join(os.fsencode(full), name)
        assert native.unchanged(record("S", path, stat_signature(row(os.lstat(path))))) == -1
        assert native.unchanged(record("B", path, blob_signature(row(os.lstat(path))))) == -1
    assert native.unchanged(folder("L", full) + folder("F", full) + folder("F", full / "folder")) == -1


def test_letters(full):
    with os.scandir(os.fsencode(full)) as entries:
        for entry in entries:
            assert entry_letter(entry) == letter(entry.stat(follow_symlinks=False).st_mode)
    letters = {name: letter(os.lstat(full / name).st_mode) for name in ("a", "folder", "link", "dangling", "pipe", "socket")}
    assert letters == {"a": "f", "folder": "d", "link": "l", "dangling": "l", "pipe": "o", "socket": "o"}
    assert letter(os.lstat("/dev/null").st_mode) == "o"


def test_a_device_and_the_root():
    for path in ("/dev/null", "/"):
        assert native.unchanged(record("S", path, stat_signature(row(os.lstat(path))))) == -1


def test_a_change_of_a_file_is_seen(full):
    path = full / "a"
    before = record("S", path, stat_signature(row(os.lstat(path))))
    as_blob = record("B", path, blob_signature(row(os.lstat(path))))
    names, files = folder("L", full), folder("F", full)
    os.link(path, full.parent / "hard")  # moves the ctime alone
    assert [native.unchanged(one) for one in (before, as_blob, names, files)] == [0, -1, -1, 0]
    path.write_bytes(b"longer")
    assert [native.unchanged(one) for one in (before, as_blob, names, files)] == [0, 0, -1, 0]


def test_a_change_of_names_is_seen(full):
    def changes(do):
        names, files = folder("L", full, b"ignored/never"), folder("F", full, b"ignored/never")
        assert native.unchanged(names + files) == -1
        do()
        return native.unchanged(names), native.unchanged(files)

    assert changes((full / "new").touch) == (0, 0)
    assert changes((full / "ignored").touch) == (-1, -1)
    assert changes(lambda: (full / "new").rename(full / "newer")) == (0, 0)
    assert changes((full / "newer").unlink) == (0, 0)
    assert changes((full / "ignored").unlink) == (-1, -1)
    assert changes(lambda: ((full / "a").unlink(), (full / "a").mkdir())) == (0, 0)
    assert changes((full / "folder/new").touch) == (-1, -1)


def test_what_comes_where_nothing_was_is_a_change(tmp_path):
    path = tmp_path / "new"
    records = [record(kind, path, *fields, ABSENT) for kind, fields in
               [("S", []), ("B", []), ("L", [""]), ("F", [""]), ("R", [])]]  # fmt: skip
    assert native.unchanged(b"".join(records)) == -1
    path.write_bytes(b"a file: as a folder it is not there")
    below = [record("S", path / "x", ABSENT), record("L", path / "x", "", ABSENT), record("R", path / "x", ABSENT)]
    assert [native.unchanged(one) for one in (*records, *below)] == [0, 0, -1, -1, 0, -1, -1, -1]
    path.unlink()
    path.mkdir()
    assert [native.unchanged(one) for one in records] == [0] * 5


def test_what_goes_is_a_change(tmp_path, full):
    (tmp_path / "link").symlink_to("full")
    records = [
        record("S", full / "a", stat_signature(row(os.lstat(full / "a")))),
        folder("F", full / "folder"),
        record("R", full / "link", link_signature(os.fsencode(full / "link"))),
    ]
    assert native.unchanged(b"".join(records)) == -1
    (full / "a").rename(tmp_path / "a")
    (full / "folder").rename(tmp_path / "folder")
    (full / "link").unlink()
    assert [native.unchanged(one) for one in records] == [0, 0, 0]


def test_where_a_symlink_leads(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one/file").touch()
    (tmp_path / "middle").symlink_to("one")
    links = {"to": "middle/file", "nowhere": "gone", "self": "self", "odd": "middle/file/../file", "root": "/", "up": ".."}
    for name, says in links.items():
        (tmp_path / name).symlink_to(says)

    def look():
        return [record("R", tmp_path / name, link_signature(os.fsencode(tmp_path / name))) for name in links]

    records = look()
    assert native.unchanged(b"".join(records)) == -1
    (tmp_path / "two").mkdir()
    (tmp_path / "two/file").touch()
    (tmp_path / "middle").unlink()
    (tmp_path / "middle").symlink_to("two")  # the link itself is as it was; where it leads is not
    (tmp_path / "gone").touch()
    assert [native.unchanged(one) for one in records] == [0, 0, -1, -1, -1, -1]
    assert native.unchanged(b"".join(look())) == -1


def test_where_a_folder_is(tmp_path):
    """A symlink to a folder is another place, though all in it looks the same."""
    path = tmp_path / "folder"
    path.mkdir()
    place = record("P", path, place_signature(os.fsencode(path)))
    assert native.unchanged(place) == -1
    path.rename(tmp_path / "away")
    assert native.unchanged(place) == 0
    path.symlink_to("away")
    assert native.unchanged(place) == 0
    path.unlink()
    path.touch()
    assert native.unchanged(place) == native.unchanged(record("P", path, ABSENT)) == 0
    with pytest.raises(OSError):
        place_signature(os.fsencode(path))
    path.unlink()
    assert native.unchanged(record("P", path, ABSENT)) == -1
    path.mkdir()
    assert native.unchanged(place) == -1


def test_what_is_passed_over_is_a_folder_or_nothing(full):
    def passed(name):
        path = full / name
        found = native.unchanged(record("I", path, PASSABLE)) == -1
        assert found == (passed_signature(os.fsencode(path)) == PASSABLE)
        return found

    (full / "to a folder").symlink_to("folder")
    assert [passed(name) for name in ("folder", "nowhere", "a/b", "a", "link", "to a folder", "pipe")] == [True] * 3 + [False] * 4
    (full / "self").symlink_to("self")
    assert native.unchanged(record("I", full / "self" / "x", PASSABLE)) == 0
    with pytest.raises(OSError):
        passed_signature(os.fsencode(full / "self" / "x"))


def test_each_record_can_be_told_from_the_others(full):
    records = [folder("L", full), record("S", full / "a", ABSENT), folder("F", full, b"a"), record("I", full / "x", PASSABLE)]
    assert [one_of(b"".join(records), index) for index in range(4)] == records


def test_what_is_no_symlink_cannot_be_read_as_one(full):
    with pytest.raises(OSError):
        link_signature(os.fsencode(full / "a"))
    assert native.unchanged(record("R", full / "a", ABSENT)) == 0


def test_what_cannot_be_looked_at_counts_as_changed(tmp_path):
    (tmp_path / "self").symlink_to("self")
    for path in (tmp_path / ("n" * 256), tmp_path / "self" / "below"):
        assert native.unchanged(record("S", path, ABSENT)) == 0
        assert native.unchanged(record("F", path, "", ABSENT)) == 0


def test_one_among_many_is_found(full):
    good = record("S", full / "a", stat_signature(row(os.lstat(full / "a"))))
    for total in (1, 7, 8, 9, 100, 1000):
        assert native.unchanged(good * total) == -1
        for place in {0, total // 2, total - 1}:
            bad = record("S", full / "a", "0" * 32)
            assert native.unchanged(good * place + bad + good * (total - 1 - place)) == place
    bad = record("S", full / "a", "0" * 32)
    assert 50 <= native.unchanged(good * 50 + bad * 50) < 100


def test_times_beyond_what_is_usual(tmp_path):
    for time in (0, -1, -1_500_000_001, 2**31 * 10**9 + 7, 10**19):
        path = tmp_path / "file"
        path.touch()
        os.utime(path, ns=(time, time))
        assert native.unchanged(record("S", path, stat_signature(row(os.lstat(path))))) == -1
        assert native.unchanged(record("B", path, blob_signature(row(os.lstat(path))))) == -1


GOOD = record("S", "/", ABSENT)


@pytest.mark.parametrize(
    "records",
    [b"S", b"\0", b"S/", b"S/\0", b"X/\0" + b"0" * 32 + b"\0", GOOD[:-1], GOOD + b"\0", GOOD + b"S", b"\0" + GOOD,
     record("L", "/", ABSENT), record("S", "/", "", ABSENT), record("S", "/", ABSENT[:-1]),
     record("S", "/", ABSENT + "0"), record("S", "/", ABSENT.upper()), record("S", "/", "g" * 32),
     record("SBLFR", "/", ABSENT)[:-1], record("S", "/", ABSENT + "\n"), record("F", "/", ""), GOOD + GOOD + b"?"],
)  # fmt: skip
def test_malformed_records_are_refused(records):
    with pytest.raises(ValueError, match="malformed"):
        native.unchanged(records)


@given(st.lists(st.sampled_from([b"S", b"L", b"F", b"R", b"B", b"/", b"\0", ABSENT.encode(), b"x", b"\xff"]), max_size=12))
def test_any_bytes_are_records_or_refused(pieces):
    try:
        assert -1 <= native.unchanged(b"".join(pieces)) <= len(pieces)
    except ValueError as error:
        assert "malformed" in str(error)


@given(st.dictionaries(st.binary(min_size=1, max_size=9).filter(lambda n: not {0, 47} & set(n) and n not in (b".", b"..")),
                       st.booleans(), max_size=6), st.sets(st.sampled_from([b"a", b"b", b"\n"])))  # fmt: skip
def test_any_names(tmp_path_factory, names, ignored):
    path = os.fsencode(tmp_path_factory.mktemp("names"))
    for name, is_folder in names.items():
        if is_folder:
            os.mkdir(os.path.join(path, name))
        else:
            open(os.path.join(path, name), "wb").close()
    without = b"/".join(ignored)
    assert native.unchanged(folder("L", path, without) + folder("F", path, without)) == -1
