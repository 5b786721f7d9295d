"""What `init` proposes for a tree is built, on bases and packages of this machine."""

from __future__ import annotations

import json

import pytest

from .conftest import with_tarballs

pytestmark = pytest.mark.real


def test_every_proposal_is_built(tree, base, workspace):
    for reference in ("python:3.13-slim", "node:22-slim", "nginx:stable-alpine"):
        base(f"docker.io/library/{reference}")
    workspace()
    tree.write("api/requirements.txt", "flask==3.0\n")
    tree.write("api/shop/__init__.py")
    tree.write("api/shop/__main__.py", "print('shop')\n")
    tree.write("web/package.json", json.dumps({"main": "index.js", "dependencies": {"express": "1.0.0"}}))
    packages = {"": {}, "node_modules/express": {"version": "1.0.0"}, "node_modules/lint": {"version": "1.0.0", "dev": True}}
    tree.write("web/package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages}))
    tree.write("web/index.js")
    tree.write("site/index.html", "<h1>hi</h1>")
    with_tarballs(tree, tree.root / "web/package-lock.json")
    status, out, err = tree.run("init")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "next: stackbuild image //..."
    status, out, err = tree.run("image", "--json", "--progress", "none", "//...")
    assert status == 0, err
    built = {image["address"] for image in json.loads(out)["images"]}
    assert built >= {"//api:img", "//site:img", "//web:img"}
    status, out, err = tree.run("inspect", "--json", "//web:img")
    files = {file["path"] for layer in json.loads(out)["images"][0]["layers"] for file in layer["files"]}
    assert {"app/index.js", "app/node_modules/express/index.js"} <= files
    assert not any("node_modules/lint" in path for path in files)
