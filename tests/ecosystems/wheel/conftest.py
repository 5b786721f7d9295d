"""Wheels of the tree installed into an image, read back."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from stackbuild.layer.read import decompressed

from .making import lock


@pytest.fixture
def installed(tree):
    """Installs {file name: bytes} and gives path -> (mode, bytes) of the layers; or the error's lines."""

    def install(wheels: dict[str, bytes], fields: str = "", head: str = "", status: int = 0):
        for name, data in wheels.items():
            tree.write(name, data)
        tree.write("pylock.toml", lock(*wheels.items(), head=head))
        tree.write(
            "BUILD.toml",
            f'[workspace]\n[packages.d]\necosystem = "wheel"\npylock = "pylock.toml"\n{fields}\n[image.i]\nlayers = [":d"]\n',
        )
        found, _, err = tree.run("image", "//:i", "--progress", "none")
        assert found == status, err
        return err if status else layout_files(tree.root / "dist/i")

    return install


def layout_files(layout: Path) -> dict[str, tuple[int, bytes]]:
    """path -> (mode, bytes) of every file of an image with one platform."""
    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads(_blob(layout, index["manifests"][0]).read_bytes())
    found = {}
    for layer in manifest["layers"]:
        with decompressed(_blob(layout, layer)) as stream:
            data = io.BytesIO(stream.read())
        with tarfile.open(fileobj=data) as tar:
            for member in tar:
                assert (member.uid, member.gid, member.mtime, member.type) == (0, 0, 0, tarfile.REGTYPE), member.name
                found[member.name] = (member.mode, tar.extractfile(member).read())
    return found


def _blob(layout: Path, descriptor: dict) -> Path:
    return layout / "blobs" / descriptor["digest"].replace(":", "/")
