"""Headers of plain files: the same bytes by both ways, read back by the standard library."""

from __future__ import annotations

import tarfile
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native import ustar

paths = st.lists(st.text("abz.-_ ", min_size=1, max_size=60), min_size=1, max_size=6).map("/".join)
headers = st.tuples(
    paths,
    st.integers(0, ustar.MOST_SIZE), st.integers(0, 0o7777), st.integers(0, ustar.MOST_OWNER),
    st.integers(0, ustar.MOST_OWNER), st.integers(0, ustar.MOST_TIME),
)  # fmt: skip


def written(files, size=None):
    """The buffer after headers of (path, size, mode, uid, gid, mtime) were written into noise, with gaps between."""
    table = array("q")
    for number, (_, *fields) in enumerate(files):
        table.extend((1000 * number + 3, *fields))
    out = bytearray(b"?" * (1000 * len(files) if size is None else size))
    native.write_headers([file[0] for file in files], table, out)
    return out


@given(st.lists(headers, max_size=4))
def test_they_are_read_back(files):
    fitting = [file for file in files if ustar.split(file[0].encode()) is not None]
    out = written(fitting)
    for number, file in enumerate(fitting):
        block = out[1000 * number + 3 :][:512]
        assert block == ustar.file_block(file[0].encode(), *file[1:])
        info = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "strict")
        assert (info.name, info.size, info.mode, info.uid, info.gid, info.mtime) == file
        assert info.isreg() and not info.linkname
        assert out[1000 * number :][:3] == bytes(3) and not any(out[1000 * number + 515 : 1000 * number + 1000])


@pytest.mark.parametrize(
    "file",
    [
        ("a" * 101, 0, 0, 0, 0, 0), ("/" + "a" * 100, 0, 0, 0, 0, 0), ("a" * 156 + "/b", 0, 0, 0, 0, 0),
        ("a/" * 60, 0, 0, 0, 0, 0), ("a", -1, 0, 0, 0, 0), ("a", ustar.MOST_SIZE + 1, 0, 0, 0, 0),
        ("a", 0, -1, 0, 0, 0), ("a", 0, 0o10000000, 0, 0, 0), ("a", 0, 0, 0o10000000, 0, 0),
        ("a", 0, 0, 0, -5, 0), ("a", 0, 0, 0, 0, ustar.MOST_TIME + 1), ("a", 0, 0, 0, 0, -1), ("a\0b", 0, 0, 0, 0, 0),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(file):
    with pytest.raises(ValueError):
        written([file])


@pytest.mark.parametrize("place", [-1, 489, 2**63 - 1, -(2**63)])
def test_a_place_outside_is_refused(place):
    out = bytearray(1000)
    with pytest.raises(ValueError):
        native.write_headers(["a"], array("q", [place, 0, 0, 0, 0, 0]), out)
    assert out == bytes(1000)


def test_a_table_for_other_paths_is_refused():
    for asked, table in [(["a"], array("q")), ([], array("q", bytes(48))), (["a"], array("i", bytes(24)))]:
        with pytest.raises(ValueError):
            native.write_headers(asked, table, bytearray(600))
