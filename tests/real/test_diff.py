"""Differences of images as real tools make and unpack them: umoci's trees, docker-registry's layers, git's revisions."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from analyze.diff.making import folder, gone, hardlink, layer, layout, member, opaque, symlink
from browser import DESK, HAND
from services import DockerRegistry

pytestmark = pytest.mark.real


def run(*command, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def unpacked(image: Path, to: Path) -> dict[str, tuple]:
    """What umoci makes of an image: path -> everything that is compared, but the times of folders."""
    run("umoci", "unpack", "--image", f"{image}:latest", to)
    root, found = to / "rootfs", {}
    for where, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(where, name)
            info = path.lstat()
            mode, mtime = info.st_mode, int(info.st_mtime)
            if stat.S_ISLNK(mode):
                found[f"/{path.relative_to(root)}"] = ("link", str(path.readlink()), info.st_uid, info.st_gid, mtime)
            else:
                data, time = (path.read_bytes(), mtime) if stat.S_ISREG(mode) else (None, None)
                found[f"/{path.relative_to(root)}"] = (mode, data, info.st_uid, info.st_gid, time)
    return found


def tagged(image: Path) -> Path:
    index = json.loads((image / "index.json").read_text())
    for descriptor in index["manifests"]:
        descriptor["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (image / "index.json").write_text(json.dumps(index))
    return image


def differing(tree, *arguments: str) -> tuple[dict, dict[str, str]]:
    """The one platform of `diff --json`, and path -> status but for folders that differ in time alone."""
    status, out, err = tree.run("diff", *arguments, "--json", "--progress", "none")
    assert status == 0, err
    [platform] = json.loads(out)["platforms"]
    changes = platform["files"]["changes"]
    assert all(change["certain"] for change in changes) == platform["files"]["complete"]
    return platform, {
        change["path"]: change["status"] + ("" if change["certain"] else "?")
        for change in changes
        if not (change["differs"] == ["mtime"] and (change["b"] or change["a"])["kind"] == "folder")
    }


def by_brute_force(a: dict[str, tuple], b: dict[str, tuple]) -> dict[str, str]:
    found = dict.fromkeys(a.keys() - b.keys(), "removed") | dict.fromkeys(b.keys() - a.keys(), "added")
    return found | {path: "changed" for path in a.keys() & b.keys() if a[path] != b[path]}


BASE = [
    folder("usr"), folder("usr/lib"), symlink("lib", "usr/lib"), folder("etc", mode=0o700), member("etc/a", "base"),
    member("usr/lib/libx", "x"), member("usr/lib/liby", "y"), hardlink("usr/lib/libz", "usr/lib/libx"),
    folder("var"), folder("var/cache"), member("var/cache/one", "1"), member("var/cache/two", "2"), member("srv/grüße", "x"),
]
CASES = {
    "edited": ([member("app/main", "1")], [member("app/main", "22", mode=0o755)]),
    "through a link": ([], [member("lib/new", "n"), gone("lib/liby")]),
    "deleted": ([], [gone("etc/a"), gone("var/cache")]),
    "opaque": ([gone("var/cache/one")], [opaque("var/cache"), member("var/cache/three", "3")]),
    "file for a folder": ([], [member("var", "a file")]),
    "folder for a file": ([], [folder("etc/a"), member("etc/a/b", "c")]),
    "hard links": ([hardlink("etc/h", "usr/lib/libx")], [member("etc/h", "x"), hardlink("etc/i", "etc/h")]),
    "owner, time, mode": ([member("f", uid=1), member("g", mtime=1), member("h")], [member("f", uid=2), member("g", mtime=9), member("h", mode=0o4755)]),
    "link": ([symlink("l", "a"), symlink("m", "a")], [symlink("l", "b"), folder("m")]),
    "odd names": ([member("-x\n y"), member("*")], [member("日本語"), member("a b/ c")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_differing_paths_are_those_of_umocis_trees(tree, need, tmp_path, name):
    need("umoci")
    a, b = (
        tagged(layout(tmp_path / side, [layer(*BASE), *([layer(*members)] if members else [])]))
        for side, members in zip("ab", CASES[name], strict=True)
    )
    expected = by_brute_force(unpacked(a, tmp_path / "ua"), unpacked(b, tmp_path / "ub"))
    assert expected
    assert differing(tree, str(a), str(b))[1] == expected


def test_a_layer_that_umoci_packed_is_read(tree, need, tmp_path):
    need("umoci")
    old = tagged(layout(tmp_path / "old", [layer(*BASE)]))
    new = tmp_path / "new"
    shutil.copytree(old, new)
    run("umoci", "unpack", "--image", f"{new}:latest", tmp_path / "bundle")
    root = tmp_path / "bundle/rootfs"
    shutil.rmtree(root / "var")
    (root / "etc/a").write_text("edited")
    (root / "etc/new").mkdir()
    os.link(root / "etc/a", root / "etc/new/linked")
    run("umoci", "repack", "--image", f"{new}:latest", tmp_path / "bundle")
    expected = by_brute_force(unpacked(old, tmp_path / "uo"), unpacked(new, tmp_path / "un"))
    assert {"/var", "/etc/a", "/etc/new/linked"} <= expected.keys()
    assert differing(tree, str(old), str(new))[1] == expected


BUILD = """[workspace]
[files.base]
srcs = ["base/*"]
[files.src]
srcs = ["src/*"]
strip_prefix = "src"
to = "/app"
[image.b]
layers = [":base"]
[image.i]
base = ":b"
layers = [":src"]
"""


@pytest.fixture
def registry(tmp_path, need):
    need("docker-registry")
    registry = DockerRegistry(tmp_path / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def sources(tree):
    tree.write("BUILD.toml", BUILD)
    tree.write("base/file", "base" * 100)
    tree.write("src/main", "1")
    tree.write("src/old", "old")
    return tree


def test_an_image_in_a_registry_and_its_local_edit(sources, registry):
    tree = sources
    assert tree.run("push", "//:i", "--repository", f"{registry.host}/i", "--tag", "1")[0] == 0
    tree.write("src/main", "22", 0o755)
    (tree.root / "src/old").unlink()
    registry.forget()
    platform, changes = differing(tree, f"{registry.host}/i:1", "//:i")
    assert changes == {"/app/main": "changed", "/app/old": "removed"}
    assert [(item["status"], item["name"]) for item in platform["layers"]] == [("same", "//:base"), ("changed", "//:src")]
    assert platform["packages"] is None  # nobody knows those of the registry's image
    sizes = {item["b"]["digest"]: item["b"]["size"] for item in platform["layers"]}
    assert platform["pull"]["blobs"] == 2 and platform["pull"]["bytes"] > sizes[platform["layers"][1]["b"]["digest"]]
    assert not [path for _, path, _ in registry.requests() if platform["layers"][0]["a"]["digest"] in path]
    assert differing(tree, f"{registry.host}/i:1", f"{registry.host}/i:1")[1] == {}


def test_layers_that_both_share_are_never_downloaded_unasked(sources, registry, monkeypatch, tmp_path):
    tree = sources
    assert tree.run("push", "//:i", "--repository", f"{registry.host}/i", "--tag", "1")[0] == 0
    tree.write("src/main", "22")
    tree.write("src/new", "new")
    assert tree.run("push", "//:i", "--repository", f"{registry.host}/i", "--tag", "2")[0] == 0
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "another"))
    monkeypatch.chdir(tmp_path)
    images = [f"{registry.host}/i:{tag}" for tag in "12"]

    def fetched(*arguments: str) -> tuple[dict, dict[str, str], set[str]]:
        registry.forget()
        platform, changes = differing(tree, *images, *arguments)
        return platform, changes, {path.rpartition("/")[2] for _, path, _ in registry.requests() if "/blobs/" in path}

    platform = json.loads(tree.run("diff", *images, "--json", "--no-files")[1])["platforms"][0]
    assert platform["files"] is None and platform["layers"][1]["status"] == "changed"
    base = platform["layers"][0]["a"]["digest"]
    platform, changes, asked = fetched()
    assert changes == {"/app/main": "changed", "/app/new": "added?"} and base not in asked
    assert "? /app/new" in tree.run("diff", *images)[1]
    platform, changes, asked = fetched("--fetch")
    assert changes == {"/app/main": "changed", "/app/new": "added"} and base in asked


def git(tree, *words: str) -> str:
    return run("git", "-c", "user.name=a", "-c", "user.email=a@b", *words, cwd=tree.root)


def test_two_revisions(sources, need):
    need("git")
    tree = sources
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    platform, changes = differing(tree, "--against", "HEAD", "//:i")
    assert (platform["status"], changes) == ("same", {})
    tree.write("src/main", "22")
    git(tree, "commit", "-qam", "two")
    git(tree, "tag", "two")
    tree.write("src/new", "not committed")
    before = git(tree, "status", "--porcelain")
    assert differing(tree, "--against", "HEAD~1", "//:i")[1] == {"/app/main": "changed", "/app/new": "added"}
    assert differing(tree, "--against", "two", ":i")[1] == {"/app/new": "added"}
    assert git(tree, "status", "--porcelain") == before
    status, out, _ = tree.run("diff", "--against", "HEAD", "//:i", "--exit-code")
    assert status == 1 and "a  //:i at HEAD (" in out


def test_a_revision_that_cannot_be_built_says_so(sources, need):
    need("git")
    tree = sources
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["src/*"]\n[image.new]\nlayers = [":f"]\n')
    status, _, err = tree.run("diff", "--against", "HEAD", "//:new", "--progress", "none")
    assert (status, err.startswith("at HEAD: no target //:new")) == (2, True)
    status, _, err = tree.run("diff", "--against", "nothing", "//:new", "--progress", "none")
    assert status == 2 and "git knows no revision 'nothing' here" in err


@pytest.mark.parametrize("size, colours", [(DESK, "light"), (HAND, "dark")])
def test_a_browser_shows_the_page(tree, browse, size, colours):
    """The script of the page runs under its own policy, lists the files as text, and the page fits."""
    long = "a-name-that-is-as-long-as-some-are/" * 6
    layout(tree.root / "a", [layer(*BASE)], config={"Labels": {"x": "y" * 500}})
    layout(tree.root / "b", [layer(*BASE, member("<img src=x onerror=alert(1)>", "x"), member("etc/a", "edited"), member(f"{long}f"))])
    assert tree.run("diff", "a", "b", "--html", "page.html")[0] == 0
    shown = browse(tree.root / "page.html", size, colours)
    assert shown.locator("img").count() == 0 and shown.evaluate("document.documentElement.scrollWidth") <= size[0]
    files = shown.locator(".files")
    assert {"/<img src=x onerror=alert(1)>", "/etc/a", f"/{long}f"} <= set(files.locator("td.path").all_inner_texts())
    shown.get_by_label("Part of a path").fill("ETC")
    assert files.locator("output").inner_text() == "1 file" and files.locator("tbody tr").inner_text().startswith("changed")
    shown.get_by_label("Status").select_option("removed")
    assert files.locator("output").inner_text() == "No file is like this."
