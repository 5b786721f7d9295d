"""What a wheel becomes in an image: places, modes, commands, and a RECORD that is true."""

from __future__ import annotations

import csv
import json

import pytest

from .making import record_hash, wheel

FOO = "foo-1.0-py3-none-any.whl"
BAR = "bar-1.0-py3-none-any.whl"
SITE = "usr/local/lib/python3.12/site-packages"
COMMAND = """\
#!/usr/local/bin/python
import sys

from foo.cli import App

if __name__ == "__main__":
    sys.exit(App.main())
"""


def full(**more) -> bytes:
    files = {
        "foo/tool.so": b"\x7fELF",
        "foo-1.0.data/scripts/old": b"#!python -u\nprint(1)\n",
        "foo-1.0.data/scripts/bare": b"#!/bin/sh\n",
        "foo-1.0.data/headers/foo.h": b"int x;",
        "foo-1.0.data/data/share/man/man1/foo.1": b".TH",
        "foo-1.0.data/platlib/foo/plat.py": b"p",
        "foo-1.0.data/purelib/foo/pure.py": b"q",
    }
    points = "[console_scripts]\nfoo = foo.cli:App.main [x]\n[gui_scripts]\nFoo-gui=foo:gui\n[other]\na = b\n"
    modes = {"foo/tool.so": 0o100775, "foo-1.0.data/scripts/bare": 0o100600, "foo/__init__.py": 0o100600}
    return wheel(files=files, modes=modes, entry_points_txt=points, **more)


def test_each_scheme_has_its_place(installed):
    found = installed({FOO: full()})
    assert {path for path in found if "dist-info" not in path} == {
        f"{SITE}/foo/__init__.py",
        f"{SITE}/foo/tool.so",
        f"{SITE}/foo/plat.py",
        f"{SITE}/foo/pure.py",
        "usr/local/bin/old",
        "usr/local/bin/bare",
        "usr/local/bin/foo",
        "usr/local/bin/Foo-gui",
        "usr/local/include/python3.12/foo/foo.h",
        "usr/local/share/man/man1/foo.1",
    }
    assert found["usr/local/bin/foo"] == (0o755, COMMAND.encode())
    assert found["usr/local/bin/old"] == (0o755, b"#!/usr/local/bin/python\nprint(1)\n")
    assert found["usr/local/bin/bare"] == (0o755, b"#!/bin/sh\n")
    assert found[f"{SITE}/foo/tool.so"][0] == 0o755
    assert found[f"{SITE}/foo/__init__.py"][0] == 0o644


@pytest.mark.parametrize(
    ("fields", "site", "bin", "header", "python"),
    [
        ('prefix = "/opt/py"', "opt/py/lib/python3.12/site-packages", "opt/py/bin", "opt/py/include/python3.12/foo", "/opt/py/bin/python"),
        ('to = "/app/lib"', "app/lib", "app/lib/bin", "app/lib/include/foo", "/usr/local/bin/python"),
        ('to = "/"\npython = "3.9"', "", "bin", "include/foo", "/usr/local/bin/python"),
        ('interpreter = "/usr/bin/env python3"', SITE, "usr/local/bin", "usr/local/include/python3.12/foo", "/usr/bin/env python3"),
    ],
)
def test_prefix_to_and_interpreter(installed, fields, site, bin, header, python):
    found = installed({FOO: full()}, fields)
    assert f"{site}/foo/pure.py".lstrip("/") in found
    assert f"{header}/foo.h" in found
    assert found[f"{bin}/old"][1].startswith(f"#!{python}\n".encode())


@pytest.mark.parametrize("fields", ["", 'to = "/app"', 'prefix = "/"'])
def test_the_record_lists_what_is_there(installed, fields):
    found = installed({FOO: full()}, fields)
    (record,) = [path for path in found if path.endswith("/RECORD")]
    site = record.removesuffix("/foo-1.0.dist-info/RECORD")
    rows = list(csv.reader(found[record][1].decode().splitlines()))
    assert rows == sorted(rows)
    listed = {}
    for path, stated, size in rows:
        folders = site.split("/")
        while path.startswith("../"):
            path = path.removeprefix("../")
            folders.pop()
        listed["/".join([*folders, path])] = (stated, size)
    assert listed.pop(record) == ("", "")
    assert listed == {
        path: (record_hash(data), str(len(data))) for path, (_, data) in found.items() if path != record
    }


