"""A node whose looks at the tree would see what they saw is not looked at again, and any other is."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from edits import BUILD, EDITS, digest_of, edit, rewritten

from stackbuild import witness
from stackbuild.build import looks
from stackbuild.build.run import Builder
from stackbuild.targets.files import FilesType
from stackbuild.targets.files.globs import Globs

SECOND = BUILD + '[image.second]\nlayers = [":src", "//lib:lib"]\n'


@pytest.fixture
def walked(monkeypatch):
    """Every folder that globs are looked for in."""
    found = []
    find = Globs.find

    def noted(globs, folder, *arguments):
        found.append(folder)
        return find(globs, folder, *arguments)

    monkeypatch.setattr(Globs, "find", noted)
    return found


def built(tree, *arguments):
    """(exit status, output, errors) of a build that no saved answer spares."""
    time.sleep(0.06)  # what was written less than that ago is not believed
    return tree.run("image", "--progress", "none", *(arguments or ["//:img"]))


def rows(tree, query="SELECT name FROM look", *values):
    with sqlite3.connect(tree.root.parent / "store/index.sqlite") as index:
        return index.execute(query, values).fetchall()


def test_a_second_image_of_the_same_layers_looks_at_no_file(full, walked, tmp_path):
    assert built(full)[0] == 0 and len(walked) == 3
    full.write("BUILD.toml", SECOND)
    walked.clear()
    assert built(full, "//:second")[0] == 0 and walked == []
    for path in ("other/one", "lib/a.py"):
        rewritten(full.root / path)
    status, out, _ = built(full)
    assert status == 0 and digest_of(full.root, tmp_path / "cold") in out
    assert walked[:2] in ([str(full.root), f"{full.root}/lib"], [f"{full.root}/lib", str(full.root)])


def test_the_folder_for_outputs_may_come_and_go(full, walked):
    built(full)
    assert (full.root / "dist").is_dir()
    shutil.rmtree(full.root / "dist")
    walked.clear()
    assert built(full)[0] == 0 and walked == []


def test_but_not_be_a_file(full, tmp_path):
    full.write("BUILD.toml", BUILD.replace('"src/**", "!**/*.md"', '"**", "!**/*.md", "!lib/**"'))
    built(full)
    shutil.rmtree(full.root / "dist")
    full.write("dist", "a file")
    status, out, _ = built(full, "//:img", "--output", "none")
    assert status == 0 and digest_of(full.root, tmp_path / "cold") in out


@pytest.mark.parametrize("what", EDITS)
def test_whatever_changes_is_noticed(full, tmp_path, what):
    built(full)
    assert len(rows(full)) == 3
    EDITS[what](full.root)
    status, out, err = built(full)
    if status:
        looked_again = full.run("image", "--progress", "none", "//:img")
        shutil.rmtree(tmp_path / "store")
        assert (status, out, err) == looked_again == built(full)
    else:
        assert digest_of(full.root, tmp_path / "cold") in out


@pytest.mark.long
def test_three_hundred_edits_never_give_a_stale_image(full, walked, tmp_path):
    rng, spared = random.Random(20261126), 0
    for number in range(300):
        if rng.random() < 0.8:
            edit(full.root, rng)
        walked.clear()
        status, out, err = built(full)
        spared += 3 - len(walked)
        cold = tmp_path / f"cold{number}"
        assert status == 0 and digest_of(full.root, cold) in out, f"stale after edit {number}: {err}"
        shutil.rmtree(cold)
    assert spared > 300


def test_an_edit_while_it_is_built_is_not_swallowed(full, monkeypatch, tmp_path):
    """The looks are those of which the key tells, not what is there when they are kept."""
    key_of = Builder._key

    def edited(builder, action, node, *rest):
        found = key_of(builder, action, node, *rest)
        if node.address.name == "src":
            rewritten(full.root / "src/d1/é1")
        return found

    monkeypatch.setattr(Builder, "_key", edited)
    built(full)
    monkeypatch.setattr(Builder, "_key", key_of)
    status, out, _ = built(full)
    assert status == 0 and digest_of(full.root, tmp_path / "cold") in out


def test_a_file_written_in_the_same_tick_is_not_believed(full):
    built(full)
    rewritten(full.root / "src/d1/é1")
    before = rows(full, "SELECT key FROM look WHERE name LIKE '%:src %'")
    full.run("image", "--progress", "none", "//:img")
    assert rows(full, "SELECT key FROM look WHERE name LIKE '%:src %'") == before


def test_what_another_thread_looks_at_is_nobodys(full, monkeypatch):
    key_of = Builder._key

    def helped(builder, action, node, *rest):
        helper = threading.Thread(target=lambda: witness.exists(full.root / "src"))
        helper.start()
        helper.join()
        return key_of(builder, action, node, *rest)

    monkeypatch.setattr(Builder, "_key", helped)
    built(full)
    assert rows(full) == []


def test_a_damaged_one_is_none(full, walked):
    built(full)
    keys = dict(rows(full, "SELECT name, key FROM look"))
    with sqlite3.connect(full.root.parent / "store/index.sqlite") as index:
        for name, other in zip(keys, [*keys.values()][::-1], strict=True):
            index.execute("UPDATE look SET key = ? WHERE name = ?", (other, name))
    walked.clear()
    before = full.image("//:img")["digest"]
    assert len(walked) == 2 and before == full.image("//:img")["digest"]


def test_another_program_looks_for_itself(full, monkeypatch, walked):
    built(full)
    monkeypatch.setattr(looks, "_program", lambda: "another")
    walked.clear()
    assert built(full)[0] == 0 and len(walked) == 3


def test_two_runs_of_one_builder_compare_looks_each(full, tmp_path):
    from stackbuild.api import Request, Workspace
    from stackbuild.build.plan import make_plan
    from stackbuild.deliver.progress import Quiet

    built(full)
    time.sleep(0.06)
    with Workspace.open(full.root) as workspace, workspace._builder(Request(), Quiet()) as builder:
        plan = make_plan(workspace.graph, workspace.types, workspace.select("//:src"))
        (before,) = builder.run(plan).values()
        rewritten(full.root / "src/d1/é1")
        time.sleep(0.06)
        (after,) = builder.run(plan).values()
        assert after.key != before.key


@pytest.mark.parametrize("as_links", [False, True])
def test_a_program_that_changed_is_another_one(tmp_path, monkeypatch, as_links):
    """Some installers make symlinks to files elsewhere; and a path need not be text."""
    real, farm = tmp_path / "real", Path(os.fsdecode(os.fsencode(tmp_path / "far") + b"\xff"))
    shutil.copytree(Path(looks.__file__).parents[1], real, ignore=shutil.ignore_patterns("__pycache__"))
    farm.symlink_to(real) if not as_links else shutil.copytree(real, farm, copy_function=lambda one, other: Path(other).symlink_to(one))
    monkeypatch.setattr(looks, "__file__", str(farm / "build/looks.py"))
    monkeypatch.setattr(looks, "_IMPORTED", time.time_ns() + 10**9)
    monkeypatch.setattr(looks.ask, "began", 0)
    names = []
    for change in (lambda: None, lambda: (real / "targets/files/globs.py").write_text("other"), lambda: (real / "new.py").touch()):
        change()
        looks._program.cache_clear()
        names.append(looks._program())
    looks._program.cache_clear()
    assert "" not in names and len(set(names)) == (2 if as_links else 3)


@pytest.mark.parametrize("value", ["1.5", "NULL", "5", "CAST(x'ff00' AS TEXT)"])
@pytest.mark.parametrize("column", ["records", "stamp", "key"])
def test_whatever_a_damaged_row_holds_it_is_none(full, tmp_path, column, value):
    built(full)
    before = full.image("//:img")["digest"]
    with sqlite3.connect(full.root.parent / "store/index.sqlite") as index:
        index.execute("CREATE TABLE other AS SELECT * FROM look")  # without constraints
        index.execute("DROP TABLE look")
        index.execute("ALTER TABLE other RENAME TO look")
        index.execute(f"UPDATE look SET {column} = {value}")
    assert full.image("//:img")["digest"] == before


def test_a_program_that_was_just_written_remembers_nothing(monkeypatch):
    looks._program.cache_clear()
    assert len(looks._program()) == 64
    looks._program.cache_clear()
    monkeypatch.setattr(looks, "_IMPORTED", 0)
    monkeypatch.setattr(looks.ask, "began", 0)
    assert looks._program() == ""
    looks._program.cache_clear()


@pytest.mark.parametrize("field", ["owner = '1:1'", "srcs = ['src/d1/*']", "mtime = 5"])
def test_other_fields_look_for_themselves(full, walked, tmp_path, field):
    built(full)
    text = BUILD.replace('srcs = ["src/**", "!**/*.md"]', field) if field.startswith("srcs") else BUILD.replace('to = "/app"', field)
    full.write("BUILD.toml", text)
    walked.clear()
    status, out, _ = built(full)
    assert status == 0 and walked == [str(full.root)] and digest_of(full.root, tmp_path / "cold") in out


def test_another_time_does_too(full, walked, monkeypatch):
    built(full)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    walked.clear()
    assert built(full)[0] == 0 and len(walked) == 3


def test_a_type_that_is_no_part_of_the_program_is_not_spared(full, monkeypatch, walked):
    monkeypatch.setattr(FilesType, "__module__", "elsewhere.files")
    for _ in "ab":
        walked.clear()
        assert built(full)[0] == 0 and len(walked) == 3


def test_nor_one_that_does_not_say_that_it_is_witnessed(full, monkeypatch, walked):
    monkeypatch.delattr(FilesType, "witnessed")
    for _ in "ab":
        walked.clear()
        assert built(full)[0] == 0 and len(walked) == 3


def test_collecting_forgets_those_without_a_record(full):
    built(full)
    assert len(rows(full)) == 3
    assert full.run("store", "gc", "--keep", "0d")[0] == 0
    assert rows(full) == []
