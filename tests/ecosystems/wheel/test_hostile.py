"""Wheels that lie, break or attack: each is refused with one line, and nothing is written outside the store."""

import stat
import struct
import zipfile

import pytest

from .making import WHEEL, altered, row, wheel

INFO = "hello-1.0.dist-info"


def entry(name: str, mode: int = 0o100644, kind: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, kind
    return info


def with_name(name: str) -> bytes:
    return wheel(files={"hello.py": "x", name: "evil"})


def with_member(info: zipfile.ZipInfo, data: bytes = b"evil") -> bytes:
    """A wheel with one member more, which its RECORD lists."""
    whole = wheel(files={"hello.py": "x", info.filename: data})
    return altered(whole, info.filename, lambda _, body: [(info, body)])


def patched(data: bytes, sign: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """A zip with some bytes of one header changed; offset: from its sign."""
    at = -1
    while (at := data.find(sign, at + 1)) >= 0:
        start, length = (46, 28) if sign == b"PK\x01\x02" else (30, 26)
        size = struct.unpack_from("<H", data, at + length)[0]
        if data[at + start : at + start + size] == name:
            return data[: at + offset] + value + data[at + offset + len(value) :]
    raise AssertionError(name)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
RECORD = "".join(row(name, data) for name, data in (("hello.py", b"x = 1\n"), (f"{INFO}/WHEEL", WHEEL.encode())))
METADATA = row(f"{INFO}/METADATA", b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n\n")

CASES = {
    "up": (with_name("../evil.py"), "it holds a file with the name '../evil.py'"),
    "up inside": (with_name("a/../../evil.py"), "it holds a file with the name"),
    "absolute": (with_name("/etc/evil"), "it holds a file with the name '/etc/evil'"),
    "backslash": (with_name("a\\..\\evil.py"), "it holds a file with the name"),
    "dot": (with_name("./a.py"), "it holds a file with the name './a.py'"),
    "empty part": (with_name("a//b.py"), "it holds a file with the name 'a//b.py'"),
    "newline": (with_name("a\nb.py"), "it holds a file with the name 'a\\nb.py'"),
    "whiteout": (with_name("a/.wh.b"), "it holds a file with the name 'a/.wh.b'"),
    "opaque": (with_name(".wh..wh..opq"), "it holds a file with the name"),
    "symlink": (with_member(entry("link", stat.S_IFLNK | 0o777), b"/etc/shadow"), "'link' is neither a file nor a folder"),
    "device": (with_member(entry("dev", stat.S_IFBLK | 0o644)), "'dev' is neither a file nor a folder"),
    "twice": (altered(wheel(), "hello.py", lambda info, data: [(info, data), (entry("hello.py"), b"y")]), "it holds 'hello.py' twice"),
    "bzip2": (with_member(entry("a.py", kind=zipfile.ZIP_BZIP2)), "'a.py' is compressed in a way that wheels are not"),
    "lzma": (with_member(entry("a.py", kind=zipfile.ZIP_LZMA)), "'a.py' is compressed in a way that wheels are not"),
    "encrypted": (patched(patched(wheel(), CENTRAL, b"hello.py", 8, b"\1\0"), LOCAL, b"hello.py", 6, b"\1\0"), "'hello.py' is encrypted"),
    "another name inside": (patched(wheel(), LOCAL, b"hello.py", 30, b"jello.py"), "'hello.py' has another name in its own header"),
    "another size inside": (patched(wheel(), LOCAL, b"hello.py", 22, b"\x07\0\0\0"), "has another size or kind in its own header"),
    "another checksum inside": (patched(wheel(), LOCAL, b"hello.py", 14, b"\0\0\0\0"), "has another size or kind in its own header"),
    "a checksum that is wrong": (
        patched(patched(wheel(), LOCAL, b"hello.py", 14, b"\1\2\3\4"), CENTRAL, b"hello.py", 16, b"\1\2\3\4"),
        "the archive is damaged",
    ),
    "overlapping": (patched(wheel(), CENTRAL, b"hello-1.0.dist-info/WHEEL", 42, b"\0\0\0\0"), "overlaps another member, or lies behind bytes of none"),
    "bytes before": (b"#!/bin/sh\n" + wheel(), "lies behind bytes of none"),
    "bytes after": (wheel() + b"more", "it does not end with its directory"),
    "a bomb": (wheel(files={"hello.py": bytes(300 << 20)}), "it would unpack to"),
    "cut short": (wheel()[:-40], "the archive is damaged"),
    "no zip": (b"hello", "the archive is damaged"),
    "empty": (b"", "the archive is damaged"),
    "no dist-info": (wheel(info="other"), "it should have one .dist-info folder, and has 0"),
    "two dist-infos": (wheel(files={"a.py": "", "x-1.dist-info/METADATA": ""}), "it should have one .dist-info folder, and has 2"),
    "another package": (wheel("jello"), "jello"),
    "another version": (wheel(version="2.0"), "2.0"),
    "RECORD: wrong hash": (wheel(record=RECORD.replace("sha256=", "sha256=A", 1) + METADATA), "'hello.py' is not what its RECORD says"),
    "RECORD: wrong size": (wheel(record=RECORD.replace(",6\n", ",7\n", 1) + METADATA), "'hello.py' is not what its RECORD says"),
    "RECORD: not listed": (wheel(record=METADATA), "which its RECORD does not list"),
    "RECORD: not there": (wheel(record=RECORD + METADATA + "gone.py,sha256=x,1\n"), "its RECORD lists 'gone.py', which it does not hold"),
    "RECORD: escapes": (wheel(record=RECORD + METADATA + "../../etc/passwd,sha256=x,1\n"), "its RECORD lists '../../etc/passwd'"),
    "RECORD: no hash": (wheel(record=RECORD.replace("hello.py,sha256=", "hello.py,md5=", 1) + METADATA), "states no hash for 'hello.py' that counts"),
    "RECORD: twice": (wheel(record=RECORD + METADATA + "hello.py,sha256=x,1\n"), "its RECORD lists 'hello.py' twice"),
    "RECORD: no CSV": (wheel(record="a,b\n"), "its RECORD cannot be read"),
    "WHEEL: of the future": (wheel(tag=WHEEL.replace("1.0", "2.0", 1)), "2.0"),
    "WHEEL: none": (wheel(tag=""), "its wheel format is not stated"),
    "METADATA: none": (altered(wheel(), f"{INFO}/METADATA", lambda *_: []), "METADATA"),
    "data: unknown scheme": (with_name("hello-1.0.data/evil/x"), "belongs to no scheme that wheels have"),
    "data: no file": (with_name("hello-1.0.data/scripts"), "belongs to no scheme that wheels have"),
    "entry point: a path": (wheel(points="[console_scripts]\n../evil = hello:x\n"), "../evil"),
    "entry point: slash": (wheel(points="[console_scripts]\na/b = hello:x\n"), "a/b"),
    "entry point: code": (wheel(points="[console_scripts]\na = hello:x;import os\n"), "import os"),
    "entry point: junk": (wheel(points="junk"), "entry_points.txt"),
    "file and folder": (with_name("hello.py/x"), "hello.py"),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(python, name):
    data, what = CASES[name]
    tree = python(data)
    before = {path for path in tree.root.parent.rglob("*") if "store" not in path.parts}
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    after = {path for path in tree.root.parent.rglob("*") if "store" not in path.parts}
    assert status in (1, 2) and {path.name for path in after - before} <= {"stackbuild.lock"}
    (line,) = err.splitlines()
    assert line.startswith("BUILD.toml:") and what in line and "fault of stackbuild itself" not in line


def test_two_wheels_with_one_file(python):
    tree = python(wheel(), ("other", wheel("other", files={"hello.py": "y = 2\n"})))
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    assert status == 1 and err.count("\n") == 1 and "hello.py is written twice, by hello" in err and "other" in err


def test_other_bytes_than_the_lock_says(python):
    tree = python(wheel())
    tree.write("wheels/hello-1.0-py3-none-any.whl", wheel(files={"hello.py": "changed\n"}))
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    assert status == 1 and err.count("\n") == 1 and "expected sha256:" in err


def test_a_resolver_refuses_as_well(tree):
    tree.write("hello-1.0-py3-none-any.whl", CASES["twice"][0])
    tree.write("BUILD.toml", '[workspace]\n[packages.p]\necosystem = "wheel"\ninstall = ["hello-1.0-py3-none-any.whl"]\n')
    status, out, err = tree.run("lock")
    assert status == 2 and out == "" and err.startswith("BUILD.toml:4:11: ") and err.count("\n") == 1