def test_who_installed_it_is_said_and_nothing_of_a_machine(installed):
    found = installed({FOO: full(INSTALLER="pip\n", REQUESTED="", **{"direct_url.json": "{}", "RECORD.jws": "{}"})})
    names = {path.rpartition("/")[2] for path in found if "dist-info" in path}
    assert names == {"METADATA", "WHEEL", "RECORD", "INSTALLER", "entry_points.txt"}
    assert found[f"{SITE}/foo-1.0.dist-info/INSTALLER"][1] == b"stackbuild\n"


def test_two_that_write_a_file_differently_are_named(installed):
    wheels = {FOO: wheel(files={"shared.py": b"1"}), BAR: wheel("bar", files={"shared.py": b"2"})}
    for split in ("one", "each"):
        assert installed(wheels, f'split = "{split}"', status=1) == (
            f"BUILD.toml:2:11: /{SITE}/shared.py is written twice, by bar 1.0 and by foo 1.0; "
            "install one of them in a target of its own, with 'to'\n"
        )


def test_two_that_write_the_same_file_may(installed):
    wheels = {FOO: wheel(files={"shared.py": b"1"}), BAR: wheel("bar", files={"shared.py": b"1"})}
    assert installed(wheels)[f"{SITE}/shared.py"] == (0o644, b"1")


def test_a_file_below_a_file_is_named(installed):
    wheels = {FOO: wheel(files={"shared": b"1"}), BAR: wheel("bar", files={"shared/a.py": b"2"})}
    err = installed(wheels, status=1)
    assert f"/{SITE}/shared/a.py (bar 1.0) lies below /{SITE}/shared, a file (foo 1.0)" in err


def test_a_broken_wheel_is_named_and_nothing_is_left(tree, installed):
    assert installed({FOO: wheel("foo", files={"../x": b""})}, status=1) == (
        "BUILD.toml:2:11: foo 1.0: it holds a file with the name '../x'\n"
    )
    assert list((tree.root.parent / "store" / "tmp").iterdir()) == []


def test_a_wheel_that_changed_is_not_what_was_locked(tree, installed):
    installed({FOO: wheel()})
    tree.write(FOO, wheel(files={"foo/evil.py": b""}))
    tree.write("pylock.toml", (tree.root / "pylock.toml").read_text().replace("size = ", "size = 1"))
    for path in (tree.root.parent / "store").rglob("*"):
        if path.is_file():
            path.unlink()
    status, _, err = tree.run("image", "//:i", "--progress", "none")
    assert status == 1
    assert "foo 1.0: cannot fetch //foo-1.0-py3-none-any.whl: expected sha256:" in err


def test_the_same_from_a_listing_as_from_the_archive(tree, installed):
    """A second target reads the files' listing; only when bytes are needed is the archive read again."""
    installed({FOO: full()})
    one = tree.image("//:i")["digest"]
    text = (tree.root / "BUILD.toml").read_text()
    installed({FOO: full()}, 'to = "/x"')
    tree.write("BUILD.toml", text)
    assert tree.image("//:i")["digest"] == one


def test_what_is_installed_is_listed_with_license_and_dependencies(tree, installed):
    foo = wheel(metadata="License-Expression: MIT\nRequires-Dist: Bar>=1\nRequires-Dist: absent\n")
    bar = wheel("bar", metadata="License: BSD-3-Clause\nRequires-Dist: foo; sys_platform == 'win32'\n")
    installed({FOO: foo, BAR: bar})
    (listed,) = [
        data
        for path in (tree.root.parent / "store").rglob("*")
        if path.is_file() and (data := path.read_bytes()).startswith(b"[{") and b'"purl"' in data
    ]
    rows = {row["name"]: row for row in json.loads(listed)}
    assert (rows["foo"]["license"], rows["foo"]["depends"]) == ("MIT", ["bar"])
    assert (rows["bar"]["license"], rows["bar"].get("depends")) == ("BSD-3-Clause", None)
    assert rows["foo"]["purl"] == "pkg:pypi/foo@1.0"
