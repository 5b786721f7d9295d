"""Bases, wheels and packages on this machine, so that what `init` wrote is really built."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from ecosystems.deb.making import Archive, Server, control
from ecosystems.npm.conftest import member, package_json, tgz
from ecosystems.wheel.making import wheel
from services import DockerRegistry

HOSTS = ("docker.io", "gcr.io", "mcr.microsoft.com", "quay.io", "registry.example.com", "ghcr.io")
BUSYBOX = Path("/usr/bin/busybox")
RELEASE = 'ID=debian\nVERSION_CODENAME=bookworm\n'
WHEELS = {"flask": "3.0", "django": "5.0", "gunicorn": "22.0", "celery": "5.4", "kombu": "5.3"}
DEBS = ("libpq5", "ca-certificates", "libssl3", "gosu", "tzdata", "curl", "libsqlite3-0", "ffmpeg")
BASE = """[workspace]
[files.root]
srcs = ["root/**"]
strip_prefix = "root"
modes = { "**/busybox" = "0755" }
[files.applets]
to = "/bin"
symlinks = { APPLETS }
[image.base]
layers = [":root", ":applets"]
env = { PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }
"""
APPLETS = ("sh", "ash", "ln", "rm", "mkdir", "chmod", "chown", "cat", "true")


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A registry that stands in for all of them."""
    if not shutil.which("docker-registry"):
        yield None
        return
    running = DockerRegistry(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


@pytest.fixture
def base(tree, registry, need):
    """`base(reference)`: the registry has a small Debian under that name."""
    need("docker-registry", str(BUSYBOX))
    tree.write("BUILD.toml", BASE.replace("APPLETS", ", ".join(f'{name} = "busybox"' for name in APPLETS)))
    tree.write("root/bin/busybox", BUSYBOX.read_bytes(), 0o755)
    tree.write("root/etc/os-release", RELEASE)
    tree.write("root/etc/nginx/conf.d/default.conf", "default\n")
    tree.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    tree.write("root/var/lib/dpkg/status", "")

    def push(reference: str) -> None:
        host, _, rest = reference.partition("/")
        path, _, tag = rest.partition(":")
        status, _, err = tree.run("push", "//:base", "--repository", f"{registry.host}/{host}/{path}", "--tag", tag)
        assert status == 0, err

    yield push


@pytest.fixture
def workspace(tree, tmp_path, registry, base):
    """`workspace()` begins anew: a root BUILD.toml whose mirrors, index and archive are all on this machine."""
    archive = Archive(tmp_path / "served")
    for name in DEBS:
        archive.add(control(name), files={f"usr/share/{name}/there": name})
    archive.publish()
    for name, version in WHEELS.items():
        folder = tmp_path / "served/simple" / name
        folder.mkdir(parents=True)
        (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(wheel(name, version))
    server = Server(tmp_path / "served")

    def begin(*, index: bool = True) -> None:
        shutil.rmtree(tree.root)
        tree.root.mkdir()
        tree.write("keys.asc", archive.keyring())
        mirrors = "\n".join(f'"{host}" = ["{registry.host}/{host}"]' for host in HOSTS)
        defaults = f'[defaults.packages]\nindex = "{server.url}/simple"\n' if index else ""
        tree.write(
            "BUILD.toml",
            f'[workspace]\n[workspace.mirrors]\n{mirrors}\n[workspace.deb.test]\nurl = "{server.url}"\nsuite = "test"\n'
            f'keyring = "keys.asc"\n{defaults}',
        )

    yield begin
    server.stop()


def with_tarballs(tree, file: Path) -> None:
    """Give every package of a package-lock.json a tarball of the tree."""
    lock = json.loads(file.read_text())
    for place, entry in lock["packages"].items():
        if not place:
            continue
        name = place.rpartition("node_modules/")[2]
        data = tgz(package_json(name), member("package/index.js", b"1\n"))
        entry["resolved"] = f"file:tarballs/{name}.tgz"
        entry["integrity"] = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
        tree.write(str(file.parent.relative_to(tree.root) / "tarballs" / f"{name}.tgz"), data)
    file.write_text(json.dumps(lock))
