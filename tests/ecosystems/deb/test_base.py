"""A base that changes, and packages that a base cannot stand."""

import pytest

from .making import control


def on_base(tree, root: dict[str, str], more: str = "") -> None:
    """Put the image on a base of some files; a value "-> x" is a link."""
    links = {f"/{path}": data[3:] for path, data in root.items() if data.startswith("-> ")}
    for path, data in root.items():
        if not data.startswith("-> "):
            tree.write(f"root/{path}", data)
    table = ", ".join(f'"{path}" = "{target}"' for path, target in links.items())
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text().replace("[image.i]", '[image.i]\nbase = ":b"')
        + f'[files.f]\nsrcs = ["root/**"]\nstrip_prefix = "root"\ndirs = ["**"]\nsymlinks = {{ {table} }}\n'
        + f'[image.b]\nlayers = [":f"]\n{more}',
    )


OLD = "Package: base-thing\nStatus: install ok installed\nVersion: 3\nArchitecture: all\n"


def test_a_base_that_changes_is_noticed(archive, debian):
    archive.add(control(Depends="base-thing"))
    archive.add(control("base-thing", "4", "all"))
    tree = debian("hello")
    on_base(tree, {"var/lib/dpkg/status": OLD})
    assert tree.run("lock")[0] == 0
    tree.write("root/var/lib/dpkg/status", OLD.replace("base-thing", "other"))
    status, _, err = tree.run("image", "//:i", "--locked", "--progress", "none")
    assert status == 2 and "was asked for otherwise when it went into stackbuild.lock" in err
    assert tree.run("image", "//:i", "--progress", "none")[0] == 0
    assert "base-thing" in tree.run("list", "--packages", "//:i")[1]


@pytest.mark.parametrize("data", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_is_none(archive, debian, data):
    archive.add(control("ca-certificates", "1", "all"), files={"usr/share/ca-certificates/x.crt": data})
    status, _, err = debian("ca-certificates").run("image", "//:i", "--progress", "none")
    assert status == 1 and err.count("\n") == 1 and "/usr/share/ca-certificates/x.crt is no X.509 certificate" in err


def test_files_of_packages_are_those_of_the_images_platform(archive, debian):
    for arch in ("amd64", "arm64"):
        archive.add(control(arch=arch), files={"usr/bin/hello": arch})
    tree = debian("hello")
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text()
        + '[files.f]\nsrcs = [":p"]\nto = "/opt"\n[image.j]\nlayers = [":f"]\nplatforms = ["linux/arm64"]\n',
    )
    status, out, err = tree.run("inspect", "//:j", "--files")
    assert status == 0, err
    assert "opt/usr/bin/hello" in out and '"arm64"' in (lock := (tree.root / "stackbuild.lock").read_text()) and '"amd64"' not in lock


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("hello:arm64", "'hello:arm64' names an architecture; write 'hello', and say it as platforms"),
        ("hello=1.0", "'hello=1.0' is not a package; write it as \"hello (= 1.0)\""),
        ("a | b", "'a | b' is not a package; write it as \"libpq5 (>= 15)\""),
    ],
)
def test_names_as_apt_has_them(archive, debian, name, what):
    status, _, err = debian(name).run("lock")
    assert status == 2 and what in err and err.count("\n") == 1


def test_an_index_that_is_not_there_by_its_hash(archive, debian):
    archive.add(control())
    assert debian("hello", Acquire_By_Hash="yes").run("lock")[0] == 0


LOOP = """#!/bin/sh
tools='java keytool'
base=/usr/lib/jvm
case "$1" in
configure)
    for i in $tools; do
        update-alternatives --install /usr/bin/$i $i $base/bin/${i} 2111
    done
    ;;
esac
"""


def test_loops_over_words_are_understood(archive, debian):
    files = {"usr/lib/jvm/bin/java": "1", "usr/lib/jvm/bin/keytool": "2"}
    archive.add(control("jre"), files=files, scripts={"postinst": LOOP})
    archive.add(control("passwd"), files={"usr/bin/passwd": "x"})
    archive.add(control("base-passwd", "1", "all"), files={"usr/share/base-passwd/passwd.master": "root:*:0:0::/:\n"})
    archive.add(control("sudo"), files={"etc/sudoers": "x"})
    tree = debian("jre", "passwd", "base-passwd", "sudo")
    status, out, err = tree.run("inspect", "//:i", "--files")
    assert status == 0, err
    assert "/usr/bin/java -> /etc/alternatives/java" in out and "/etc/alternatives/keytool -> /usr/lib/jvm/bin/keytool" in out
    modes = {line.split()[-1]: line.split()[:2] for line in out.splitlines() if line.startswith("    ")}
    assert modes["/etc/shadow"] == ["0640", "0:42"] and modes["/etc/sudoers"] == ["0440", "0:0"]
