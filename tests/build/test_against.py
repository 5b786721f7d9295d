"""`why --against`: a git revision, and the record of another machine."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from stackbuild.keys import digest
from stackbuild.layer.codec import Codec

from .test_why import APP, BUILD, causes, commit, git, shop, why  # noqa: F401


def test_a_revision_is_compared_without_anything_built(shop, need):  # noqa: F811
    need("git")
    commit(shop)
    shop.write("app/src/main.sh", "2")
    (shop.root / "app/src/link").symlink_to("main.sh")
    commit(shop)
    shop.write("app/src/data", "e")
    (shop.root / "app/src/link").unlink()
    (shop.root / "app/src/link").symlink_to("data")
    assert set(causes(shop, "//app:img", "--against", "HEAD")) == {
        "file app/src/data changed", "file app/src/link changed: link main.sh -> link data",
    }  # fmt: skip
    assert set(causes(shop, "//app:img", "--against", "HEAD~1")) == {
        "file app/src/data changed", "file app/src/link added", "file app/src/main.sh changed",
    }  # fmt: skip
    assert not list((shop.root.parent / "store/blobs/sha256").iterdir())
    assert not list((shop.root.parent / "store/tmp").iterdir())


@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_the_same_as_a_revision_is_said_whatever_the_umask(shop, need, umask):  # noqa: F811
    need("git")
    shop.write("app/src/run", "x", 0o755)
    (shop.root / "app/src/link").symlink_to("main.sh")
    commit(shop)
    old = os.umask(umask)
    try:
        _, out, _ = shop.run("why", "//...", "--against", "HEAD")
    finally:
        os.umask(old)
    assert out.startswith("all 6 targets are the same as at HEAD (") and len(out.splitlines()) == 1


def test_the_store_remembers_no_file_of_the_checkout(shop, need):  # noqa: F811
    need("git")
    import sqlite3

    commit(shop)
    time.sleep(0.06)  # of what was written less than that ago nothing is remembered
    why(shop, "//...", "--against", "HEAD")
    with sqlite3.connect(shop.root.parent / "store/index.sqlite") as index:
        paths = [os.fsdecode(path) for (path,) in index.execute("SELECT folder FROM fingerprint")]
    assert paths and all(path.startswith(f"{shop.root}/") for path in paths)


def test_what_git_ignores_is_no_difference(shop, need):  # noqa: F811
    need("git")
    commit(shop)
    shop.write(".gitignore", "dist/\n*.tmp\nmade/\n")
    shop.write("app/src/x.tmp", "x")
    shop.write("app/src/made/deep/y", "y")
    shop.write("app/src/z", "z")
    assert list(causes(shop, "//app:img", "--against", "HEAD")) == ["file app/src/z added"]


def test_a_file_that_git_ignores_is_lent_to_the_revision_but_through_no_link(shop, need, tmp_path):  # noqa: F811
    need("git")
    (shop.root / "app/src/data").unlink()
    (shop.root / "app/src/main.sh").unlink()
    (shop.root / "app/src").rmdir()
    (shop.root / "app/src").symlink_to(tmp_path)
    shop.write(".gitignore", "dist/\n*.bin\n")
    git(shop, "init", "-q")
    commit(shop)
    (shop.root / "app/src").unlink()
    shop.write("app/src/made.bin", "x")
    status, out, _ = shop.run("why", "//app:img", "--against", "HEAD")
    assert status == 0 and "not compared whole: //app:src" in out and not (tmp_path / "made.bin").exists()
    commit(shop)
    assert causes(shop, "//app:img", "--against", "HEAD") == {}


def test_a_target_that_was_not_there_and_a_tree_that_cannot_be_read(shop, need):  # noqa: F811
    need("git")
    commit(shop)
    shop.write("new/BUILD.toml", '[files.f]\nsrcs = ["f"]\n')
    shop.write("new/f", "f")
    assert list(causes(shop, "//new:f", "--against", "HEAD")) == ["not there at HEAD"]
    shop.write("new/BUILD.toml", '[files.f]\nsrcs = ["f"\n')
    commit(shop)
    shop.write("new/BUILD.toml", '[files.f]\nsrcs = ["f"]\n')
    status, _, err = shop.run("why", "//new:f", "--against", "HEAD")
    assert status == 2 and err.startswith("as it was at HEAD: new/BUILD.toml:3:1: not TOML") and err.count("\n") == 1


def test_a_glob_that_meant_nothing_then_hides_no_other_cause(shop, need):  # noqa: F811
    need("git")
    (shop.root / "app/src/main.sh").unlink()
    (shop.root / "app/src/data").unlink()
    commit(shop)
    shop.write("app/src/main.sh", "x")
    shop.write("common/c", "2")
    status, out, _ = shop.run("why", "//app:img", "--against", "HEAD")
    assert status == 0 and "file common/c changed\n" in out
    assert "not compared whole: //app:src (gzip) at HEAD: app/BUILD.toml:3:9: the glob 'src/**' matches no file" in out


def test_a_workspace_below_the_root_of_its_checkout(shop, need):  # noqa: F811
    need("git")
    shop.root.rename(shop.root.parent / "inner")
    shop.root.mkdir()
    (shop.root.parent / "inner").rename(shop.root / "inner")
    commit(shop)
    shop.root = shop.root / "inner"
    shop.write("app/src/main.sh", "2")
    assert list(causes(shop, "//app:img", "--against", "HEAD")) == ["file app/src/main.sh changed"]


@pytest.mark.parametrize("revision", ["nope", "", "--output=x", "HEAD~99", "HEAD\n"])
def test_no_revision_is_one_line(shop, need, revision):  # noqa: F811
    need("git")
    commit(shop)
    status, out, err = shop.run("why", "//app:img", f"--against={revision}")
    assert status == 2 and not out and err.count("\n") == 1


def test_without_git_there_is_no_revision(shop):  # noqa: F811
    status, _, err = shop.run("why", "//app:img", "--against", "HEAD")
    assert status == 2 and err.count("\n") == 1


# Records


@pytest.fixture
def record(shop, tmp_path):  # noqa: F811
    path = tmp_path / "RECORD.json"
    status, out, err = shop.run("why", "//...", "--export", str(path))
    assert status == 0 and out == f"wrote {path}  6 targets\n", err
    return path


def test_another_clone_on_another_machine_has_the_same_keys(shop, record, tmp_path):  # noqa: F811
    clone = tmp_path / "somewhere else" / "clone"
    old = os.umask(0o077)
    try:
        shutil.copytree(shop.root, clone, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("dist"))
    finally:
        os.umask(old)
    env = {
        **os.environ, "STACKBUILD_STORE": str(tmp_path / "other"), "TZ": "Asia/Kathmandu", "LC_ALL": "C", "HOME": str(clone),
    }  # fmt: skip

    def run(*words):
        command = [sys.executable, "-m", "stackbuild", *words]
        return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=True, umask=0o077).stdout

    before = run("why", "//...", "--against", str(record))
    assert before.startswith("all 6 targets are the same as in RECORD.json\n") and "not known until" in before
    run("image", "//...", "--progress", "none")
    found = run("why", "//...", "--against", str(record))
    assert "9 of 9 keys are the same, so the digests must be, and are\n" in found
    assert found.endswith("the machines differ in umask (0022 -> 0077)\n")
    document = json.loads(run("why", "//...", "--against", str(record), "--json"))
    assert document["causes"] == [] and all(item["same"] for item in document["keys"])


def test_a_record_holds_no_path_and_no_name_of_this_machine(shop, record):  # noqa: F811
    text = record.read_text()
    assert str(shop.root) not in text and "/tmp" not in text and str(record.parent) not in text
    assert getpass.getuser() not in text.replace("rootfs", "")


def test_credentials_in_urls_stay_at_home(shop, tmp_path):  # noqa: F811
    shop.write("app/BUILD.toml", APP.replace("80", "https://me:hunter2@example.com/x"))
    path = tmp_path / "r.json"
    assert shop.run("why", "//app:img", "--export", str(path))[0] == 0
    assert "hunter2" not in path.read_text() and "https://…@example.com/x" in json.loads(path.read_text())["targets"]["//app:img (linux/amd64)"]["recipe"]["fields"]["env"]["PORT"]
    assert causes(shop, "//app:img", "--against", str(path)) == {}


def test_another_compressor_is_one_cause(shop, record, monkeypatch):  # noqa: F811
    monkeypatch.setattr(Codec, "version", property(lambda self: f"{self.name}-99"))
    found = why(shop, "//app:img", "--against", str(record))
    assert [cause["kind"] for cause in found["causes"]] == ["compressor"]
    assert "gzip" in found["machine"]


OTHER = "sha256:" + "f" * 64
ABOVE_SRC = ("//app:src (gzip)", "//app:img (linux/amd64)", "//app:img")


def doctored(path, change, others):
    """A record of a machine where other results came out; its keys are made right again."""
    document = json.loads(path.read_text())
    targets = document["targets"]
    change(targets, document)
    for name in others:
        targets[name]["result"] = {"digest": OTHER, **targets[name]["result"]}
    for target in targets.values():
        results = {need: targets[need]["result"] for need in target["recipe"]["needs"] if need in targets}
        target["key"] = digest({**target["recipe"], "results": results}, "sha256")
    path.write_text(json.dumps(document))


def test_the_same_key_with_another_result_is_a_fault_told_at_its_root(shop, record):  # noqa: F811
    doctored(record, lambda targets, document: None, ABOVE_SRC)
    _, out, _ = shop.run("why", "//app:img", "--against", str(record))
    assert out.splitlines()[0] == "//app:img is different from RECORD.json:"
    assert out.splitlines()[1].startswith("the same recipe gave another result: sha256:ffffffffffff… -> sha256:")
    assert out.splitlines()[2] == "    //app:img -> //app:src (gzip)"
    assert "the same key has one result: report this" in out


def test_a_doctored_file_field_and_version_are_found(shop, record):  # noqa: F811
    def change(targets, document):
        targets["//app:src (gzip)"]["recipe"]["inputs"]["from"]["files"]["src/main.sh"] = "0755 xxh3_128:00"
        targets["//app:img (linux/amd64)"]["recipe"]["fields"]["user"] = "you"
        targets["//:common (gzip)"]["recipe"]["version"] = 1
        document["machine"]["python"] = "CPython 2.7"

    below = ("//:common (gzip)", "//:base (linux/amd64)")
    doctored(record, change, [*below, *ABOVE_SRC])
    found = why(shop, "//app:img", "--against", str(record))
    assert {cause["text"] for cause in found["causes"]} == {
        "file app/src/main.sh changed, and its mode: 0755 -> 0644", 'field user: "you" -> none',
        "the rule that builds it changed: version 1 -> 2",
    }  # fmt: skip
    assert found["machine"]["python"]["there"] == "CPython 2.7"


def _cut(text):
    return text[: len(text) // 2]


def _with(**more):
    return lambda text: json.dumps({**json.loads(text), **more})


def _target(**more):
    def change(text):
        document = json.loads(text)
        document["targets"]["//app:src (gzip)"] |= more
        return json.dumps(document)

    return change


HOSTILE = {
    "empty": lambda text: "",
    "cut": _cut,
    "no JSON": lambda text: "\0\x1b[31m",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 100_000,
    "deep inside": lambda text: text.replace('"inputs": {', '"inputs": ' + '{"a":' * 150 + "{}" + "}" * 150 + ', "x": {', 1),
    "another version": _with(record=2),
    "no targets": _with(targets={}),
    "more": _with(more=1),
    "machine": _with(machine={"umask": "x" * 10_000}),
    "fingerprint": lambda text: text.replace('"fingerprint": "xxh3_128"', '"fingerprint": "sha256"'),
    "edited": lambda text: text.replace("0644 xxh3", "0755 xxh3"),
    "recipe": _target(recipe=None),
    "key": _target(key="sha256:0"),
    "no need": lambda text: text.replace('"//app:src (gzip)": {', '"//app:gone (gzip)": {', 1),
    "a float": lambda text: text.replace('"version": 2', '"version": 2.5', 1),
    "a long number": lambda text: text.replace('"version": 2', '"version": ' + "9" * 5000, 1),
    "half a character": lambda text: text.replace("0644 xxh3", "\\ud800 xxh3", 1),
    "twice": lambda text: text.replace('"fields": {', '"fields": 3, "fields": {"\\n\\u001b": 1, ', 1),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_record_is_one_line(shop, record, kind):  # noqa: F811
    before = record.read_text()
    record.write_text(HOSTILE[kind](before))
    assert record.read_text() != before
    status, out, err = shop.run("why", "//app:img", "--against", str(record))
    assert status == 2 and out == "" and err.count("\n") == 1 and len(err) < 700 and "\x1b" not in err, err


def test_a_record_too_large_is_not_read(shop, record):  # noqa: F811
    with open(record, "r+b") as file:
        file.truncate(1 << 30)
    assert shop.run("why", "//app:img", "--against", str(record))[2] == "RECORD.json is larger than any record (32 MiB)\n"


def test_a_record_of_others_says_what_it_is_of(shop, tmp_path):  # noqa: F811
    path = tmp_path / "r.json"
    shop.run("why", "//app:img", "--export", str(path))
    status, _, err = shop.run("why", "//app:again", "--against", str(path))
    assert status == 2 and err == "r.json says nothing of //app:again (gzip); it is of //app:img\n"


@pytest.mark.parametrize("name", ["record.txt", "app/src.json"])
def test_a_record_that_cannot_be_written_is_one_line(shop, name):  # noqa: F811
    (shop.root / "app/src.json").mkdir()
    status, out, err = shop.run("why", "//app:img", "--export", name)
    assert status == 2 and out == "" and err.count("\n") == 1


def test_one_thing_at_a_time(shop):  # noqa: F811
    status, _, err = shop.run("why", "//app:img", "--export", "a.json", "--against", "HEAD")
    assert status == 2 and err.count("\n") == 1
