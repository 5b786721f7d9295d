"""A build that would do nothing is answered at once, and never when it would do something."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from edits import EDITS, digest_of, edit, rewritten

from stackbuild import native, witness
from stackbuild.again import answer, ask
from stackbuild.deliver import keeping


def answers(tree):
    return sorted((tree.root.parent / "store/answers").iterdir())


def without_seconds(text):
    return [part for part in text.split() if not part.replace(".", "").isdigit()]


def test_the_second_time_it_says_what_a_build_would_and_builds_nothing(full):
    assert full.again("//:img")[:2] == (False, 0)
    answered, status, out, err = full.again("//:img")
    assert (answered, status, err) == (True, 0, "")
    _, ordinary, _ = full.run("image", "--progress", "none", "//:img")
    assert without_seconds(out) == without_seconds(ordinary)
    assert "3 layers: 3 reused" in out


def test_a_build_file_that_is_a_link_to_nowhere_may_get_somewhere(full):
    (full.root / "b").mkdir()
    (full.root / "b/BUILD.toml").symlink_to("../../outside.toml")
    full.write("b/q", "q")
    full.again("//...")
    full.again("//...")
    (full.root.parent / "outside.toml").write_text('[files.x]\nsrcs = ["q"]\nto = "/"\n')
    assert "//b:x" in full.again("//...")[2]


def test_an_output_that_is_edited_as_soon_as_it_is_there_is_written_again(full, monkeypatch):
    sound = full.root / "dist/img/index.json"
    full.again("//:img")
    data = sound.read_bytes()
    full.write("other/one", "another one")
    delivered = keeping.Keeping.delivered

    def edit(self, built):
        sound.write_bytes(data)
        delivered(self, built)

    monkeypatch.setattr(keeping.Keeping, "delivered", edit)
    full.again("//:img")
    monkeypatch.undo()
    assert not full.again("//:img")[0]
    assert sound.read_bytes() != data


def test_answers_that_cannot_be_read_fail_no_build(full):
    full.again("//:img")
    (full.root.parent / "store/answers/zz").symlink_to("nowhere")
    full.write("other/one", "another one")
    assert full.again("//:img")[:2] == (False, 0)


def test_a_name_that_is_too_long_is_no_other_error(full):
    assert full.run("image", f"//{'x' * 300}:y")[0] == full.run("image", f"//{'x' * 300}:y", "--explain")[0] == 2


def test_no_credential_is_kept(full, monkeypatch):
    for name in ("STACKBUILD_REGISTRY_PASSWORD", "DOCKER_AUTH_CONFIG", "REGISTRY_PASSWORD", "GIT_TOKEN"):
        monkeypatch.setenv(name, "canary-9f2c")
    full.again("//:img")
    assert full.again("//:img")[0]
    for path in (full.root.parent / "store").rglob("*"):
        assert not path.is_file() or b"canary-9f2c" not in path.read_bytes()


def test_json_is_the_same_object(full):
    full.again("--json", "//...")
    answered, _, out, _ = full.again("--json", "//...")
    found, ordinary = json.loads(out), json.loads(full.run("image", "--json", "--progress", "none", "//...")[1])
    assert answered
    for image in [*found["images"], *ordinary["images"]]:
        assert isinstance(image.pop("seconds"), float)
    assert found == ordinary


def test_it_starts_without_what_only_builds_need(full):
    full.again("//:img")
    command = [sys.executable, "-X", "importtime", "-m", "stackbuild", "image", "//:img"]
    environment = {**os.environ, "PYTHONPATH": ""}
    first, second = (subprocess.run(command, cwd=full.root, env=environment, capture_output=True, text=True) for _ in "ab")
    assert "pydantic" in first.stderr and without_seconds(second.stdout) == without_seconds(first.stdout.replace("built", "reused"))
    for heavy in ("pydantic", "networkx", "rich", "sqlite3", "argparse", "json", "pathlib", "hashlib"):
        assert f" {heavy}\n" not in second.stderr


@pytest.mark.parametrize("what", EDITS)
def test_whatever_changes_is_noticed(full, tmp_path, what):
    full.again("//:img")
    assert full.again("//:img")[0]
    EDITS[what](full.root)
    answered, status, out, err = full.again("//:img")
    assert not answered
    if status:
        assert (status, out, err) == full.run("image", "--progress", "none", "//:img")
    else:
        assert digest_of(full.root, tmp_path / "cold") in out


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "other/two").write_text("changed"),
        lambda root: (root / "src/read.md").write_text("changed"),
        lambda root: (root / "lib/notes").write_text("changed"),
        lambda root: (root / ".git").mkdir(),
    ],
)
def test_what_no_target_reads_may_change(full, edit):
    full.again("//:img")
    edit(full.root)
    assert full.again("//:img")[0]



@pytest.mark.parametrize("edit", [lambda path: path.unlink(), lambda path: (path.chmod(0o644), path.write_bytes(b"x"))])
def test_a_blob_that_is_gone_or_damaged_is_made_again(full, tmp_path, edit):
    digest = json.loads(full.again("--json", "//:img")[2])["images"][0]["digest"]
    for path in (tmp_path / "store/blobs/sha256").iterdir():
        edit(path)
    answered, status, out, _ = full.again("--json", "//:img")
    assert (answered, status) == (False, 0) and digest in out


@pytest.mark.parametrize("name", ["STACKBUILD_JOBS", "SOURCE_DATE_EPOCH", "CI", "HOME"])
def test_another_environment_is_another_request(full, monkeypatch, name):
    full.again("//:img")
    monkeypatch.setenv(name, {"HOME": str(full.root)}.get(name, "1"))
    assert not full.again("//:img")[0]
    monkeypatch.delenv(name)


def test_an_absent_file_above_that_appears_is_noticed(full):
    """The workspace is looked for in the folder where one stands first."""
    inner = full.write("src/d1/inner/x").parent
    here = Path.cwd()
    full.again("//:img")
    root, full.root = full.root, inner
    try:
        full.again("//:img")
        assert full.again("//:img")[0]
        (inner.parent / "BUILD.toml").write_text("[workspace]\n")
        assert full.again("//:img")[:2] == (False, 2)
    finally:
        full.root = root
        os.chdir(here)


@pytest.mark.parametrize(
    "flags", [["--explain"], ["--trace=t.json"], ["--report=r.html"], ["--events=e.jsonl"], ["--format=oci-archive"]]
)
def test_what_does_more_than_print_is_done(full, flags):
    for _ in range(3):
        assert full.again(*flags, "//:img")[:2] == (False, 0)


def test_an_edit_while_it_builds_is_not_swallowed(full, monkeypatch, tmp_path):
    """The answer tells of what the build saw, not of what was there when it was saved."""
    from stackbuild.deliver import keeping

    see = keeping._see_program

    def edited(*arguments):
        rewritten(full.root / "src/d1/é1")
        see(*arguments)

    monkeypatch.setattr(keeping, "_see_program", edited)
    full.again("//:img")
    monkeypatch.undo()
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "store"))
    answered, _, out, _ = full.again("//:img")
    assert not answered and digest_of(full.root, tmp_path / "cold") in out


def test_a_file_written_in_the_same_tick_is_not_believed(full):
    here = Path.cwd()
    os.chdir(full.root)
    try:
        rewritten(full.root / "src/d1/é1")
        assert ask.answered(["image", "--progress", "none", "//:img"]) is None
        full.run("image", "--progress", "none", "//:img")
    finally:
        ask.asked = None
        os.chdir(here)
    assert answers(full) == []


def test_a_damaged_answer_is_none(full, monkeypatch):
    full.again("//:img")
    [path] = answers(full)
    data, store = path.read_bytes(), str(path.parent.parent)
    monkeypatch.chdir(full.root)
    request = ask.request(["image", "--progress", "none", "//:img"])
    assert answer.load(store, request)
    for number in range(0, len(data), 41):
        path.write_bytes(data[:number] + bytes([data[number] ^ 1]) + data[number + 1 :])
        assert answer.load(store, request) is None
    rng = random.Random(1)
    for damaged in (b"", data[:50], data[: len(data) // 2], data + b"x", rng.randbytes(500)):
        path.write_bytes(damaged)
        assert full.again("//:img")[:2] == (False, 0)


def test_an_answer_from_before_the_machine_was_started_is_none(full, monkeypatch):
    full.again("//:img")
    assert full.again("//:img")[0]
    monkeypatch.setattr(answer, "boot_id", lambda: "another")
    assert not full.again("//:img")[0]
    assert full.again("//:img")[0]


def test_an_answer_that_others_may_write_is_none(full):
    full.again("//:img")
    [path] = answers(full)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o620)
    assert not full.again("//:img")[0]


def test_after_half_an_hour_the_store_hears_again_that_records_are_in_use(full, monkeypatch):
    full.again("//:img")
    now = time.time()
    monkeypatch.setattr(answer.time, "time", lambda: now + answer.BELIEVED + 1)
    assert not full.again("//:img")[0]
    monkeypatch.setattr(answer.time, "time", lambda: now - 60)
    assert not full.again("//:img")[0]


def test_collecting_forgets_all_answers(full):
    full.again("//:img")
    assert full.run("store", "gc")[0] == 0
    assert answers(full) == []


def test_there_are_never_many(full):
    for number in range(answer._MOST + 3):
        (full.root.parent / "store").mkdir(exist_ok=True)
        full.again("--jobs", str(number + 1), "//:img")
    assert len(answers(full)) == answer._MOST


def test_what_another_build_made_the_last_is_told_by_a_build(full):
    """What `why` compares with is the last build of a target, whoever asked for it."""
    full.again("--output=none", "//:img")
    full.write("src/d1/more", "more")
    full.again("--output=none", "//:src")
    (full.root / "src/d1/more").unlink()
    assert not full.again("--output=none", "//:img")[0]


def test_the_last_build_is_the_one_that_was_asked_for(full):
    full.again("//:img")
    [path] = (full.root.parent / "store/builds").iterdir()
    full.run("image", "//:img")
    ordinary = json.loads(path.read_bytes())
    assert full.again("//:img")[0]
    found = json.loads(path.read_bytes())
    for document in (ordinary, found):
        assert document["build"].pop("started") > 1e9 and document["build"].pop("seconds") >= 0
    assert found == ordinary


def test_another_program_gives_its_own_answer(full, monkeypatch, tmp_path):
    """Whatever is installed beside it is another program, too."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    time.sleep(0.06)
    full.again("//:img")
    assert full.again("//:img")[0]
    (place / "plugin-1.dist-info").mkdir()
    assert not full.again("//:img")[0]


