"""Wheels of the real index, beside uv and pip, in a container."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackbuild.layer.unpack import members
from stackbuild.store import Store

pytestmark = pytest.mark.real
NAMES = ["flask", "numpy", "psycopg[binary]"]
VERSION = "{}.{}".format(*sys.version_info)


@pytest.fixture
def image(tree):
    tree.write(
        "BUILD.toml",
        f'[workspace]\n[packages.p]\necosystem = "wheel"\ninstall = {json.dumps(NAMES)}\npython = "{VERSION}"\nto = "/app"\n'
        '[image.i]\nlayers = [":p"]\nplatforms = ["linux/amd64", "linux/arm64"]\n',
    )
    return tree


def unpacked(tree, platform: str, to: Path) -> Path:
    """The files of the image for a platform, on disk."""
    digests = [layer["digest"] for layer in tree.image("//:i", "--platform", platform)["layers"]]
    with Store(tree.root.parent / "store") as store:
        for digest in digests:
            for member in members(store.blobs.path(digest)):
                path = to / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                if member.stream:
                    path.write_bytes(member.stream.read())
                    path.chmod(member.mode)
    return to


def files(root: Path) -> dict[str, tuple[str, bool]]:
    made_by_one = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
    return {
        str(path.relative_to(root)): (hashlib.sha256(path.read_bytes()).hexdigest(), bool(path.stat().st_mode & 0o100))
        for path in root.rglob("*")
        if path.is_file() and path.name not in made_by_one and path.suffix != ".pyc" and path.name != ".lock"
    }


def test_as_uv_installs(image, tmp_path):
    from uv import find_uv_bin

    ours = unpacked(image, "linux/amd64", tmp_path / "ours") / "app"
    listed = json.loads(image.run("list", "--packages", "//:i", "--json")[1])["packages"]
    pins = sorted({f"{item['name']}=={item['version']}" for item in listed if item["platform"] == "linux/amd64"})
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", tmp_path / "theirs", "--python-version", VERSION]
    command += ["--python-platform", "x86_64-manylinux_2_28", "--no-deps", "--link-mode", "copy", *pins]
    subprocess.run(command, check=True)
    found, expected = files(ours), files(tmp_path / "theirs")
    commands = {path for path in found if path.startswith("bin/")}  # they name another interpreter
    assert commands == {path for path in expected if path.startswith("bin/")}
    for path in commands:
        del found[path], expected[path]
    assert {path: mark for path, (mark, _) in found.items()} == {path: mark for path, (mark, _) in expected.items()}


def test_pip_agrees_and_flask_answers(image, tmp_path, need):
    ours = unpacked(image, "linux/amd64", tmp_path / "ours") / "app"
    done = subprocess.run([sys.executable, "-m", "pip", "list", "--path", ours, "--format", "json"], check=True, capture_output=True)
    there = {(item["name"].lower().replace("_", "-"), item["version"]) for item in json.loads(done.stdout)}
    listed = json.loads(image.run("list", "--packages", "//:i", "--json")[1])["packages"]
    assert there == {(item["name"], item["version"]) for item in listed if item["platform"] == "linux/amd64"}
    program = (
        "import flask, numpy, psycopg; app = flask.Flask('x'); app.add_url_rule('/', view_func=lambda: str(numpy.arange(4).sum()));"
        "print(app.test_client().get('/').text, psycopg.pq.__impl__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ours)!r}); {program}"], check=True, capture_output=True)
    assert done.stdout == b"6 binary\n"


def test_another_architecture(image, tmp_path):
    ours = unpacked(image, "linux/arm64", tmp_path / "ours")
    programs = [data for path in ours.rglob("*.so*") if (data := path.read_bytes()).startswith(b"\x7fELF")]
    assert len(programs) > 10 and {int.from_bytes(data[18:20], "little") for data in programs} == {183}


def test_the_lock_is_the_same_each_time(image):
    locks = set()
    for _ in range(5):
        (image.root / "stackbuild.lock").unlink(missing_ok=True)
        assert image.run("lock")[0] == 0
        locks.add((image.root / "stackbuild.lock").read_bytes())
    assert len(locks) == 1


def test_under_runc(tree, tmp_path, need):
    """Debian's python3, and wheels on its path: a request is served."""
    need("umoci", "runc", "skopeo")
    tree.write(
        "BUILD.toml",
        '[workspace]\n[packages.os]\necosystem = "deb"\ninstall = ["python3", "libstdc++6"]\n'
        f'[packages.p]\necosystem = "wheel"\ninstall = {json.dumps(NAMES)}\npython = "3.13"\nto = "/app"\nlibc = "glibc-2.36"\n'
        '[image.i]\nlayers = [":os", ":p"]\nenv = { PYTHONPATH = "/app" }\n',
    )
    assert tree.run("image", "//:i", "--progress", "none")[0] == 0
    subprocess.run(["skopeo", "copy", "-q", f"oci:{tree.root}/dist/i", f"oci:{tmp_path}/layout:latest"], check=True)
    bundle = tmp_path / "bundle"
    subprocess.run(["umoci", "unpack", "--image", f"{tmp_path}/layout:latest", bundle], check=True, capture_output=True)
    config = json.loads((bundle / "config.json").read_text())
    program = (
        "import threading, urllib.request, flask, numpy, psycopg; from werkzeug.serving import make_server\n"
        "app = flask.Flask('x'); app.add_url_rule('/', view_func=lambda: str(numpy.arange(4).sum()))\n"
        "server = make_server('127.0.0.1', 8123, app); threading.Thread(target=server.handle_request).start()\n"
        "print(urllib.request.urlopen('http://127.0.0.1:8123/').read(), psycopg.pq.version() > 0)\n"
    )
    config["process"] |= {"args": ["python3", "-c", program], "terminal": False}
    config["linux"]["namespaces"] = [item for item in config["linux"]["namespaces"] if item["type"] != "network"]
    (bundle / "config.json").write_text(json.dumps(config))
    done = subprocess.run(["runc", "run", f"wheels-{tmp_path.name}"], cwd=bundle, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.stdout == b"b'6' True\n", done.stderr


def test_no_sdist_is_built(tree):
    tree.write("BUILD.toml", '[workspace]\n[packages.p]\necosystem = "wheel"\ninstall = ["pycrypto==2.6.1"]\n')
    status, out, err = tree.run("lock")
    assert status == 2 and out == "" and err.startswith("BUILD.toml:4:11: ") and err.count("\n") == 1
    assert "pycrypto" in err and "nothing is built" in err
