"""Tarballs: unpacked as npm does it, and hostile ones refused, each with one line."""

from __future__ import annotations

import gzip
import json
import tarfile

import pytest

from stackbuild.ecosystems.npm import tarball

from .conftest import integrity, member, package_json, tgz

OK = package_json("a")
SYM, HARD, FIFO, DEVICE, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE


def test_files_lie_below_the_first_folder_whatever_it_is_called(project):
    project.add("node_modules/a", data=tgz(member("a-1.0/package.json", OK[1]), member("a-1.0/lib/x.js", b"x")))
    assert [*project.files()] == [
        "app/node_modules",
        "app/node_modules/a",
        "app/node_modules/a/lib",
        "app/node_modules/a/lib/x.js",
        "app/node_modules/a/package.json",
    ]


def test_modes_are_0644_and_0755_and_owners_root(project):
    odd = [member(f"package/{mode:o}", b"", mode) for mode in (0o600, 0o666, 0o4755, 0o700, 0o010)]
    project.add("node_modules/a", *odd, member("package/d", kind=FOLDER, mode=0o700), member("package/d/f"))
    found = project.files()
    modes = {path.rpartition("/")[2]: file["mode"] for path, file in found.items()}
    assert {file["owner"] for file in found.values()} == {"0:0"}
    assert (modes["600"], modes["666"], modes["4755"], modes["700"], modes["10"]) == ("0644", "0644", "0755", "0755", "0755")
    assert modes["d"] == modes["a"] == modes["node_modules"] == "0755"


def test_empty_folders_and_files_beside_the_folder_are_left_out(project):
    project.add("node_modules/a", member("package/empty", kind=FOLDER), member("README"))
    assert {path.rpartition("/")[2] for path in project.files()} == {"node_modules", "a", "index.js", "package.json"}


def test_gitignore_is_named_npmignore_unless_there_is_one(project):
    project.add("node_modules/a", member("package/.gitignore", b"1"), member("package/d/.gitignore", b"22"), member("package/d/.npmignore", b"333"))
    sizes = {path: file["size"] for path, file in project.files().items() if "ignore" in path}
    assert sizes == {"app/node_modules/a/.npmignore": 1, "app/node_modules/a/d/.npmignore": 3}


def test_a_command_gets_a_first_line_that_kernels_read(project):
    project.add("node_modules/a", member("package/cli.js", b"#!/usr/bin/env node\r\n1\r\n"), bin={"a": "cli.js"})
    found = project.files()["app/node_modules/a/cli.js"]
    assert (found["size"], found["mode"]) == (23, "0755")


def test_a_file_that_comes_twice_with_the_same_content(project):
    project.add("node_modules/a", member("package/x", b"x"), member("package/./x", b"x"))
    assert "app/node_modules/a/x" in project.files()


WRONG = tgz(OK, member("package/x", b"y" * 100_000))
HOSTILE = {
    "above": (tgz(OK, member("package/../../x", b"x")), "'package/../../x' leaves the image's root"),
    "above at once": (tgz(OK, member("../x", b"x")), "'../x' leaves the image's root"),
    "absolute": (tgz(OK, member("/etc/passwd", b"x")), "'/etc/passwd' is an absolute path"),
    "symlink": (tgz(OK, member("package/x", kind=SYM, link="/etc")), "'package/x' is a symlink, which no package of npm has"),
    "hard link": (tgz(OK, member("package/x", kind=HARD, link="package/package.json")), "'package/x' is a hard link, which no package of npm has"),
    "pipe": (tgz(OK, member("package/x", kind=FIFO)), "'package/x' is a device or a pipe, which a layer cannot hold"),
    "device": (tgz(OK, member("package/x", kind=DEVICE)), "'package/x' is a device or a pipe, which a layer cannot hold"),
    "whiteout": (tgz(OK, member("package/.wh.x")), "'package/.wh.x' would act as a whiteout (its name begins with .wh.)"),
    "opaque": (tgz(OK, member("package/d/.wh..wh..opq")), "would act as a whiteout"),
    "whiteout folder": (tgz(OK, member("package/.wh.d/x")), "would act as a whiteout"),
    "name that is not UTF-8": (tgz(OK, member("package/\udcff")), "is not a valid UTF-8 path"),
    "twice": (tgz(OK, member("package/x", b"1"), member("package/x", b"2")), "'package/x' is in it twice, with different content"),
    "twice, other mode": (tgz(OK, member("package/x"), member("package/x", mode=0o755)), "twice, with different content"),
    "file as folder": (tgz(OK, member("package/x"), member("package/x/y")), "'x' is a file in it and a folder, too"),
    "cut short": (WRONG[:-30], "the archive is damaged"),
    "cut in a file": (gzip.compress(gzip.decompress(WRONG)[:9000]), "the archive is damaged"),
    "no gzip": (b"<html>not found</html>", "the archive is damaged"),
    "empty": (b"", "the archive is damaged"),
    "checksum of gzip": (WRONG[:-8] + b"\0" * 8, "the archive is damaged"),
    "no package.json": (tgz(member("package/x")), "it has no package.json"),
    "bad JSON": (tgz(member("package/package.json", b"{")), "its package.json is not JSON"),
    "deep JSON": (tgz(member("package/package.json", b"[" * 100_000)), "its package.json is not JSON"),
    "list": (tgz(member("package/package.json", b"[]")), "its package.json is no object"),
    "other name": (tgz(package_json("b")), "the lock says that its name is a, its package.json says b"),
    "other version": (tgz(package_json("a", "2.0.0")), "the lock says that its version is 1.0.0, its package.json says 2.0.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(project, case):
    data, what = HOSTILE[case]
    project.add("node_modules/a", data=data)
    status, err = project.refused()
    assert status == 1 and what in err and err.startswith("BUILD.toml:2:11: "), err
    assert "a 1.0.0: " in err


def test_bytes_that_are_not_those_of_the_lock(project):
    entry = project.add("node_modules/a")
    entry["integrity"] = integrity(b"others")
    status, err = project.refused()
    assert status == 1 and "a 1.0.0: cannot fetch //tarballs/" in err and "expected sha512:" in err


def test_more_bytes_than_a_package_has(project, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_BYTES", 1 << 20)
    project.add("node_modules/a", member("package/zeros", bytes(2 << 20)))
    assert "it unpacks to more than 1048576 bytes" in project.refused()[1]


def test_more_bytes_in_many_files(project, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_BYTES", 1 << 20)
    project.add("node_modules/a", *[member(f"package/{number}", bytes(1 << 18)) for number in range(5)])
    assert "it unpacks to more than 1048576 bytes" in project.refused()[1]


def test_more_files_than_a_package_has(project, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_FILES", 100)
    project.add("node_modules/a", *[member(f"package/{number}") for number in range(101)])
    assert "it has more than 100 files" in project.refused()[1]


@pytest.mark.parametrize("said", ["v1.0.0", "=1.0.0", " 1.0.0", "1.0.0+build"])
def test_versions_that_are_the_same_to_a_registry(project, said):
    project.add("node_modules/a", data=tgz(package_json("a", said)))
    assert "app/node_modules/a/package.json" in project.files()


def test_package_json_may_begin_with_a_byte_order_mark(project):
    project.add("node_modules/a", data=tgz(member("package/package.json", b"\xef\xbb\xbf" + json.dumps({"name": "a", "version": "1.0.0"}).encode())))
    assert "app/node_modules/a/package.json" in project.files()
