"""Which folders are looked at while the program loads; and that no guess costs anybody a build."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stackbuild import native
from stackbuild.again import ahead, ask


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    (tmp_path / "ws/app/sub").mkdir(parents=True)
    (tmp_path / "ws/BUILD.toml").write_text("[workspace]\n[files.f]\nsrcs = ['a']\n[image.img]\nlayers = [':f']\n")
    (tmp_path / "ws/a").write_text("a")
    monkeypatch.chdir(tmp_path / "ws/app")
    monkeypatch.setattr(ask, "stale", None)
    return tmp_path / "ws"


@pytest.fixture
def asked(monkeypatch):
    seen = []
    monkeypatch.setattr(native, "look_ahead", lambda folders, *, deep: seen.append((folders, deep)))
    return seen


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["//:img"], [""]), (["//..."], [""]), (["//app/sub:img"], ["/app/sub"]), (["//app/sub/..."], ["/app/sub"]),
        ([":img"], ["/app"]), (["sub:img", "--tag", "x"], ["/app/sub"]), (["..."], ["/app"]), (["sub/..."], ["/app/sub"]),
        (["//../..:x", "../x:y", "/etc:x", "-//app:x", "--output", "/", "x"], []), (["//:img", "--", "sub:x"], [""]), ([], []),
    ],
)  # fmt: skip
def test_what_is_named_is_looked_at(workspace, asked, words, expected):
    ahead.look_ahead(["image", *words])
    assert asked == [([f"{workspace}{folder}" for folder in expected], True)]


def test_only_who_builds_looks_ahead(workspace, asked):
    for arguments in ([], ["list", "//..."], ["store", "gc"], ["--help"]):
        ahead.look_ahead(arguments)
    assert asked == []


def test_what_the_last_answer_rests_on_is_looked_at(asked, monkeypatch):
    records = b"S/w/BUILD.toml\0" + b"0" * 32 + b"\0F/w/app\0.git\0" + b"1" * 32 + b"\0L/w\0\0" + b"2" * 32 + b"\0F/w/\xff\0\0" + b"3" * 32 + b"\0"
    monkeypatch.setattr(ask, "stale", (records, 0))
    ahead.look_ahead(["image", "//:img"])
    assert asked == [(["/w/app", "/w/\udcff"], False)]


def run(folder, *words):
    env = {**os.environ, "STACKBUILD_STORE": f"{folder}/store", "CI": ""}
    return subprocess.run([sys.executable, "-m", "stackbuild", "image", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), os.mkdir, lambda path: path.symlink_to(path)])
def test_a_build_file_that_is_none_holds_nobody_up(workspace, make):
    make(workspace / "app/BUILD.toml")
    done = run(workspace / "app", "//:img")
    assert "Traceback" not in done.stderr and done.returncode in (0, 2), done.stderr


def test_a_folder_that_is_gone_is_told(workspace):
    (workspace / "gone").mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); sys.argv = ['stackbuild', 'image', ':x']; from stackbuild.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", code], cwd=workspace / "gone", capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr.startswith("stackbuild: ")
