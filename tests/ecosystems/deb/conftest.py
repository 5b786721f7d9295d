"""A signed archive on this machine, and a workspace that takes its packages from there."""

import pytest

from .making import Archive, Server


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


@pytest.fixture
def server(archive):
    archive.root.mkdir(exist_ok=True)
    server = Server(archive.root)
    yield server
    server.stop()


@pytest.fixture
def debian(tree, archive, server):
    """`debian(install, …)` publishes the archive and writes a workspace with a target //:p and an image //:i."""

    def write(*install: str, fields: str = "", image: str = "", **release: str):
        archive.publish(**release)
        tree.write("keys.asc", archive.keyring())
        names = ", ".join(f'"{name}"' for name in install)
        tree.write(
            "BUILD.toml",
            f'[workspace]\n[workspace.deb.test]\nurl = "{server.url}"\nsuite = "test"\nkeyring = "keys.asc"\n'
            f'[packages.p]\necosystem = "deb"\ninstall = [{names}]\n{fields}\n'
            f'[image.i]\nlayers = [":p"]\n{image}\n',
        )
        return tree

    return write
