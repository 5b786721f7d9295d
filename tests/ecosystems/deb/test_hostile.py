"""Packages that lie, break or attack: each is refused with one line, and nothing is written outside the store."""

import gzip
import lzma

import pytest

from .making import FOLDER, HARD, LINK, ar, control, deb, member, tar

GOOD = [member("./usr/", kind=FOLDER, mode=0o755), member("./usr/x", b"x")]


def raw(controls: bytes, files: bytes, **names: str) -> bytes:
    parts = {"version": "debian-binary", "info": "control.tar.gz", "data": "data.tar.xz"} | names
    return ar((parts["version"], b"2.0\n"), (parts["info"], gzip.compress(controls)), (parts["data"], lzma.compress(files)))


CONTROL = tar(member("./control", control().encode()))

DATA = {
    "up": ([member("./../etc/x", b"x")], "'./../etc/x' leaves the image's root"),
    "up inside": ([member("./usr/../../x", b"x")], "leaves the image's root"),
    "whiteout": ([member("./usr/.wh.x", b"")], "'./usr/.wh.x' would act as a whiteout"),
    "opaque": ([member("./usr/.wh..wh..opq", b"")], "would act as a whiteout"),
    "device": ([member("./dev/sda", kind=b"4")], "'./dev/sda' is a device or a pipe"),
    "pipe": ([member("./run/x", kind=b"6")], "'./run/x' is a device or a pipe"),
    "twice": ([member("./a", b"1"), member("./a", b"2")], "it holds /a twice"),
    "twice, spelled otherwise": ([member("./a", b"1"), member("a", b"2")], "it holds /a twice"),
    "hard link up": ([member("./a", kind=HARD, linkname="../../etc/shadow")], "leaves the image's root"),
    "hard link to nothing": ([member("./a", kind=HARD, linkname="./b")], "the hard link /a points at /b, which is not in it"),
    "below a file": ([member("./a", b"1"), member("./a/b", b"2")], "/a/b (hello) lies below /a, a file (hello)"),
    "below its own link": ([member("./a", kind=LINK, linkname="/etc"), member("./a/b", b"2")], "lies below /a, a symlink"),
    "bad name": ([member("./a\udc80", b"1")], "is not a valid UTF-8 path"),
    "bad link": ([member("./a", kind=LINK, linkname="x\udc80")], "has a target that is not valid UTF-8"),
}

PACKAGES = {
    "no ar": (b"PK\x03\x04", "it is no Debian package"),
    "empty": (b"", "it is no Debian package"),
    "only a head": (b"!<arch>\n", "it is no Debian package of format 2"),
    "of format 3": (ar(("debian-binary", b"3.0\n"), ("control.tar.gz", b""), ("data.tar.xz", b"")), "of format 2"),
    "without data": (ar(("debian-binary", b"2.0\n"), ("control.tar.gz", gzip.compress(CONTROL))), "it is no Debian package of format 2"),
    "with more": (
        ar(("debian-binary", b"2.0\n"), ("control.tar.gz", b""), ("data.tar.xz", b""), ("evil.tar", b"")),
        "it is no Debian package of format 2",
    ),
    "in another order": (raw(CONTROL, tar(*GOOD), info="data.tar.gz", data="control.tar.xz"), "instead of control.tar and data.tar"),
    "of another compression": (raw(CONTROL, tar(*GOOD), data="data.tar.lzma"), "instead of control.tar and data.tar"),
    "data twice": (
        ar(("debian-binary", b"2.0\n"), ("data.tar.xz", b""), ("data.tar.xz", b"")),
        "it holds data.tar.xz twice",
    ),
    "cut short": (deb(control(), {"usr/x": b"x" * 5000})[:-30], "its ar archive is cut short"),
    "a size that lies": (deb(control()).replace(b"4         `\n", b"9999999   `\n", 1), "its ar archive is"),
    "a negative size": (deb(control()).replace(b"4         `\n", b"-4        `\n", 1), "its ar archive is damaged"),
    "no compressed data": (ar(("debian-binary", b"2.0\n"), ("control.tar.gz", b"junk"), ("data.tar.xz", b"junk")), "the archive is damaged"),
    "data that ends early": (
        ar(("debian-binary", b"2.0\n"), ("control.tar.gz", gzip.compress(CONTROL)), ("data.tar.xz", lzma.compress(tar(*GOOD))[:-20])),
        "the archive is damaged",
    ),
    "control: a path": (raw(tar(member("./../control", b"")), tar()), "its control archive holds './../control'"),
    "control: a folder": (raw(tar(member("./control/", kind=FOLDER)), tar()), "which is no control file"),
    "control: a link": (raw(tar(member("./control", kind=LINK, linkname="/etc/shadow")), tar()), "which is no control file"),
    "control: twice": (raw(tar(*[member("./control", control().encode())] * 2), tar()), "its control archive holds control twice"),
    "control: none": (raw(tar(), tar()), "its control file is malformed: a control file should hold one paragraph"),
    "control: another package": (deb(control("other")), "it is other 1.0-1, not what was asked for"),
    "control: another version": (deb(control(version="9")), "it is hello 9, not what was asked for"),
    "control: a name that is a path": (deb(control("../../x")), "its control file names the package '../../x'"),
    "control: a second package": (deb(control() + "\n" + control("evil")), "a control file should hold one paragraph"),
    "control: a field twice": (deb(control() + "Version: 2\n"), "a control file has the line 'Version: 2'"),
    "control: no field": (deb(control() + "hello\n"), "a control file has the line 'hello'"),
    "control: goes on with nothing": (deb(" x\n" + control()), "but nothing was begun"),
    "a bomb": (deb(control(), {"usr/x": bytes(400 << 20)}), "it unpacks to far more than a package does"),
}