def test_a_type_that_does_not_say_that_it_is_witnessed_is_not(full, monkeypatch):
    from stackbuild.targets.files import FilesType

    monkeypatch.delattr(FilesType, "witnessed")
    for _ in range(2):
        assert not full.again("//:img")[0]
    assert answers(full) == []


def test_a_reader_that_leaves_is_no_fault(full):
    full.again("//:img")
    command = [sys.executable, "-m", "stackbuild", "image", "//:img"]
    for _ in "ab":
        child = subprocess.Popen(command, cwd=full.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.close()
        said = child.stderr.read().decode()
        child.wait()
    assert said == "" and child.returncode == 1


def test_every_built_in_type_is_witnessed(full):
    with tarfile.open(full.root / "held.tar", "w") as tar:
        tar.add(full.root / "other", "other")
    full.again("--output", "layout", "//:img")
    full.write(
        "types/BUILD.toml",
        """
[archive.tar]
src = "held.tar"
[base.layout]
path = "layout"
[base.file]
path = "layout.tar"
[files.again]
srcs = [":tar"]
[image.one]
base = ":layout"
layers = [":tar", ":again"]
[image.two]
base = ":file"
[index.both]
images = [":one"]
""",
    )
    shutil.move(full.root / "held.tar", full.root / "types/held.tar")
    shutil.move(full.root / "layout", full.root / "types/layout")
    assert full.run("image", "--format", "oci-archive", "--output", "types/layout.tar", "//:img")[0] == 0
    assert full.unwitnessed("//...") == set()
    assert full.unwitnessed("//types:one", "//lib") == set()


@pytest.mark.long
def test_three_hundred_edits_never_give_a_stale_answer(full, tmp_path):
    rng, answered = random.Random(20261125), 0
    full.again("//:img")
    for number in range(300):
        if rng.random() < 0.8:
            edit(full.root, rng)
        quick, status, out, err = full.again("//:img")
        cold = tmp_path / f"cold{number}"
        assert status == 0 and digest_of(full.root, cold) in out, f"stale after edit {number}: {err}"
        shutil.rmtree(cold)
        answered += quick
    assert answered > 40


def test_an_unreadable_store_is_for_the_ordinary_way(full, tmp_path):
    full.again("//:img")
    shutil.rmtree(tmp_path / "store/tmp")
    assert full.again("//:img")[:2] == (False, 0)
    shutil.rmtree(tmp_path / "store")
    Path(tmp_path / "store").write_text("a file")
    answered, status, _, err = full.again("//:img")
    assert (answered, status) == (False, 1) and "cannot be used" in err


def test_a_program_of_symlinks_is_what_they_lead_to(tmp_path, monkeypatch):
    """As some installers make them: an upgrade changes what is there, and nothing in the folder of links."""
    monkeypatch.setattr(ask, "began", time.time_ns() + 10**10)
    farm, real = tmp_path / "farm", tmp_path / "real"
    for folder in (farm, real):
        folder.mkdir()
    (real / "one.py").write_text("1")
    (real / "two.py").symlink_to("one.py")
    (farm / "one.py").symlink_to(real / "two.py")

    def seen():
        noted = witness.Witness()
        assert keeping._see_code(noted, str(farm), files=True) == []
        return "" if noted.refused else noted.records()

    before = seen()
    assert native.unchanged(before) == -1
    rewritten(real / "one.py")
    assert native.unchanged(before) != -1
    before = seen()
    (real / "two.py").unlink()
    (real / "two.py").write_text("3")
    assert native.unchanged(before) != -1
    (real / "two.py").unlink()
    before = seen()
    assert native.unchanged(before) == -1
    (real / "two.py").symlink_to("two.py")
    assert native.unchanged(before) != -1
    assert seen() == ""
    (real / "two.py").unlink()
    (real / "two.py").mkdir()
    assert seen() == ""


def test_a_plugin_of_one_file_may_be_a_symlink(tmp_path, monkeypatch):
    monkeypatch.setattr(ask, "began", time.time_ns() + 10**10)
    (tmp_path / "real.py").write_text("1")
    (tmp_path / "plugin.py").symlink_to("real.py")
    monkeypatch.setitem(sys.modules, "plugin", SimpleNamespace(__file__=str(tmp_path / "plugin.py")))
    plugin = type("Plugin", (), {"__module__": "plugin"})()
    noted = witness.Witness()
    keeping._see_program(noted, [plugin])
    before = noted.records()
    assert native.unchanged(before) == -1
    rewritten(tmp_path / "real.py")
    assert native.unchanged(before) != -1
