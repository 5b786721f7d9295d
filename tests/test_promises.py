"""The promises: the same everywhere, nothing stale, nothing half done."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stackbuild

BUILD = """
[workspace]
[files.src]
srcs = ["src/**"]
to = "/app"
dirs = ["**"]
[files.other]
srcs = ["other/*"]
[image.img]
layers = [":other", ":src"]
"""


def fill(tree, seed=1, files=24):
    rng = random.Random(seed)
    tree.write("BUILD.toml", BUILD)
    tree.write("other/o", "other")
    for number in range(files):
        tree.write(f"src/d{number % 4}/é{number}", rng.randbytes(200), 0o755 if number % 5 == 0 else 0o644)
    (tree.root / "src" / "link").symlink_to("d1/é1")


def digest_of(root, store):
    with stackbuild.Workspace.open(root, store) as workspace:
        [built] = workspace.build("//:img")
        return built.as_json(workspace.root)["digest"]


MACHINES = list(
    itertools.product(
        ["0022", "0077", "0002"], ["UTC", "Asia/Kathmandu"], ["C", "C.UTF-8"], ["1", "4"], ["same", "elsewhere, touched"]
    )
)


def test_digests_are_the_same_on_every_machine(tree, tmp_path):
    """48 ways to differ: umask, time zone, locale, jobs, path, creation order, times, hash seed."""
    assert len(MACHINES) >= 30
    fill(tree)
    script = (
        "import os, sys, json, shutil\nfrom stackbuild.cli.main import main\n"
        "main(['image', '//:img', '--json', '--progress', 'none', '--jobs', sys.argv[1]])"
    )
    digests = set()
    for number, (umask, zone, locale, jobs, place) in enumerate(MACHINES):
        root = tree.root
        if place != "same":
            root = tmp_path / f"elsewhere {number}"
            old = os.umask(int(umask, 8))
            try:
                copy_backwards(tree.root, root)
            finally:
                os.umask(old)
        env = {
            **os.environ, "TZ": zone, "LC_ALL": locale, "LANG": locale, "PYTHONHASHSEED": str(number), "HOME": str(root),
            "STACKBUILD_STORE": str(tmp_path / f"store{number}"),
        }
        command = [sys.executable, "-c", script, jobs]
        out = subprocess.run(command, cwd=root, env=env, capture_output=True, check=True, umask=int(umask, 8)).stdout
        digests.add(json.loads(out)["images"][0]["digest"])
    assert len(digests) == 1


def copy_backwards(source, target):
    """A checkout: the same names, bytes and executable bits, everything else by chance."""
    target.mkdir()
    for path in sorted(source.rglob("*"), reverse=True):
        if "dist" in path.parts or (path.is_dir() and not path.is_symlink()):
            continue
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            to.symlink_to(path.readlink())
        else:
            to.write_bytes(path.read_bytes())
            if path.stat().st_mode & 0o100:
                to.chmod(to.stat().st_mode | 0o100)


def edit(root, rng):
    """One random change, chosen to be as hard to see as possible."""
    files = sorted(path for path in (root / "src").rglob("*") if path.is_file() and not path.is_symlink())
    path = rng.choice(files)
    kind = rng.randrange(9)
    if kind <= 2:  # the same size, the time as before
        old = path.stat()
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        path.write_bytes(data)
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns if kind else old.st_mtime_ns - 10**9))
    elif kind == 3:
        path.chmod(path.stat().st_mode ^ 0o100)
    elif kind == 4:
        path.rename(path.with_name(f"n{rng.randrange(10**6)}"))
    elif kind == 5:
        link = root / "src" / "link"
        link.unlink()
        link.symlink_to(f"d{rng.randrange(4)}/x{rng.randrange(5)}")
    elif kind == 6:
        one, two = rng.sample(sorted(p for p in (root / "src").iterdir() if p.is_dir() and not p.is_symlink()), 2)
        aside = root / "aside"
        one.rename(aside)
        two.rename(one)
        aside.rename(two)
    elif kind == 7:
        (path.parent / f"new{rng.randrange(10**6)}").write_bytes(rng.randbytes(50))
    elif len(files) > 10:
        path.unlink()


@pytest.mark.long
def test_a_thousand_edits_never_give_a_stale_image(tree, tmp_path):
    fill(tree)
    rng = random.Random(20261123)
    warm = tmp_path / "warm"
    digest_of(tree.root, warm)
    seen = set()
    for number in range(1000):
        edit(tree.root, rng)
        cold = tmp_path / f"cold{number}"
        found = digest_of(tree.root, warm)
        assert found == digest_of(tree.root, cold), f"stale after edit {number}"
        shutil.rmtree(cold)
        seen.add(found)
    assert len(seen) > 750


@pytest.mark.parametrize("change", ["touch", "comment", "group mode", "rewritten"])
def test_what_changes_nothing_rebuilds_nothing(tree, change):
    fill(tree)
    tree.image("//:img")
    for path in [p for p in (tree.root / "src").rglob("*") if p.is_file() and not p.is_symlink()]:
        if change == "touch":
            os.utime(path)
        elif change == "group mode":
            path.chmod(path.stat().st_mode ^ 0o020)
        elif change == "rewritten":
            data, mode = path.read_bytes(), path.stat().st_mode
            path.unlink()
            path.write_bytes(data)
            path.chmod(mode)
    if change == "comment":
        tree.write("BUILD.toml", "# a comment\n" + BUILD)
    assert tree.statuses("//:img") == {"//:src": "reused", "//:other": "reused"}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda tree: tree.write("src/d0/é0", "other"), "file src/d0/é0 changed"),
        (lambda tree: (tree.root / "src/d0/é0").chmod(0o644), "file src/d0/é0 changed mode: 0755 -> 0644"),
        (lambda tree: (tree.root / "src/d0/é0").unlink(), "file src/d0/é0 removed"),
        (lambda tree: tree.write("src/new", "x"), "file src/new added"),
        (lambda tree: ((tree.root / "src/link").unlink(), (tree.root / "src/link").symlink_to("d2")), "file src/link changed: link d1/é1 -> link d2"),
        (lambda tree: tree.write("BUILD.toml", BUILD.replace("/app", "/opt")), "field to changed: '/app' -> '/opt'"),
    ],
)  # fmt: skip
def test_what_changes_something_rebuilds_just_that_and_explain_says_so(tree, change, cause):
    fill(tree)
    tree.image("//:img")
    change(tree)
    _, out, _ = tree.run("explain", "//:img")
    assert f"    {cause}\n" in out
    assert tree.statuses("//:img") == {"//:src": "built", "//:other": "reused"}
    assert f"    last built: {cause}\n" in tree.run("explain", "//:img")[1]


def test_a_layer_that_comes_out_the_same_stops_there(tree):
    fill(tree)
    first = tree.image("//:img")
    tree.write("BUILD.toml", BUILD.replace('to = "/app"', 'to = "/app/"'))
    _, out, _ = tree.run("image", "--explain", "//:img")
    assert "built   //:src (gzip)\n" in out and "reused  //:img (linux/amd64)\n" in out
    assert tree.image("//:img")["digest"] == first["digest"]


def test_a_kill_at_any_moment_leaves_a_store_that_works(tree, tmp_path):
    fill(tree, files=400)
    expected = digest_of(tree.root, tmp_path / "reference")
    shutil.rmtree(tree.root / "dist")
    command = [sys.executable, "-m", "stackbuild", "image", "//:img", "--progress", "none"]
    for number in range(12):
        process = subprocess.Popen(command, cwd=tree.root, stdout=subprocess.DEVNULL)
        time.sleep(0.15 + 0.05 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        tree.write("src/d0/é0", f"{number}")
    tree.write("src/d0/é0", random.Random(1).randbytes(200), 0o755)
    assert tree.image("//:img")["digest"] == expected
    assert tree.run("store", "check")[0] == 0


def test_two_builds_at_once_agree(tree):
    fill(tree, files=200)
    command = [sys.executable, "-m", "stackbuild", "image", "//:img", "--json", "--progress", "none"]
    builds = [subprocess.Popen(command, cwd=tree.root, stdout=subprocess.PIPE) for _ in range(3)]
    outputs = [json.loads(build.communicate()[0])["images"][0]["digest"] for build in builds]
    assert len(set(outputs)) == 1 and not any(build.returncode for build in builds)


def test_an_edited_output_is_put_right(tree):
    fill(tree)
    first = tree.image("//:img")
    blob = tree.root / first["output"] / "blobs" / first["layers"][1]["digest"].replace(":", "/")
    blob.chmod(0o644)
    blob.write_bytes(b"scribble")
    again = tree.image("//:img")
    assert again["digest"] == first["digest"] and blob.stat().st_size == first["layers"][1]["size"]
    assert tree.run("store", "check")[0] == 0


def test_a_digest_does_not_depend_on_what_was_built_before(tree, tmp_path):
    """Targets alike share a record; what they are called must not come from there."""
    for folder in "ab":
        tree.write(f"{folder}/LICENSE", "L")
        tree.write(f"{folder}/BUILD.toml", '[files.lic]\nsrcs = ["LICENSE"]\n[image.img]\nlayers = [":lic"]\n')
    alone = tree.image("//b:img", "--jobs", "1")
    shutil.rmtree(tmp_path / "store")
    tree.image("//a:img")
    after = tree.image("//b:img")
    assert after["digest"] == alone["digest"]
    assert [(layer["target"], layer["status"]) for layer in after["layers"]] == [("//b:lic", "reused")]
    assert tree.image("//a:img")["digest"] != after["digest"]


def test_the_order_of_platforms_is_in_the_key(tree, tmp_path):
    fill(tree)
    digests = []
    for platforms in ('["linux/amd64", "linux/arm64"]', '["linux/arm64", "linux/amd64"]'):
        tree.write("BUILD.toml", BUILD + f"platforms = {platforms}\n")
        digests.append(digest_of(tree.root, tmp_path / "warm"))
        assert digests[-1] == digest_of(tree.root, tmp_path / f"cold{len(digests)}")
    assert digests[0] != digests[1]


def test_what_another_target_gave_is_what_is_taken(tree, monkeypatch):
    """A file that changes between the build of a target and that of one that takes its files."""
    from stackbuild.targets.target import Task

    tree.write("BUILD.toml", '[workspace]\n[files.in]\nsrcs = ["f"]\n[files.out]\nsrcs = [":in"]\n[image.img]\nlayers = [":out"]\n')
    tree.write("f", "good")
    expected = tree.image("//:img", "--output", "none")["digest"]
    shutil.rmtree(os.environ["STACKBUILD_STORE"])
    taken = Task.files_of

    def change_then_take(self, need, stack):
        tree.write("f", "evil")
        return taken(self, need, stack)

    monkeypatch.setattr(Task, "files_of", change_then_take)
    assert tree.image("//:img")["digest"] == expected
    tree.write("f", "good")
    assert tree.image("//:img")["digest"] == expected


def test_a_damaged_configuration_is_made_anew(tree):
    fill(tree)
    tree.write("BUILD.toml", BUILD + '[image.child]\nbase = ":img"\nlayers = [":other"]\n')
    first = tree.image("//:child", "--output", "none")
    tree.write("other/o", "changed")
    store = os.environ["STACKBUILD_STORE"]
    for path in [path for path in Path(store, "blobs", "sha256").iterdir() if path.read_bytes()[:1] == b"{"]:
        stat = path.stat()
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"linux", b"linus"))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed = tree.image("//:child", "--output", "none")
    tree.write("other/o", "other")
    assert tree.image("//:child", "--output", "none")["digest"] == first["digest"] != changed["digest"]


def test_an_archive_is_never_made_of_damaged_blobs(tree):
    fill(tree)
    first = tree.image("//:img", "--format", "oci-archive")
    for path in Path(os.environ["STACKBUILD_STORE"], "blobs", "sha256").iterdir():
        stat, data = path.stat(), bytearray(path.read_bytes())
        data[-1] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    before = (tree.root / first["output"]).read_bytes()
    assert tree.image("//:img", "--format", "oci-archive")["digest"] == first["digest"]
    assert (tree.root / first["output"]).read_bytes() == before


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_is_quick_and_leaves_the_next_build_whole(tree, number, status):
    fill(tree)
    tree.write("BUILD.toml", BUILD.replace('"other/*"', '"other/*", "big"'))
    with open(tree.root / "big", "wb") as file:
        file.truncate(20 << 30)  # sparse: seconds to hash, nothing on disk
    process = subprocess.Popen([sys.executable, "-m", "stackbuild", "image", "//:img"], cwd=tree.root, stderr=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(number)
    assert process.communicate(timeout=5)[1].endswith(b"interrupted\n") and process.returncode == status
    (tree.root / "big").unlink()
    tree.write("big", "small")
    assert tree.image("//:img")["digest"]
