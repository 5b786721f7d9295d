"""A project of npm in a workspace, with tarballs made in the test."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile

import pytest

BUILD = """[workspace]
[packages.m]
ecosystem = "npm"
package_lock = "package-lock.json"
to = "/app"
"""


def member(name: str, data: bytes = b"", mode: int = 0o644, kind: bytes = tarfile.REGTYPE, link: str = ""):
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.linkname = mode, kind, link
    info.size = len(data)
    return info, data


def tgz(*members) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), 1, mtime=0)


def package_json(name: str, version: str = "1.0.0", **more):
    return member("package/package.json", json.dumps({"name": name, "version": version, **more}).encode())


def integrity(data: bytes, algorithm: str = "sha512") -> str:
    return f"{algorithm}-" + base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


class Project:
    """Packages by place, each with a tarball in the tree, and the lock that names them."""

    def __init__(self, tree) -> None:
        self.tree, self.entries, self.fields = tree, {"": {"name": "project"}}, ""

    def add(self, place: str, *members, version: str = "1.0.0", data: bytes | None = None, **more) -> dict:
        """A package with package.json, an index.js that names it, and more members; or with the bytes given."""
        name = more.get("name") or place.rpartition("node_modules/")[2]
        if data is None:
            index = member("package/index.js", f"{name} {version}\n".encode())
            data = tgz(package_json(name, version), index, *members)
        file = f"tarballs/{hashlib.sha256(data).hexdigest()[:16]}.tgz"
        self.tree.write(file, data)
        entry = {"version": version, "resolved": f"file:{file}", "integrity": integrity(data), **more}
        self.entries[place] = {name: value for name, value in entry.items() if value is not None}
        return self.entries[place]

    def write(self, fields: str = "") -> None:
        lock = {"name": "project", "lockfileVersion": 3, "packages": self.entries}
        self.tree.write("package-lock.json", json.dumps(lock, indent=2))
        self.tree.write("BUILD.toml", BUILD + fields)

    def layers(self, fields: str = "", *arguments: str) -> list[dict[str, dict]]:
        """The files of every layer: path -> what `inspect` says of it."""
        self.write(fields)
        status, out, err = self.tree.run("inspect", "--json", *arguments, "//:m")
        assert status == 0, err
        return [{file["path"]: file for file in layer["files"]} for layer in json.loads(out)["images"][0]["layers"]]

    def files(self, fields: str = "", *arguments: str) -> dict[str, dict]:
        (found,) = self.layers(fields, *arguments)
        return found

    def links(self, fields: str = "") -> dict[str, str]:
        return {path: file["link"] for path, file in self.files(fields).items() if file["kind"] == "symlink"}

    def refused(self, fields: str = "") -> tuple[int, str]:
        """The exit status and the one line of a build that fails."""
        self.write(fields)
        return self.fails()

    def fails(self) -> tuple[int, str]:
        status, out, err = self.tree.run("image", "--progress", "none", "//:m")
        assert status and not out and len(err.splitlines()) == 1 and "stackbuild itself" not in err, err
        return status, err.strip()


@pytest.fixture
def project(tree):
    return Project(tree)
