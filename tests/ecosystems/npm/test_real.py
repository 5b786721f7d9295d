"""Next to npm itself: the same files, modes and links as `npm ci`, from a lock that npm made."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.real
PACKAGES = {
    "dependencies": {"express": "4.21.2", "esbuild": "0.24.0", "alias-ms": "npm:ms@2.1.3"},
    "devDependencies": {"semver": "7.6.3"},
    "optionalDependencies": {"fsevents": "2.3.3"},
}


def run(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def found(root: Path) -> dict[str, tuple]:
    """path -> kind, mode and content of everything below a folder."""
    result: dict[str, tuple] = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder, name) for name in [*folders, *files]):
            mode = oct(path.lstat().st_mode & 0o7777)
            if path.is_symlink():
                row = ("link", path.readlink())
            elif path.is_dir():
                row = ("folder", mode)
            else:
                row = ("file", mode, hashlib.sha256(path.read_bytes()).hexdigest())
            result[str(path.relative_to(root))] = row
    return result


@pytest.fixture
def locked(tree, need):
    need("npm", "node")
    (tree.root / "npm").mkdir()
    tree.write("npm/package.json", json.dumps({"name": "lab", "version": "1.0.0", **PACKAGES}))
    run("npm", "install", "--package-lock-only", "--no-audit", "--no-fund", cwd=tree.root / "npm")
    return tree


def unpacked(tree, folder: Path, platform: str, fields: str = "") -> Path:
    """node_modules of an image for a platform."""
    tree.write(
        "BUILD.toml",
        f'[workspace]\nplatforms = ["{platform}"]\n[packages.m]\necosystem = "npm"\n'
        f'package_lock = "npm/package-lock.json"\nto = "/app"\n{fields}[image.img]\nlayers = [":m"]\n',
    )
    image = tree.image("//:img")
    for layer in image["layers"]:
        with tarfile.open(tree.root / image["output"] / "blobs" / layer["digest"].replace(":", "/")) as tar:
            tar.extractall(folder, filter="fully_trusted")
    return folder / "app/node_modules"


@pytest.mark.parametrize("omit", [[], ["dev"], ["optional"], ["dev", "optional"]])
def test_node_modules_is_that_of_npm_ci(locked, tmp_path, omit):
    flags = [f"--omit={kind}" for kind in omit]
    machine = ["--os=linux", "--cpu=x64", "--libc=glibc"]
    project = locked.root / "npm"
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *machine, *flags, cwd=project)
    theirs = found(project / "node_modules")
    assert theirs.pop(".package-lock.json")
    assert found(unpacked(locked, tmp_path / "out", "linux/amd64", f"omit = {json.dumps(omit)}\n")) == theirs


def test_node_runs_it(locked, tmp_path):
    modules = unpacked(locked, tmp_path / "out", "linux/amd64", "split = 5\n")
    script = "console.log(typeof require('express')(), require('alias-ms')('2d'))"
    assert run("node", "-e", script, cwd=modules.parent) == "function 172800000\n"
    assert run(str(modules / ".bin/semver"), "1.2.3") == "1.2.3\n"


def test_another_platform_gets_its_own_binaries(locked, tmp_path):
    modules = unpacked(locked, tmp_path / "out", "linux/arm64")
    assert [path.name for path in (modules / "@esbuild").iterdir()] == ["linux-arm64"]
