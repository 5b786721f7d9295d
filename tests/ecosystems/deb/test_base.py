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
