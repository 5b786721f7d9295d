"""Wheels that are not what they say: each is refused with a sentence, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import random
import struct
import zipfile
import zlib

import pytest

from stackbuild.ecosystems.ecosystem import Package
from stackbuild.ecosystems.wheel.unpack import unpack
from stackbuild.errors import BuildFailed
from stackbuild.layer.unpack import Spool

from .making import contents, record, record_hash, wheel, zipped

INFO = "foo-1.0.dist-info"


def unpacked(folder, data: bytes, version="1.0"):
    file = folder / "foo.whl"
    file.write_bytes(data)
    (folder / "temp").mkdir()
    with Spool(folder / "temp", "sha256") as spool:
        return unpack(Package("foo", version, "//x", "sha256:" + "0" * 64), file, spool)


@pytest.fixture
def refused(tmp_path):
    def check(data: bytes) -> str:
        with pytest.raises(BuildFailed) as failed:
            unpacked(tmp_path, data)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["foo.whl", "temp"]
        assert list((tmp_path / "temp").iterdir()) == []
        assert len(failed.value.lines()) == 1 and "\n" not in failed.value.lines()[0]
        return failed.value.what

    return check


def with_file(name: str, data: bytes = b"x") -> bytes:
    """A wheel with one more file, in its RECORD too."""
    return wheel(files={name: data})


def raw_record(text: str) -> bytes:
    files = contents()
    return zipped({**files, f"{INFO}/RECORD": text.encode()})


def patched(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    assert len(old) == len(new) and old in data
    return data.replace(old, new, count)


def test_a_sound_one_is_taken(tmp_path):
    tree = unpacked(tmp_path, wheel(files={"foo/a.py": b"1"}, entry_points_txt="[console_scripts]\nfoo = foo:main\n"))
    assert [entry.path for entry in tree.entries][:2] == ["lib/foo/__init__.py", "lib/foo/a.py"]
    assert tree.facts["scripts"] == [["foo", "foo", "main"]]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "foo/../../evil",
        "/etc/passwd",
        "foo/./a",
        "foo//a",
        "..",
        "foo\\..\\evil",
        "C:\\evil",
        ".wh.foo",
        "foo/.wh..wh..opq",
        "foo/a\nb",
        "foo/a\x1b[2J",
        "foo-1.0.data/purelib/../../../evil",
        "foo-1.0.data/scripts/../x",
        "foo/\u202egnp.py",
    ],
)
def test_names_that_lead_elsewhere(refused, name):
    assert refused(with_file(name)).startswith("it holds a file with the name ")


def test_a_name_with_a_nul(refused):
    data = wheel(files={"foo/aXb.py": b"x"})
    assert "it holds a file with the name" in refused(data.replace(b"foo/aXb.py", b"foo/a\0b.py"))


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o060666, 0o010644, 0o140755, 0o040755])
def test_what_is_no_file(refused, mode):
    files = contents(files={"foo/link": b"/etc/passwd"})
    data = zipped({**files, f"{INFO}/RECORD": record(files)}, modes={"foo/link": mode})
    assert refused(data) == "'foo/link' is neither a file nor a folder"


def test_a_folder_with_bytes(refused):
    files = contents()
    data = zipped({**files, f"{INFO}/RECORD": record(files), "foo/sub/": b"x"})
    assert refused(data) == "'foo/sub/' is a folder that holds bytes"


def test_a_name_twice(refused):
    files = contents(files={"foo/a": b"1"})
    with pytest.warns(UserWarning):
        data = zipped([*files.items(), ("foo/a", b"1"), (f"{INFO}/RECORD", record(files))])
    assert refused(data) == "it holds 'foo/a' twice"


def test_the_same_place_by_two_schemes(refused):
    data = wheel(files={"foo/a": b"1", "foo-1.0.data/purelib/foo/a": b"2"})
    assert refused(data) == "'foo-1.0.data/purelib/foo/a' would be written twice"


@pytest.mark.parametrize("scheme", ["stdlib", "include", "etc", "purelib", ""])
def test_a_scheme_that_there_is_not(refused, scheme):
    name = f"foo-1.0.data/{scheme}" if scheme == "purelib" else f"foo-1.0.data/{scheme or 'x'}/a"
    assert refused(with_file(name)) == f"'{name}' belongs to no scheme that wheels have"


# Central directory and local headers.


def test_another_name_in_its_own_header(refused):
    data = patched(with_file("foo/one.py"), b"foo/one.py", b"foo/two.py", 1)
    assert "has another name in its own header" in refused(data)


def test_another_size_in_its_own_header(refused):
    data = bytearray(wheel())
    at = data.index(b"PK\x03\x04", 10)
    struct.pack_into("<L", data, at + 22, 7)
    assert "has another size or kind in its own header" in refused(bytes(data))


def test_another_packed_size_in_its_own_header(refused):
    data = bytearray(wheel())
    struct.pack_into("<L", data, 18, 1)
    assert "has another size or kind in its own header" in refused(bytes(data))


def test_another_sum_in_its_own_header(refused):
    data = bytearray(wheel())
    struct.pack_into("<L", data, 14, 1)
    assert "has another size or kind in its own header" in refused(bytes(data))


def test_another_method_in_its_own_header(refused):
    data = bytearray(wheel())
    struct.pack_into("<H", data, 8, zipfile.ZIP_STORED)
    assert "has another size or kind in its own header" in refused(bytes(data))


def moved(data: bytes, at: int, inserted: bytes) -> bytes:
    """A zip with bytes put in at a place, and every offset behind it corrected."""
    end = data.rindex(b"PK\x05\x06")
    directory = struct.unpack_from("<L", data, end + 16)[0]
    out = bytearray(data)
    place = directory
    while place < end:
        lengths = struct.unpack_from("<3H", out, place + 28)
        offset = struct.unpack_from("<L", out, place + 42)[0]
        struct.pack_into("<L", out, place + 42, offset + (len(inserted) if offset >= at else 0))
        place += 46 + sum(lengths)
    struct.pack_into("<L", out, end + 16, directory + len(inserted))
    return bytes(out[:at]) + inserted + bytes(out[at:])


def hidden() -> bytes:
    one = zipped({"foo/hidden.py": b"evil"}, method=zipfile.ZIP_STORED)
    return one[: one.index(b"PK\x01\x02")]


def test_a_member_that_the_directory_does_not_name(refused):
    data = wheel()
    assert "lies behind bytes of none" in refused(moved(data, data.index(b"PK\x03\x04", 10), hidden()))


def test_bytes_before_the_first_member(refused):
    assert "lies behind bytes of none" in refused(moved(wheel(), 0, b"#!/bin/sh\n"))


def test_bytes_before_it_all(refused):
    assert "lies behind bytes of none" in refused(b"#!/bin/sh\n" + wheel())


def test_bytes_before_the_directory(refused):
    data = wheel()
    assert "its directory overlaps a member, or lies behind" in refused(moved(data, data.index(b"PK\x01\x02"), hidden()))


def test_bytes_after_its_end(refused):
    assert refused(wheel() + b"more") == "it does not end with its directory"


def test_a_second_zip_behind_it(refused):
    assert "behind bytes of none" in refused(wheel() + wheel(files={"foo/evil.py": b"evil"}))


def test_a_comment_that_hides_a_directory(refused):
    data = bytearray(wheel())
    struct.pack_into("<H", data, len(data) - 2, 22)
    assert refused(bytes(data) + b"PK\x05\x06" + bytes(18)) != ""


def test_members_that_overlap(refused):
    data = bytearray(with_file("foo/a", b"x" * 100))
    directory = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", directory + 4)
    struct.pack_into("<L", data, second + 42, 0)
    assert "overlaps another member" in refused(bytes(data))


def test_an_encrypted_member(refused):
    data = bytearray(wheel())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refused(bytes(data)) == "'foo/__init__.py' is encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression(refused, method):
    files = contents()
    data = zipped({**files, f"{INFO}/RECORD": record(files)}, method=method)
    assert refused(data) == "'foo/__init__.py' is compressed in a way that wheels are not"


def test_a_wrong_sum(refused):
    good = b"import this\n" * 9
    data = wheel(files={"foo/a.py": good})
    crc = struct.pack("<L", zlib.crc32(good))
    assert "the archive is damaged: Bad CRC-32" in refused(patched(data, crc, b"\1\2\3\4"))


def test_a_bomb(refused):
    data = with_file("foo/zeros", bytes(80 << 20))
    assert len(data) < 1 << 20
    assert "more than 200 times its size" in refused(data)


def test_a_member_larger_than_it_says(refused):
    big = bytes(1 << 20)
    data = with_file("foo/zeros", big)
    size = struct.pack("<L", len(big))
    assert "the archive is damaged" in refused(data.replace(size, struct.pack("<L", 10)))


def test_what_is_no_zip(refused):
    assert "the archive is damaged" in refused(b"PK\x03\x04 not a zip")


def test_what_is_empty(refused):
    assert "the archive is damaged" in refused(b"")


def test_a_zip_of_nothing(refused):
    assert refused(zipped({})) == "it should have one .dist-info folder, and has 0"


def test_cut_short(refused):
    assert "the archive is damaged" in refused(wheel()[:-30])


# RECORD and the other texts.


def test_two_dist_infos(refused):
    data = with_file("bar-2.dist-info/METADATA")
    assert refused(data) == "it should have one .dist-info folder, and has 2: bar-2.dist-info, foo-1.0.dist-info"


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_a_text_that_is_missing(refused, name):
    files = contents()
    files[f"{INFO}/RECORD"] = record(files)
    del files[f"{INFO}/{name}"]
    assert refused(zipped(files)) == f"it has no {INFO}/{name}"


def test_a_wrong_hash(refused):
    files = contents(files={"foo/a.py": b"good"})
    text = record(files)
    data = zipped({**files, "foo/a.py": b"evil", f"{INFO}/RECORD": text})
    assert refused(data) == "'foo/a.py' is not what its RECORD says"


def test_a_wrong_size(refused):
    files = contents(files={"foo/a.py": b"good"})
    text = record(files).replace(b",4\n", b",5\n")
    assert refused(zipped({**files, f"{INFO}/RECORD": text})) == "'foo/a.py' is not what its RECORD says"


def test_a_file_that_is_not_listed(refused):
    files = contents()
    data = zipped({**files, "foo/evil.py": b"evil", f"{INFO}/RECORD": record(files)})
    assert refused(data) == "it holds 'foo/evil.py', which its RECORD does not list"


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "foo/gone.py"])
def test_a_row_without_a_file(refused, path):
    files = contents()
    text = record(files) + f"{path},{record_hash(b'')},0\n".encode()
    assert refused(zipped({**files, f"{INFO}/RECORD": text})) == f"its RECORD lists '{path}', which it does not hold"


def test_two_rows_that_differ(refused):
    files = contents()
    text = record(files) + f"foo/__init__.py,{record_hash(b'x')},1\n".encode()
    assert refused(zipped({**files, f"{INFO}/RECORD": text})) == "its RECORD lists 'foo/__init__.py' twice"


@pytest.mark.parametrize("stated", ["", "md5=1B2M2Y8AsgTpgAmY7PhCfg", "sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk"])
def test_a_hash_that_does_not_count(refused, stated):
    files = contents()
    text = record(files).replace(record_hash(b"").encode(), stated.encode())
    assert "states no hash for 'foo/__init__.py' that counts" in refused(zipped({**files, f"{INFO}/RECORD": text}))


@pytest.mark.parametrize("text", ["a,b\n", "a,b,c,d\n", "\xff"])
def test_a_record_that_cannot_be_read(refused, text):
    files = contents()
    assert "its RECORD cannot be read" in refused(zipped({**files, f"{INFO}/RECORD": text.encode("latin-1")}))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"wheel_version": "2.0"}, "its wheel format is 2.0; 1.x is known"),
        ({"wheel_version": ""}, "its wheel format is not stated; 1.x is known"),
        ({"metadata": ""}, None),
    ],
)
def test_the_format_is_known(tmp_path, change, what):
    if what is None:
        assert unpacked(tmp_path, wheel(**change))
        return
    with pytest.raises(BuildFailed, match=what):
        unpacked(tmp_path, wheel(**change))


def test_another_package(refused):
    assert refused(wheel("bar")) == "it says that it is bar 1.0"


def test_another_version(refused):
    assert refused(wheel(version="1.1")) == "it says that it is foo 1.1"


def test_another_package_in_its_folder_only(refused):
    files = contents()
    files = {path.replace(INFO, "bar-1.0.dist-info"): data for path, data in files.items()}
    data = zipped({**files, "bar-1.0.dist-info/RECORD": record(files, "bar-1.0.dist-info")})
    assert refused(data) == "it says that it is bar 1.0"


@pytest.mark.parametrize(
    "line",
    [
        "../evil = foo:main",
        "/bin/sh = foo:main",
        "a/b = foo:main",
        ".wh.sh = foo:main",
        ".. = foo:main",
        "a\\b = foo:main",
        "x = foo",
        "x = foo:",
        "x = foo:main()",
        "x = foo;import os:main",
        "x = foo:main\n  os.system('x')",
        "x = :main",
        "x = foo bar:main",
    ],
)
def test_entry_points_that_make_no_command(refused, line):
    assert "makes no command" in refused(wheel(entry_points_txt=f"[console_scripts]\n{line}\n"))


@pytest.mark.parametrize("text", ["x = 1\n", "[console_scripts\n", "[a]\n[a]\n"])
def test_entry_points_that_cannot_be_read(refused, text):
    assert "its entry_points.txt cannot be read" in refused(wheel(entry_points_txt=text))


def test_a_strong_hash_other_than_sha256_counts(tmp_path):
    files = contents(files={"foo/a.py": b"good"})
    text = record(files).replace(record_hash(b"good").encode(), record_hash(b"good", "sha512").encode())
    assert unpacked(tmp_path, zipped({**files, f"{INFO}/RECORD": text}))


def test_any_damage_is_one_line_or_nothing(tmp_path):
    """500 wheels with a few wrong bytes: refused with a sentence, or not altered in what they install."""
    good = wheel(files={"foo/a.py": b"import this\n" * 40, "foo-1.0.data/scripts/x": b"#!python\n"})
    expected = _shown(unpacked(tmp_path, good))
    dice = random.Random(7)
    for number in range(500):
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 2, 5])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            tree = unpacked(folder, bytes(data))
        except BuildFailed as error:
            assert len(error.lines()) == 1
        else:
            assert _shown(tree) == expected or hashlib.sha256(data).digest() == hashlib.sha256(good).digest()


def _shown(tree):
    return sorted((entry.path, entry.content.size, entry.content.fingerprint) for entry in tree.entries)
