"""Images on disk are outside data: what they say of themselves is checked before it is believed."""

from __future__ import annotations

import hashlib
import json
import tarfile

import pytest
import zstandard

BUILD = '[workspace]\n[base.b]\npath = "base"\n[image.img]\nbase = ":b"\n'


@pytest.fixture
def layout(tree):
    """An OCI layout at base/, made by a build, and a function that changes its configuration."""
    tree.write("BUILD.toml", '[workspace]\n[files.f]\ndirs = ["/x"]\n[image.img]\nlayers = [":f"]\n')
    tree.image("//:img", "--output", "base")
    tree.write("BUILD.toml", BUILD)
    return tree


def put(tree, document) -> dict:
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    tree.write(f"base/blobs/sha256/{digest}", data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def change(tree, edit) -> None:
    """Have the layout's manifest and configuration edited, every digest right again."""
    index = json.loads((tree.root / "base/index.json").read_text())
    read = lambda descriptor: json.loads((tree.root / "base/blobs" / descriptor["digest"].replace(":", "/")).read_text())  # noqa: E731
    manifest = read(index["manifests"][0])
    config = read(manifest["config"])
    edit(manifest, config)
    manifest["config"] |= put(tree, config)
    index["manifests"][0] |= put(tree, manifest)
    tree.write("base/index.json", json.dumps(index))


def test_a_layout_serves_as_a_base(layout):
    change(layout, lambda manifest, config: config.update(author="x"))
    assert [layer["status"] for layer in layout.image("//:img")["layers"]] == ["base"]


def test_a_diff_id_that_its_layer_does_not_have_is_refused_each_time(layout):
    change(layout, lambda manifest, config: config["rootfs"].update(diff_ids=["sha256:" + "0" * 64]))
    for _ in range(2):
        status, _, err = layout.run("image", "//:img", "--progress", "none")
        assert status == 1 and "unpacks to something else than its diff_id" in err and err.startswith("BUILD.toml:3:8: ")


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest, config: manifest["layers"].append(manifest["layers"][0]),
        lambda manifest, config: manifest["layers"][0].update(digest="sha256:../../../etc/passwd"),
        lambda manifest, config: manifest["layers"][0].update(size=3),
        lambda manifest, config: manifest.update(layers=7),
        lambda manifest, config: config.update(config={"Env": "A=1"}),
        lambda manifest, config: config.update(config=[1]),
        lambda manifest, config: config["rootfs"].pop("diff_ids"),
        lambda manifest, config: config.update(history=7),
    ],
)
def test_what_is_malformed_is_one_line(layout, edit):
    change(layout, edit)
    status, _, err = layout.run("image", "//:img", "--progress", "none")
    assert status == 1 and len(err.splitlines()) == 1 and "stackbuild itself" not in err, err


def test_an_archive_in_zstd_serves_as_a_base(layout):
    with tarfile.open(layout.root / "base.tar", "w") as tar:
        for path in sorted((layout.root / "base").rglob("*")):
            tar.add(path, path.relative_to(layout.root / "base"))
    layout.write("base.tar.zst", zstandard.compress((layout.root / "base.tar").read_bytes()))
    layout.write("BUILD.toml", BUILD.replace('"base"', '"base.tar.zst"'))
    assert layout.image("//:img")["layers"][0]["status"] == "base"


def test_an_index_behind_a_symlink(layout):
    (layout.root / "base/index.json").rename(layout.root / "base/real.json")
    (layout.root / "base/index.json").symlink_to("real.json")
    assert layout.image("//:img")["layers"][0]["status"] == "base"
