"""Packages of two targets, from the lists that their layers name."""

from __future__ import annotations

import json

from ecosystems.deb.making import Archive, Server, control


def test_packages_of_two_targets(tree, tmp_path):
    archive = Archive(tmp_path / "archive")
    for name in ("hello", "other"):
        archive.add(control(name), files={f"usr/share/{name}": "x"})
    archive.publish()
    server = Server(archive.root)
    tree.write("keys.asc", archive.keyring())
    tree.write(
        "BUILD.toml",
        f'[workspace]\n[workspace.deb.test]\nurl = "{server.url}"\nsuite = "test"\nkeyring = "keys.asc"\n'
        '[packages.one]\necosystem = "deb"\ninstall = ["hello"]\n[packages.two]\necosystem = "deb"\ninstall = ["hello", "other"]\n'
        '[image.a]\nlayers = [":one"]\n[image.b]\nlayers = [":two"]\n',
    )
    try:
        status, out, err = tree.run("diff", "//:a", "//:b", "--json", "--progress", "none")
    finally:
        server.stop()
    assert status == 0, err
    [platform] = json.loads(out)["platforms"]
    assert platform["packages"] == [{"ecosystem": "deb", "name": "other", "a": [], "b": ["1.0-1"]}]
    assert "/usr/share/other" in {change["path"] for change in platform["files"]["changes"]}
    assert "+  deb  other  1.0-1" in tree.run("diff", "//:a", "//:b")[1]
