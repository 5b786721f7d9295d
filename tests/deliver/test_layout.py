"""The output folder: whose it is, who writes it, and what is left of another's work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

BUILD = """
[workspace]
[files.src]
srcs = ["src/*"]
[image.img]
layers = [":src"]
[image.a]
layers = [":src"]
"""


@pytest.fixture
def ready(tree):
    tree.write("BUILD.toml", BUILD)
    for number in range(40):
        tree.write(f"src/{number}", str(number))
    return tree


def test_many_builds_at_once_share_one_output(ready):
    command = [sys.executable, "-m", "stackbuild", "image", "//:img", "--json", "--progress", "none"]
    for _ in range(4):
        shutil.rmtree(ready.root / "dist", ignore_errors=True)
        builds = [subprocess.Popen(command, cwd=ready.root, stdout=subprocess.PIPE) for _ in range(4)]
        digests = {json.loads(build.communicate()[0])["images"][0]["digest"] for build in builds}
        assert len(digests) == 1 and not any(build.returncode for build in builds)
        ready.write("src/0", f"{digests}")


def test_a_folder_with_something_else_is_left_alone(ready):
    ready.write("elsewhere/index.json", "mine")
    status, _, err = ready.run("image", "//:img", "--output", "elsewhere")
    assert status == 1 and "is no OCI layout and holds 'index.json'; choose another --output" in err
    assert [path.name for path in (ready.root / "elsewhere").iterdir()] == ["index.json"]


def test_outputs_lie_within_each_other(ready):
    """//a/b:x is at dist/a/b/x, and //:a at dist/a, whichever comes first."""
    ready.write("a/b/BUILD.toml", '[image.x]\nlayers = ["//:src"]\nvisibility = ["//..."]\n')
    ready.image("//a/b:x")
    ready.image("//a/b:x", "--format", "oci-archive")
    ready.image("//:a")
    ready.image("//a/b:x")
    assert (ready.root / "dist/a/index.json").exists() and (ready.root / "dist/a/b/x/index.json").exists()


def test_what_a_kill_left_behind_does_no_harm(ready):
    ready.write("dist/img/.stackbuild-abc", "half")
    assert ready.image("//:img")["output"] == "dist/img"


def test_blobs_of_the_image_before_are_taken_away(ready):
    folder = ready.root / ready.image("//:img")["output"] / "blobs" / "sha256"
    before = {path.name for path in folder.iterdir()}
    ready.write("src/0", "changed")
    ready.image("//:img")
    after = {path.name for path in folder.iterdir()}
    assert len(before) == len(after) == 3 and not before & after
