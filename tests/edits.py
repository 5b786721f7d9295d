"""A workspace with some of everything that globs meet, and changes to it that are as hard to see as possible."""

from __future__ import annotations

import os
import shutil

import pytest

import stackbuild

BUILD = """
[workspace]
[files.src]
srcs = ["src/**", "!**/*.md"]
to = "/app"
[files.other]
srcs = ["other/one"]
[image.img]
layers = [":other", "//lib:lib", ":src"]
"""
LIB = '[files.lib]\nsrcs = ["*.py"]\nto = "/lib"\n'


@pytest.fixture
def full(tree):
    """A workspace with some of everything that globs meet."""
    tree.write("BUILD.toml", BUILD)
    tree.write("lib/BUILD.toml", LIB)
    tree.write("other/one", "one")
    tree.write("other/two", "two")
    for number in range(12):
        tree.write(f"src/d{number % 3}/é{number}", f"content {number}" * 3)
    tree.write("src/read.md", "not taken")
    for name in ("a.py", "b.py", "notes"):
        tree.write(f"lib/{name}", name)
    (tree.root / "src/link").symlink_to("d1/é1")
    (tree.root / "src/dangling").symlink_to("d1/later/on")
    return tree


def digest_of(root, store):
    with stackbuild.Workspace.open(root, store) as workspace:
        [built] = workspace.build("//:img", request=stackbuild.api.Request(output="none"))
        return built.as_json(workspace.root)["digest"]


def rewritten(path, data=None):
    """The same size and time as before."""
    old = path.stat()
    path.write_bytes(data or path.read_bytes().swapcase())
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))


def swapped(one, other):
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def linked(path):
    """A folder, moved away, and a link to it in its place."""
    away = path.with_name(f"{path.name}-away")
    path.rename(away)
    path.symlink_to(away.name)


EDITS = {
    "a file's content": lambda root: rewritten(root / "src/d1/é1"),
    "a file that a literal names": lambda root: rewritten(root / "other/one", b"ONE"),
    "an executable bit": lambda root: (root / "src/d1/é1").chmod(0o755),
    "a new file": lambda root: (root / "src/d1/new").write_text("new"),
    "a file away": lambda root: (root / "src/d1/é1").unlink(),
    "a file's name": lambda root: (root / "src/d1/é1").rename(root / "src/d1/ö"),
    "folders in each other's place": lambda root: swapped(root / "src/d1", root / "src/d2"),
    "a link's target": lambda root: ((root / "src/link").unlink(), (root / "src/link").symlink_to("d2/é2")),
    "a file where a link was": lambda root: ((root / "src/link").unlink(), (root / "src/link").write_text("file")),
    "a link where a file was": lambda root: ((root / "src/d1/é1").unlink(), (root / "src/d1/é1").symlink_to("é4")),
    "a new folder": lambda root: (root / "src/d9").mkdir(),
    "a field": lambda root: rewritten(root / "lib/BUILD.toml", LIB.replace("/lib", "/bil").encode()),
    "the workspace's settings": lambda root: (root / "BUILD.toml").write_text(BUILD + "[defaults.files]\nmode='0600'\n"),
    "defaults in a folder": lambda root: (root / "lib/BUILD.toml").write_text(LIB + "[defaults.files]\nmode='0600'\n"),
    "a lock": lambda root: (root / "stackbuild.lock").write_text("version = 1\n"),
    "a link where a folder was": lambda root: linked(root / "lib"),
    "a link where a folder of files was": lambda root: linked(root / "src/d1"),
    "the way of a dangling link": lambda root: (root / "src/d1/later").symlink_to("/etc"),
    "a workspace in the midst": lambda root: (root / "lib/BUILD.toml").write_text("[workspace]\n" + LIB),
    "a file where a folder was": lambda root: (shutil.rmtree(root / "src/d1"), (root / "src/d1").write_text("file")),
    "a pipe where a file was": lambda root: ((root / "lib/a.py").unlink(), os.mkfifo(root / "lib/a.py")),
    "an output's index": lambda root: (root / "dist/img/index.json").write_text("{}"),
    "an output's mark": lambda root: (root / "dist/img/oci-layout").unlink(),
    "a strange blob in an output": lambda root: (root / "dist/img/blobs/sha256/strange").write_text(""),
    "an output's blob": lambda root: next((root / "dist/img/blobs/sha256").iterdir()).unlink(),
    "an output": lambda root: shutil.rmtree(root / "dist"),
}


def edit(root, rng):
    """One change, chosen to be as hard to see as possible."""
    files = sorted(path for path in (root / "src").rglob("*") if path.is_file() and not path.is_symlink())
    path, kind = rng.choice(files), rng.randrange(15)
    if kind <= 2:
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        rewritten(path, bytes(data))
    elif kind == 3:
        path.chmod(path.stat().st_mode ^ 0o100)
    elif kind == 4:
        path.rename(path.with_name(f"n{rng.randrange(1000)}"))
    elif kind == 5:
        (root / "src/link").unlink()
        (root / "src/link").symlink_to(f"d{rng.randrange(3)}/x{rng.randrange(5)}")
    elif kind == 6:
        swapped(*rng.sample([root / f"src/d{number}" for number in range(3)], 2))
    elif kind == 7:
        (path.parent / f"new{rng.randrange(1000)}").write_bytes(rng.randbytes(9))
    elif kind == 8 and len(files) > 6:
        path.unlink()
    elif kind == 9:
        rewritten(root / "lib/BUILD.toml", LIB.replace("/lib", f"/l{rng.randrange(10, 99)}").encode())
    elif kind == 10:
        shutil.rmtree(root / "dist")
    elif kind == 11:
        rng.choice(sorted((root / "dist/img/blobs/sha256").iterdir())).unlink()
    elif kind == 12:
        rng.choice(sorted((root.parent / "store/blobs/sha256").iterdir())).unlink()
    elif kind == 13:
        rewritten(root / "dist/img/index.json")
    else:
        linked(root / "lib")
        (root / "lib").unlink()
        (root / "lib-away").rename(root / "lib")
