"""What is noted of looks at the tree holds for as long as the tree looks so, and no longer."""

from __future__ import annotations

import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stackbuild import native, witness
from stackbuild.native.signatures import listing
from stackbuild.native.stats import row


@pytest.fixture
def old(tmp_path):
    """A folder, with a file in it, written clearly before now."""
    path = tmp_path.resolve() / "old"
    path.mkdir()
    (path / "file").write_text("text")
    time.sleep(0.06)
    return path


def holds(seen):
    return not seen.refused and native.unchanged(seen.records()) == -1


def test_nobody_records_nothing_is_noted(old):
    assert witness.present() is None
    assert witness.read(old / "file") == b"text" and witness.is_file(old / "file") and not witness.is_file(old)


LOOKS = {
    "read": lambda old: witness.read(old / "file"),
    "is_file": lambda old: witness.is_file(old / "file"),
    "exists": lambda old: witness.exists(old / "file"),
    "lstat": lambda old: witness.lstat(old / "file"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_file_that_was_looked_at(old, look):
    with witness.recording() as seen:
        LOOKS[look](old)
    assert holds(seen)
    before = (old / "file").stat()
    (old / "file").write_text("TEXT")
    os.utime(old / "file", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not holds(seen)


@pytest.mark.parametrize("look", ["is_file", "exists"])
def test_a_file_that_was_not_there(old, look):
    (old / "file").unlink()
    with witness.recording() as seen:
        assert not LOOKS[look](old)
    assert holds(seen)
    (old / "file").touch()
    assert not holds(seen)


def test_a_folder_that_becomes_a_link_to_itself(old):
    with witness.recording() as seen:
        assert witness.is_folder(old)
    old.rename(old.with_name("away"))
    old.symlink_to("away")
    assert witness.is_folder(old)
    with pytest.raises(NotADirectoryError):
        seen.records()


def test_symlinks_to_files_that_fields_name_are_refused(old):
    (old / "link").symlink_to("file")
    for look in (witness.is_file, witness.read, witness.resolve, witness.is_symlink):
        with witness.recording() as seen:
            look(old / "link")
        assert seen.refused


def test_what_has_only_just_been_written_is_refused(old):
    with witness.recording() as seen:
        (old / "file").write_text("more")
        witness.read(old / "file")
    assert seen.refused


def test_two_looks_that_differ_never_hold(old):
    with witness.recording() as seen:
        witness.is_file(old / "file")
        (old / "file").unlink()
        witness.is_file(old / "file")
    assert not holds(seen)
    (old / "file").write_text("text")
    assert not holds(seen)


def listed(seen, folder, taken, ignored=witness.UNSEEN):
    with os.scandir(folder) as entries:
        found = listing(entries)
    rows = b"".join(row(os.lstat(folder / name)) for name in taken)
    seen.listed(str(folder), found, taken, rows, ignored)


@pytest.mark.parametrize("taken", [1, 5, 6])
def test_of_a_folder_only_the_files_that_were_taken_may_not_change(old, taken):
    (old / "file").unlink()
    names = [f"f{number}" for number in range(6)]
    for name in names:
        (old / name).write_text(name)
    with witness.recording() as seen:
        listed(seen, old, names[:taken])
    for number, name in enumerate(names[::-1]):
        assert holds(seen) == (number <= 6 - taken)
        (old / name).write_text("other")


@pytest.mark.parametrize("change", ["mkdir", "touch", "symlink"])
def test_names_and_what_they_are_may_not_change(old, change):
    with witness.recording() as seen:
        listed(seen, old, [])
    new = old / "file"
    new.unlink()
    {"mkdir": new.mkdir, "touch": new.touch, "symlink": lambda: new.symlink_to("x")}[change]()
    assert holds(seen) == (change == "touch")


def test_a_folder_that_does_not_count_may_hold_anything_but_is_a_folder(old):
    (old / "dist").mkdir()
    with witness.recording() as seen:
        listed(seen, old, [], {"dist"})
    records = seen.records()
    (old / "dist/new").touch()
    assert native.unchanged(records) == -1
    shutil.rmtree(old / "dist")
    (old / "dist").write_text("a file, which globs would take")
    assert native.unchanged(records) != -1


def test_a_link_and_where_it_leads(old):
    (old / "link").symlink_to("file")
    (old / "nowhere").symlink_to("gone/away")
    with witness.recording() as seen:
        seen.link(str(old / "link"))
        seen.link(str(old / "nowhere"))
    assert holds(seen)
    (old / "gone").symlink_to("/etc")  # it leads out of the tree now, to what is not there
    assert not holds(seen)


def test_what_does_not_say_that_it_is_witnessed_is_not_trusted():
    class Honest:
        witnessed = True

    class Plugin(Honest):
        pass

    for looking, refused in ((Honest(), False), (Plugin(), True), (object(), True)):
        with witness.recording() as seen:
            witness.trust(looking)
        assert bool(seen.refused) == refused


def test_a_thread_notes_for_itself_and_who_records_hears_of_it(old):
    other = old / "other"
    with witness.recording() as all_seen:
        witness.is_file(other)
        with witness.noting() as seen:
            witness.read(old / "file")
            assert witness.present() is seen
        assert witness.present() is all_seen
    assert holds(seen) and holds(all_seen) and seen.alone
    other.touch()
    assert holds(seen) and not holds(all_seen)
    other.unlink()
    (old / "file").write_text("other")
    assert not holds(seen) and not holds(all_seen)


def test_what_it_refuses_all_refuse(old):
    with witness.recording() as all_seen, witness.noting() as seen:
        witness.refuse("why")
    assert seen.refused == all_seen.refused == "why"


def test_it_is_not_alone_where_others_look_who_do_not_say_for_whom(old):
    def look():
        witness.exists(old / "file")

    def noted():
        with witness.noting() as theirs:
            look()
        assert theirs.alone

    for there, is_alone in ((noted, True), (look, False), (lambda: witness.refuse("why"), False)):
        with witness.noting() as seen:
            helper = threading.Thread(target=there)
            helper.start()
            helper.join()
        assert seen.alone == is_alone
    look()
    assert not witness._noting


def test_what_was_seen_before_and_holds_still_counts_as_seen(old):
    with witness.recording() as before:
        witness.read(old / "file")
    with witness.recording() as seen:
        witness.present().told(before.records())
    assert holds(seen)
    (old / "file").write_text("TEXT")
    assert not holds(seen)


@pytest.mark.parametrize("comes", [lambda path: path.mkdir(), lambda path: None])
def test_what_a_listing_passes_over_may_come_and_go_as_a_folder(old, comes):
    with witness.recording() as seen, os.scandir(old) as entries:
        seen.listed(str(old), listing(entries), ignored=("dist",))
    path = old / "dist"
    comes(path)
    assert holds(seen)
    shutil.rmtree(path, ignore_errors=True)
    path.symlink_to(old)
    assert not holds(seen)
    path.unlink()
    path.touch()
    assert not holds(seen)


def test_threads_may_share_a_witness(monkeypatch):
    monkeypatch.setattr(witness, "_AT_ONCE", 3)
    seen = witness.Witness()

    def look(thread):
        for number in range(300):
            seen.listed(f"/{thread}/{number}", ("f", ["a"]), ["a"], bytes(48))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(8)))
    seen._sign()
    assert len(seen._records) == 8 * 300
