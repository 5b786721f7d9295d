"""Packages of PyPI, next to what uv and pip say and do with them."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from uv import find_uv_bin

from .conftest import layout_files

pytestmark = pytest.mark.real
PYTHON = ".".join(map(str, sys.version_info[:2]))
BUILD = f"""[workspace]
[packages.deps]
ecosystem = "wheel"
install = ["flask", "numpy", "psycopg[binary]", "greenlet", "ruff"]
python = "{PYTHON}"
to = "/app"
[image.img]
layers = [":deps"]
[image.arm]
layers = [":deps"]
platforms = ["linux/arm64"]
"""


def run(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def locked(tree) -> dict[str, str]:
    """name -> version of what the lock holds."""
    lock = tomllib.loads((tree.root / "stackbuild.lock").read_text())
    return {item["name"]: item["version"] for item in lock["package"].values()}


@pytest.fixture
def folder(tree, tmp_path, need):
    """The image's files, unpacked by umoci."""
    need("umoci")
    tree.write("BUILD.toml", BUILD)
    tree.image("//:img", "--tag", "latest")
    run("umoci", "unpack", "--rootless", "--image", f"{tree.root / 'dist/img'}:latest", str(tmp_path / "bundle"))
    return tmp_path / "bundle/rootfs/app"


def by_name(root: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode & 0o777, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in root.rglob("*")
        if path.is_file()
    }


def test_file_by_file_as_uv_installs_it(tree, folder, tmp_path):
    pins = [f"{name}=={version}" for name, version in locked(tree).items()]
    target = tmp_path / "uv"
    run(
        *(find_uv_bin(), "pip", "install", "--no-config", "--no-deps", "--target", str(target)),
        *("--python", sys.executable, "--only-binary", ":all:", *pins),
    )
    ours, theirs = by_name(folder), by_name(target)
    commands = {"bin/flask", "bin/f2py", "bin/numpy-config"}  # a shorter text, and another interpreter
    told = {name for name in ours if name.endswith(("dist-info/INSTALLER", "dist-info/RECORD"))}
    assert {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]} == commands | told
    assert ours.keys() - theirs.keys() == set()
    # uv is told every package by name, which makes each one asked for; .lock is its own.
    more = theirs.keys() - ours.keys() - {".lock"}
    assert more and all(name.endswith("dist-info/REQUESTED") for name in more)
    asked = {name.partition("-")[0] for name in ours if name.endswith("/REQUESTED")}
    assert asked == {"flask", "numpy", "psycopg", "greenlet", "ruff"}
    assert all(ours[name][0] == theirs[name][0] for name in commands | told)
    assert len(ours) > 1400


def test_it_runs_and_pip_agrees(tree, folder):
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import flask, numpy, psycopg; psycopg.pq.version(); print(numpy.arange(4).sum(), psycopg.pq.__impl__)"
    assert run(sys.executable, "-c", code, env=environment) == "6 binary\n"
    listed = json.loads(run(sys.executable, "-m", "pip", "list", "--path", str(folder), "--format", "json"))
    names = {row["name"].lower().replace("_", "-"): row["version"] for row in listed}
    assert names == locked(tree)
    assert run(sys.executable, "-m", "venv", str(folder.parent / "venv")) == ""
    pip = str(folder.parent / "venv/bin/python")
    assert run(pip, "-m", "pip", "check", env=environment) == "No broken requirements found.\n"
    command = (folder / "bin/flask").read_text().splitlines()
    assert command[0] == "#!/usr/local/bin/python"
    assert "Flask" in run(sys.executable, str(folder / "bin/flask"), "--version", env=environment)


def test_the_machine_of_another_platform(tree):
    tree.write("BUILD.toml", BUILD)
    tree.image("//:arm")
    binaries = {
        path: struct.unpack_from("<H", data, 18)[0]
        for path, (_, data) in layout_files(tree.root / "dist/arm").items()
        if data.startswith(b"\x7fELF")
    }
    assert len(binaries) > 20
    assert set(binaries.values()) == {183}  # EM_AARCH64


def test_a_lock_is_the_same_each_time_and_a_second_build_needs_no_network(tree, monkeypatch):
    tree.write("BUILD.toml", BUILD)
    texts = set()
    for _ in range(5):
        (tree.root / "stackbuild.lock").unlink(missing_ok=True)
        assert tree.run("lock", "//:img")[0] == 0
        texts.add((tree.root / "stackbuild.lock").read_bytes())
    assert len(texts) == 1
    digest = tree.image("//:img")["digest"]
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert tree.image("//:img")["digest"] == digest
    tree.write("BUILD.toml", BUILD.replace('to = "/app"', 'to = "/other"'))
    assert tree.image("//:img")["digest"] != digest


@pytest.mark.parametrize(
    ("platform", "package", "libc", "machine"),
    [
        ("linux/arm/v7", "markupsafe==3.0.4", "glibc-2.31", 40),
        ("linux/ppc64le", "markupsafe==3.0.4", "glibc-2.28", 21),
        ("linux/riscv64", "markupsafe==3.0.4", "glibc-2.39", 243),
        ("linux/s390x", "pyyaml==6.0.2", "glibc-2.28", 22),
        ("linux/386", "markupsafe==3.0.2", "glibc-2.28", 3),
    ],
)
def test_any_platform_from_any(tree, platform, package, libc, machine):
    tree.write(
        "BUILD.toml",
        f'[workspace]\n[packages.d]\necosystem = "wheel"\ninstall = ["{package}"]\nlibc = "{libc}"\n[image.i]\nlayers = [":d"]\nplatforms = ["{platform}"]\n',
    )
    tree.image("//:i")
    (data,) = [data for path, (_, data) in layout_files(tree.root / "dist/i").items() if path.endswith(".so")]
    order = ">H" if platform == "linux/s390x" else "<H"
    assert struct.unpack_from(order, data, 18)[0] == machine


def test_musl(tree):
    tree.write(
        "BUILD.toml",
        '[workspace]\n[packages.d]\necosystem = "wheel"\ninstall = ["markupsafe==3.0.2"]\nlibc = "musl-1.2"\n[image.i]\nlayers = [":d"]\n',
    )
    tree.image("//:i")
    (data,) = [data for path, (_, data) in layout_files(tree.root / "dist/i").items() if path.endswith(".so")]
    assert b"libc.musl-x86_64.so.1" in data


def test_a_source_distribution_alone_is_refused_by_name(tree):
    tree.write("BUILD.toml", '[workspace]\n[packages.d]\necosystem = "wheel"\ninstall = ["pyspark==3.5.0"]\n')
    status, _, err = tree.run("lock")
    assert status == 2
    assert err == (
        "BUILD.toml:4:11: no versions meet the requirements: pyspark==3.5.0 has no usable wheels and you require "
        "pyspark==3.5.0; nothing is built: choose a version with wheels, or build one and name it\n"
    )


def test_an_unreachable_index_is_one_line(tree):
    tree.write("BUILD.toml", '[workspace]\n[packages.d]\necosystem = "wheel"\ninstall = ["a"]\nindex = "http://127.0.0.1:9/"\n')
    status, _, err = tree.run("lock")
    assert status == 1 and len(err.splitlines()) == 1
    assert err.startswith("BUILD.toml:3:13: Failed to fetch: http://127.0.0.1:9/a/: ")
