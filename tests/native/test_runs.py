"""Runs of a tar are what their headers and files are one by one, and each file is proven to be the one that was meant."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.native.runs import Run
from stackbuild.native.stats import row
from stackbuild.native.ustar import BLOCK

SIZES = [0, 1, 511, 512, 513, 5000]


def rows_of(folder, names):
    return b"".join([row(os.lstat(folder / name)) for name in names])


def room(sizes):
    return sum(BLOCK + size + -size % BLOCK for size in sizes)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, way):
    """Two folders, each with a file of every size."""
    root = tmp_path_factory.mktemp("runs")
    for folder in ("a", "b"):
        (root / folder).mkdir()
        for size in SIZES:
            (root / folder / f"{size}ü").write_bytes(os.urandom(size))
    return root


chosen = st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from(SIZES), min_size=1, max_size=4)), max_size=3)


@given(chosen, st.sampled_from(["", "p/", "n" * 90 + "/" + "m" * 20 + "/"]), st.integers(0, 0o7777), st.integers(0, 0o7777777))
def test_a_run_is_what_headers_and_files_are(folders, chosen, prefix, mode, owner):
    runs, place = [], 3
    out = bytearray(b"?" * (6 + sum(room(sizes) for _, sizes in chosen)))
    expected = bytearray(out)
    for folder, sizes in chosen:
        names = [f"{size}ü" for size in sizes]
        modes = [mode, *[0o644] * (len(sizes) - 1)]
        runs.append(Run(place, prefix, str(folders / folder), "/".join(names), rows_of(folders / folder, names), modes, owner, 7, 123))
        for size, name, own in zip(sizes, names, modes, strict=True):
            block = bytearray(BLOCK)
            native.write_headers([prefix + name], array("q", [0, size, own, owner, 7, 123]), block)
            data = bytes(block) + (folders / folder / name).read_bytes() + bytes(-size % BLOCK)
            expected[place : place + len(data)] = data
            place += len(data)
    found = native.lay_out(runs, out)
    assert type(found) is array and found.typecode == "i" and found.tolist() == [0] * sum(len(sizes) for _, sizes in chosen)
    assert out == expected


def test_a_tar_of_it_is_read_by_others(folders):
    names = [f"{size}ü" for size in SIZES]
    out = bytearray(room(SIZES) + 2 * BLOCK)
    native.lay_out([Run(0, "to/", str(folders / "a"), "/".join(names), rows_of(folders / "a", names), [0o755] * 6, 1, 2, 3)], out)
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        for name, member in zip(names, tar, strict=True):
            assert (member.name, member.mode, member.uid, member.gid, member.mtime) == (f"to/{name}", 0o755, 1, 2, 3)
            assert tar.extractfile(member).read() == (folders / "a" / name).read_bytes()


def one(folder, rows, names=("f", "g")):
    return Run(0, "", str(folder), "/".join(names), rows, [0o644] * len(names), 0, 0, 0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("f", "g"):
        (tmp_path / "d" / name).write_bytes(b"0123")
    return tmp_path / "d"


def swapped(change):
    def do(folder):
        (folder / "f").unlink()
        change(folder / "f")

    return do


def moved(folder):
    folder.rename(folder.parent / "other")
    folder.symlink_to("other")


def replaced(folder):
    shutil.rmtree(folder)
    folder.touch()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: None, [0, 0]),
        (lambda folder: (folder / "f").write_bytes(b"4567"), [-1, 0]),
        (lambda folder: (folder / "f").write_bytes(b"4"), [-1, 0]),
        (lambda folder: (folder / "g").unlink(), [0, errno.ENOENT]),
        (swapped(os.mkfifo), [-1, 0]),
        (swapped(os.mkdir), [-1, 0]),
        (swapped(lambda path: path.symlink_to("g")), [errno.ELOOP, 0]),
        (swapped(lambda path: path.write_bytes(b"0123")), [-1, 0]),
        (shutil.rmtree, [errno.ENOENT] * 2),
        (moved, [errno.ELOOP] * 2),
        (replaced, [errno.ENOTDIR] * 2),
        (lambda folder: (shutil.rmtree(folder), os.mkfifo(folder)), [errno.ENOTDIR] * 2),
    ],
)
def test_each_file_is_the_one_that_was_meant(folder, change, expected):
    rows = rows_of(folder, ["f", "g"])
    change(folder)
    out = bytearray(room([4, 4]))
    assert native.lay_out([one(folder, rows)], out).tolist() == expected
    for number, status in enumerate(expected):
        if not status:
            assert out[number * 1024 + 512 :][:512] == b"0123" + bytes(508)


@pytest.mark.parametrize("size", [0, 1, 1535, 2047])
def test_what_does_not_fit_is_refused(folder, size):
    with pytest.raises(ValueError, match="fit"):
        native.lay_out([one(folder, rows_of(folder, ["f", "g"]))], bytearray(size))


def test_what_cannot_be_is_refused(folder):
    rows, out = rows_of(folder, ["f", "g"]), bytearray(4096)
    sound = one(folder, rows)
    wrong = [
        {"place": -1}, {"place": 4096}, {"uid": -1}, {"gid": 1 << 40}, {"mtime": -1}, {"modes": [0o644, -1]}, {"modes": [0o644]},
        {"rows": rows[48:]}, {"rows": rows[:16] + b"\xff" * 8 + rows[24:]}, {"names": "f/g/h"}, {"names": "f"},
        {"prefix": "p" * 300}, {"prefix": "\0"}, {"names": "f/\0"}, {"names": "f/"}, {"names": ""}, {"folder": "/\0"},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(ValueError):
            native.lay_out([sound._replace(**fields)], out)
    assert native.lay_out([], out).tolist() == []
