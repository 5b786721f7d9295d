# ruff: noqa: PTH118, PTH208
"""Many folders and files are looked at at once, as one by one."""

from __future__ import annotations

import errno
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native import stats
from stackbuild.native.signatures import folder_signature, letter, listing


def names(folder):
    return sorted(os.listdir(os.fsencode(folder)))


def test_folders_are_listed_as_scandir_does(tmp_path):
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in (b"a.b", b"a", b"A", b"\xff\xfe", "ü".encode(), b"new\nline", b"n" * 255)[: number % 8]:
            open(os.path.join(os.fsencode(folder), name), "wb").close()
        if number % 3 == 0:
            (folder / "folder").mkdir()
            (folder / "link").symlink_to("folder")
            os.mkfifo(folder / "pipe")
    folders = [os.fspath(tmp_path / str(number)) for number in range(40)]
    found = native.list_folders([*folders, os.fspath(tmp_path)])
    assert [list(map(os.fsencode, entry[1])) for entry in found] == [*map(names, folders), names(tmp_path)]
    for folder, entry in zip([*folders, os.fspath(tmp_path)], found, strict=True):
        with os.scandir(folder) as entries:
            assert listing(entries) == entry
        assert entry[0] == "".join(letter(os.lstat(f"{folder}/{name}").st_mode) for name in entry[1])


def test_what_cannot_be_listed_says_why_and_stops_no_other(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    asked = [f"{tmp_path}/{name}" for name in ("gone", "empty", "file", "file/below", "n" * 256)]
    expected = [errno.ENOENT, ("", []), errno.ENOTDIR, errno.ENOTDIR, errno.ENAMETOOLONG]
    assert native.list_folders(asked) == expected
    assert native.list_folders([]) == []


def test_rows_are_those_of_lstat(tmp_path):
    for number in range(600):
        (tmp_path / str(number)).write_bytes(bytes(number))
    (tmp_path / "link").symlink_to("nowhere")
    os.utime(tmp_path / "1", ns=(-1_500_000_001, -1_500_000_001))
    os.utime(tmp_path / "2", ns=(10**19, 10**19))
    paths = [os.fspath(path) for path in sorted(tmp_path.iterdir())]
    rows = [stats.row(os.lstat(path)) for path in paths]
    names = [path.rpartition("/")[2] for path in paths]
    found = native.lstat_rows([(str(tmp_path), names[:200]), ("/", []), (str(tmp_path), names[200:]), (str(tmp_path), [])])
    assert stats.apart(found) == rows and native.lstat_rows([]) == b"" == native.lstat_rows([("/", [])])
    assert native.lstat_rows([("/", ["tmp"])]) == stats.row(os.lstat("/tmp"))
    assert stats.sizes(found).tolist() == list(map(stats.size, rows)) == [os.lstat(path).st_size for path in paths]
    assert list(stats.modes(found)) == [os.lstat(path).st_mode for path in paths]


def test_a_file_that_is_gone_is_named(tmp_path):
    (tmp_path / "there").touch()
    with pytest.raises(FileNotFoundError) as caught:
        native.lstat_rows([(str(tmp_path), ["there", "gone", "there"])])
    assert caught.value.filename == f"{tmp_path}/gone"


def test_a_path_with_nul_is_refused():
    for look, asked in [
        (native.lstat_rows, ("/\0", ["tmp"])), (native.lstat_rows, ("/", ["tmp\0"])), (native.list_folders, "/\0/"),
    ]:  # fmt: skip
        with pytest.raises(ValueError):
            look([asked])


signed = st.lists(st.lists(st.text(st.characters(exclude_characters="\0/", exclude_categories=()), min_size=1, max_size=3), unique=True, max_size=4), max_size=4)


@given(signed)
def test_folders_are_signed_as_one_by_one(folders):
    try:
        folders = [sorted(names, key=os.fsencode) for names in folders]
    except UnicodeEncodeError:
        return  # no file has such a name
    rows = [[(b"%d" % number).rjust(48, b"\xff") for number, _ in enumerate(names)] for names in folders]
    expected = [
        folder_signature([(os.fsencode(name), "f", row) for name, row in zip(names, own, strict=True)])
        for names, own in zip(folders, rows, strict=True)
    ]
    assert native.sign_folders([(names, b"".join(own)) for names, own in zip(folders, rows, strict=True)]) == expected


@pytest.mark.parametrize("rows", [b"", bytes(48), bytes(144)])
def test_rows_that_belong_to_no_file_are_refused(rows):
    with pytest.raises(ValueError):
        native.sign_folders([(["a", "b"], rows)])


def test_what_a_row_says(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    path.chmod(0o754)
    row = stats.row(path.lstat())
    assert len(row) == stats.SIZE and stats.size(row) == 5
    ctime = path.lstat().st_ctime_ns
    assert not stats.settled(row, ctime) and stats.settled(row, ctime + 3_000_000_000)
    assert not stats.settled(row, time.time_ns() - 10**9)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_whole_second_is_a_coarse_clock(mtime, ctime):
    times = mtime.to_bytes(8, "little") + ctime.to_bytes(8, "little")
    row = bytes(24) + times + bytes(8)
    grain = 50_000_000 if ctime % 10**9 else 2_000_000_000
    newest = max(mtime, ctime)
    assert stats.settled(row, newest + grain + 1) and not stats.settled(row, newest + grain)