def refused(tree) -> str:
    before = {path for path in tree.root.parent.rglob("*") if "store" not in path.parts}
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    after = {path for path in tree.root.parent.rglob("*") if "store" not in path.parts}
    assert status == 1
    assert {path.name for path in after - before} <= {"stackbuild.lock"}
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize("name", DATA)
def test_data(archive, debian, name):
    members, what = DATA[name]
    archive.add(control(), deb(control(), members=members))
    line = refused(debian("hello"))
    assert what in line and "hello" in line


@pytest.mark.parametrize("name", PACKAGES)
def test_package(archive, debian, name):
    data, what = PACKAGES[name]
    archive.add(control(), data)
    line = refused(debian("hello"))
    assert line.startswith("BUILD.toml:6:11: hello 1.0-1: ") and what in line


def test_other_bytes_than_the_index_says(archive, debian):
    archive.add(control(), files={"usr/x": "x"})
    tree = debian("hello")
    next(archive.root.glob("pool/*.deb")).write_bytes(deb(control(), {"usr/x": "y"}))
    assert "hello 1.0-1: cannot fetch http://127.0.0.1:" in (line := refused(tree)) and "expected sha256:" in line


def test_more_bytes_than_the_index_says(archive, debian):
    archive.add(control())
    tree = debian("hello")
    with open(next(archive.root.glob("pool/*.deb")), "ab") as file:
        file.write(b"more")
    assert "it is larger than the" in refused(tree)


def test_a_package_that_is_gone(archive, debian):
    archive.add(control())
    tree = debian("hello")
    next(archive.root.glob("pool/*.deb")).unlink()
    assert refused(tree).endswith(".deb: it answered 404")


def test_two_packages_with_one_file(archive, debian):
    archive.add(control("one"), files={"usr/x": "1"})
    archive.add(control("two"), files={"usr/x": "2"})
    assert refused(debian("one", "two")).endswith("/usr/x is both in one and in two")


def test_a_base_whose_links_go_in_circles(archive, debian):
    archive.add(control(), files={"lib/x": "1"})
    tree = debian("hello", image='base = ":b"')
    tree.write("f/keep")
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text()
        + '[files.f]\nsrcs = ["f/keep"]\nsymlinks = { "/lib" = "usr", "/usr" = "lib" }\n[image.b]\nlayers = [":f"]\n',
    )
    assert "the links of the base lead /lib around in circles" in refused(tree)


@pytest.mark.parametrize("status", ["Package: x", "junk", "Package: x\nVersion: 1\nDepends: $(x)\n"])
def test_a_base_with_a_broken_database(archive, debian, status):
    archive.add(control())
    tree = debian("hello", image='base = ":b"')
    tree.write("status", status)
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text()
        + '[files.f]\nsrcs = ["status"]\nto = "/var/lib/dpkg"\n[image.b]\nlayers = [":f"]\n',
    )
    assert "malformed" in refused(tree)


def test_a_lock_that_was_edited(archive, debian):
    archive.add(control())
    tree = debian("hello")
    assert tree.run("lock")[0] == 0
    lock = tree.root / "stackbuild.lock"
    for old, new in (("http://127", "http://evil/127"), ("sha256:", "sha256:0"), ('name = "hello"', 'name = "hellp"')):
        text = lock.read_text()
        lock.write_text(text.replace(old, new))
        status, _, err = tree.run("image", "//:i", "--progress", "none")
        assert status == 2 and "is no package of this file; restore it" in err
        lock.write_text(text)
    assert tree.run("image", "//:i", "--progress", "none")[0] == 0
