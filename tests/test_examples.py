"""The example plugin, installed for real, and the pages made from the models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


def test_the_plugins_type_builds_a_layer(tree, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*command, str(TOP / "examples/plugin")], check=True)
    tree.write("BUILD.toml", '[workspace]\n[template.t]\ntext = "hello $name"\nto = "/etc/hello"\nvalues = { name = "you" }\n'
               '[image.img]\nlayers = [":t"]\n')
    env = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "stackbuild", "image", "//:img", "--json", "--progress", "none"]
    done = subprocess.run(command, cwd=tree.root, env=env, capture_output=True, check=True)
    [image] = json.loads(done.stdout)["images"]
    blob = tree.root / image["output"] / "blobs" / image["layers"][0]["digest"].replace(":", "/")
    with tarfile.open(blob) as tar:
        assert tar.extractfile("etc/hello").read() == b"hello you"
    status, _, err = tree.run("image", "//:img")  # without the plugin
    assert status == 2 and "BUILD.toml:2:2: unknown target type 'template'" in err


@pytest.mark.parametrize("name", ["targets.md", "commands.md", "checks.md", "events.md"])
def test_the_reference_is_up_to_date(name, monkeypatch):
    for variable in [name for name in os.environ if name.startswith("STACKBUILD_") or name == "CI"]:
        monkeypatch.delenv(variable)
    monkeypatch.syspath_prepend(str(TOP / "docs"))
    import generate

    assert (TOP / "docs/reference" / name).read_text() == generate.PAGES[name](), "run make docs"
