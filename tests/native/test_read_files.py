"""Many files in one buffer, each proven to be the file that was looked at."""

from __future__ import annotations

import errno
import os
import socket
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native.stats import UNKNOWN, row


def row_of(path):
    return row(os.lstat(path))


def read(path, *, length=None, offset=0, expected=None):
    """(result, bytes) of one file."""
    size = os.lstat(path).st_size if length is None else length
    out = bytearray(b"?" * size)
    results = native.read_files([os.fspath(path)], array("q", [0, size, offset]), expected or row_of(path), out)
    assert type(results) is array and results.typecode == "i" and len(results) == 1
    return results[0], bytes(out)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def test_files_are_read_side_by_side(tmp_path):
    contents = [os.urandom(size) for size in (0, 1, 4096, 100_000, 0, 7)]
    table, paths, rows, place = array("q"), [], [], 3
    for number, content in enumerate(contents):
        path = tmp_path / str(number)
        path.write_bytes(content)
        paths.append(os.fspath(path))
        table.extend([place, len(content), 0])
        rows.append(row_of(path))
        place += len(content) + 1
    out = bytearray(b"-" * place)
    assert native.read_files(paths, table, b"".join(rows), out).tolist() == [0] * 6
    assert out == b"---" + b"".join(content + b"-" for content in contents)


def test_nothing_is_nothing():
    assert native.read_files([], array("q"), b"", bytearray()).tolist() == []


def test_a_part_of_a_file(file):
    assert read(file, length=4, offset=3) == (0, b"3456")
    assert read(file, length=0, offset=3) == (0, b"")
    assert read(file, length=0, offset=99) == (0, b"")


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_a_place_in_the_buffer_or_none(tmp_path_factory, size, place, length, offset):
    path = tmp_path_factory.getbasetemp() / "given"
    path.write_bytes(b"0123456789")
    out = bytearray(b"-" * size)
    asked = [os.fspath(path)], array("q", [place, length, offset]), row_of(path), out
    if place + length > size:
        with pytest.raises(ValueError, match="does not fit"):
            native.read_files(*asked)
        assert out == b"-" * size
    else:
        (result,) = native.read_files(*asked)
        assert result == (0 if length == 0 or offset + length <= 10 else -1)
        assert out[:place] == b"-" * place and out[place + length :] == b"-" * (size - place - length)
        if result == 0:
            assert out[place : place + length] == b"0123456789"[offset : offset + length]


def test_a_file_with_fewer_bytes_has_changed(file):
    assert read(file, length=11)[0] == -1
    assert read(file, length=11, expected=UNKNOWN)[0] == -1
    assert read(file, length=1, offset=10, expected=UNKNOWN)[0] == -1


def test_a_stat_that_differs_in_anything_is_a_change(file):
    right = row_of(file)
    assert read(file, expected=right) == (0, b"0123456789")
    for place in range(48):
        wrong = bytearray(right)
        wrong[place] ^= 1
        assert read(file, expected=bytes(wrong))[0] == -1, place
    assert read(file, expected=UNKNOWN) == (0, b"0123456789")


def test_a_time_before_1970_or_long_after(file):
    for time in (-1_500_000_001, 10**19):
        os.utime(file, ns=(time, time))
        assert read(file) == (0, b"0123456789")


def test_what_is_missing_or_no_file(tmp_path, file):
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(tmp_path / "socket"))
    expected = row_of(file)
    assert read(tmp_path / "gone", length=1, expected=expected)[0] == errno.ENOENT
    assert read(file / "below", length=1, expected=expected)[0] == errno.ENOTDIR
    assert read(tmp_path / "link", length=1, expected=expected)[0] == errno.ELOOP
    assert read(tmp_path / "socket", length=1, expected=expected)[0] == errno.ENXIO
    assert read(tmp_path / "folder", length=1, expected=expected)[0] == -1
    assert read(tmp_path / "pipe", length=1, expected=expected)[0] == -1
    assert read(tmp_path / "folder", length=1, expected=UNKNOWN)[0] == errno.EISDIR
    assert read(tmp_path / "pipe", length=1, expected=UNKNOWN)[0] == errno.ESPIPE
    assert read("/dev/null", length=1, expected=expected)[0] == -1


def test_one_that_fails_stops_no_other(tmp_path, file):
    paths = [os.fspath(path) for path in (tmp_path / "gone", file)]
    out = bytearray(20)
    results = native.read_files(paths, array("q", [0, 10, 0, 10, 10, 0]), UNKNOWN + row_of(file), out)
    assert results.tolist() == [errno.ENOENT, 0] and out[10:] == b"0123456789"


@pytest.mark.parametrize("name", [b"new\nline", b"\xff\xfe not utf-8", b"n" * 255, b" ", "ü".encode()])
def test_a_name_is_bytes(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"data")
    assert read(path) == (0, b"data")


def test_a_name_too_long(tmp_path):
    assert read(tmp_path / ("n" * 256), length=1, expected=UNKNOWN)[0] == errno.ENAMETOOLONG


@pytest.mark.parametrize(
    "place", [[-1, 1, 0], [0, -1, 0], [0, 1, -1], [0, 11, 0], [11, 0, 0], [2**63 - 1, 2**63 - 1, 0], [0, 1, 2**63 - 1]]
)
def test_a_row_that_leads_outside_is_refused_before_anything_is_read(file, place):
    out = bytearray(10)
    table = array("q", [0, 10, 0, *place])
    with pytest.raises(ValueError, match="does not fit"):
        native.read_files([os.fspath(file)] * 2, table, UNKNOWN * 2, out)
    assert out == bytes(10)


def test_a_table_for_other_paths_is_refused(file):
    path = os.fspath(file)
    two = path + "\0" + path
    for paths, table, rows in [
        ([path], array("q"), UNKNOWN),
        ([path], array("q", bytes(8 * 2)), UNKNOWN),
        ([path, path], array("q", bytes(8 * 3)), UNKNOWN * 2),
        ([path], array("i", bytes(4 * 3)), UNKNOWN),
        ([two], array("q", bytes(8 * 3)), UNKNOWN),
        ([path], array("q", bytes(8 * 3)), b""),
        ([path], array("q", bytes(8 * 3)), UNKNOWN * 2),
        ([path], array("q", bytes(8 * 3)), UNKNOWN[:-1]),
    ]:
        with pytest.raises(ValueError):
            native.read_files(paths, table, rows, bytearray(10))


def test_the_buffer_can_be_resized_afterwards(file):
    out, table = bytearray(10), array("q", [0, 10, 0])
    native.read_files([os.fspath(file)], table, UNKNOWN, out)
    out.extend(b"more")
    table.append(1)
