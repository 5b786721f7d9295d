"""Layers that somebody made on purpose: odd, damaged, endless."""

import hashlib
import io
import json
import tarfile

import pytest

from .making import LOADER, STATIC, elf, found, rules, write


def base_of(tree, *layers: list[tuple], config: dict | None = None) -> None:
    """A docker archive as a base, its layers of (name, type, link or data, mode)."""
    names = []
    with tarfile.open(tree.root / "base.tar", "w") as outer:

        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            outer.addfile(info, io.BytesIO(data))

        digests = []
        for number, members in enumerate(layers):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for name, kind, value, mode in members:
                    info = tarfile.TarInfo(name)
                    info.type, info.mode = kind, mode
                    if kind == tarfile.REGTYPE:
                        info.size = len(value)
                    else:
                        info.linkname = value
                    tar.addfile(info, io.BytesIO(value) if kind == tarfile.REGTYPE else None)
            digests.append("sha256:" + hashlib.sha256(packed.getvalue()).hexdigest())
            names.append(f"{number}/layer.tar")
            add(names[-1], packed.getvalue())
        document = {"os": "linux", "architecture": "amd64", "config": config or {}, "rootfs": {"type": "layers", "diff_ids": digests}}
        add("c.json", json.dumps(document).encode())
        add("manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": names}]).encode())
    tree.write("f", "")
    tree.write("BUILD.toml", '[workspace]\n[base.b]\npath = "base.tar"\n[files.f]\nsrcs = ["f"]\n[image.img]\nbase = ":b"\nlayers = [":f"]\n')


FILE, LINK, HARD, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def test_devices_and_odd_entries_are_let_be(tree):
    base_of(tree, [("dev/null", tarfile.CHRTYPE, "", 0o666), ("p", tarfile.FIFOTYPE, "", 0o666), ("./", DIR, "", 0o755), ("../up", FILE, b"", 0o644), ("/abs", FILE, b"x", 0o644), ("h", HARD, "nowhere", 0o644)])
    assert rules(tree) == []


def test_a_hard_link_is_what_it_repeats(tree):
    base_of(tree, [("bin/a", FILE, STATIC, 0o755), ("bin/b", HARD, "bin/a", 0o755)], config={"Entrypoint": ["/bin/b"]})
    assert rules(tree) == []


def test_a_file_with_files_below_it(tree):
    base_of(tree, [("a", FILE, b"", 0o644), ("a/b", FILE, b"", 0o644), ("a", DIR, "", 0o755), ("a/b/c", FILE, b"", 0o644)])
    assert rules(tree) == []


def test_links_in_circles(tree):
    circle = [("a", LINK, "b", 0o777), ("b", LINK, "a", 0o777), ("a/f", FILE, b"", 0o644), ("etc/passwd", LINK, "passwd", 0o777)]
    base_of(tree, circle, circle, config={"Entrypoint": ["/a/f"], "User": "app", "WorkingDir": "/a"})
    assert ("unknown-user", "") in rules(tree)


def test_a_path_that_no_kernel_takes(tree):
    base_of(tree, [("d/" * 5000 + "f", FILE, b"", 0o644)])
    status, _, err = tree.run("check", "//:img", "--progress", "none")
    assert status == 1 and err.count("\n") == 1 and "a path of 10001 characters" in err


def test_whiteouts_of_everything(tree):
    base_of(tree, [("a/b", FILE, b"", 0o644)], [(".wh..wh..opq", FILE, b"", 0o644), (".wh.a", FILE, b"", 0), (".wh.", FILE, b"", 0)])
    assert rules(tree) == []


CONF = b"include /etc/ld.so.conf.d/*.conf\ninclude *\n/opt\n"


def test_configurations_that_include_each_other(tree):
    many = [(f"etc/ld.so.conf.d/{number}.conf", FILE, CONF, 0o644) for number in range(50)]
    base_of(tree, [("etc/ld.so.conf", FILE, CONF, 0o644), *many, (LOADER[1:], FILE, elf(), 0o755), ("run", FILE, elf(LOADER, ["libx.so"]), 0o755)], config={"Cmd": ["/run"]})
    assert rules(tree) == [("command-library", "/run")]


def test_texts_that_are_long(tree):
    write(tree, {"/.env": "TOKEN" * 100_000, "/a.pem": "-----BEGIN " * 50_000, "/.npmrc": "_auth" + " " * 500_000})
    assert rules(tree) == []


@pytest.mark.parametrize("config", [{"Entrypoint": [5]}, {"Entrypoint": [""]}, {"User": 7, "Cmd": ["/x"]}, {"WorkingDir": "rel", "Cmd": ["./x"]}, {"User": "9" * 5000, "Cmd": ["/x"]}, {"User": "²", "Cmd": ["/x"]}, {"Env": ["ODD"], "Cmd": ["x"]}])
def test_odd_configurations(tree, config):
    base_of(tree, [("f", FILE, b"", 0o644)], config=config)
    assert "command-missing" in [item["rule"] for item in found(tree)]


def test_a_script_that_has_env_look_for_itself(tree):
    write(tree, {"/bin/run": ("#!/usr/bin/env run\n", 0o755), "/usr/bin/env": (STATIC, 0o755)}, image='entrypoint = ["run"]')
    assert rules(tree) == [("command-interpreter", "/bin/run")]


@pytest.mark.parametrize("format", ["text", "json", "sarif"])
def test_names_that_are_no_unicode(tree, format):
    base_of(tree, [("lib", LINK, "\udcff", 0o777)])
    tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text().replace('"f"]', '"f"]\nto = "/lib"'))
    status, _, err = tree.run("check", "//:img", "--progress", "none", "--format", format, "--output", "out")
    assert status == 1 and err == "1 image: 1 error\n"
    text = (tree.root / "out").read_text()
    assert "written-through-link" in text and "udcff" not in text
