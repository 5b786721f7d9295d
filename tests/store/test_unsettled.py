"""Blobs that the disk was not waited for: a crash of the machine is noticed, and what it took is made anew."""

import hashlib
import os
import time

import pytest

from stackbuild.errors import StoreError
from stackbuild.store import Store, blobs, unsettled
from stackbuild.store.blobs import Blobs
from stackbuild.store.files import temporary

DATA = b"some bytes"
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


def put(path):
    """A store with a blob that was not waited for."""
    with Store(path) as store, temporary(store.temp) as (file, temp):
        file.write(DATA)
        store.blobs.adopt(file, temp, DIGEST, wait=False)


def marks(path):
    return sorted((path / "unsettled").iterdir())


def crash(monkeypatch):
    monkeypatch.setattr(unsettled, "boot_id", lambda: "another")


def later(monkeypatch):
    now = time.time()
    monkeypatch.setattr(unsettled.time, "time", lambda: now + 61)


def has(path):
    with Store(path) as store:
        return store.blobs.has(DIGEST, len(DATA))


def tear(path):
    """Other bytes, as a crash would leave them: of the same size, inode and mtime."""
    blob = path / "blobs/sha256" / DIGEST[7:]
    about = blob.stat()
    blob.chmod(0o644)
    with open(blob, "r+b") as file:
        file.write(bytes(4))
    os.utime(blob, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_after_a_crash_a_blob_is_read_whole(path, monkeypatch):
    put(path)
    tear(path)
    assert has(path)  # nothing is read while the machine runs
    crash(monkeypatch)
    assert not has(path)
    assert marks(path) == []


def test_a_sound_blob_outlives_a_crash(path, monkeypatch):
    put(path)
    crash(monkeypatch)
    assert has(path)
    assert marks(path) == []


@pytest.mark.parametrize("wait", [False, True])
def test_only_what_was_not_waited_for_is_marked(path, monkeypatch, wait):
    synced = []
    fsync = os.fsync
    with Store(path) as store, temporary(store.temp) as (file, temp):
        file.write(DATA)
        inode = os.fstat(file.fileno()).st_ino
        monkeypatch.setattr(
            os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle)
        )
        store.blobs.adopt(file, temp, DIGEST, wait=wait)
    assert (inode in synced) == wait
    assert len(marks(path)) == (not wait)


def test_the_mark_is_on_the_disk_before_the_blob_has_its_name(path, monkeypatch):
    seen = []
    fsync = os.fsync

    def look(handle):
        if os.path.samestat(os.fstat(handle), (path / "unsettled").stat()):
            seen.append((len(marks(path)), (path / "blobs/sha256" / DIGEST[7:]).exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", look)
    put(path)
    assert seen == [(1, False)]


def test_after_a_minute_the_disk_is_asked(path, monkeypatch):
    put(path)
    assert has(path) and len(marks(path)) == 1
    synced, sync = [], unsettled.sync
    monkeypatch.setattr("stackbuild.store.blobs.sync", lambda path: synced.append(path.name) or sync(path))
    later(monkeypatch)
    assert has(path) and marks(path) == []
    assert synced == [DIGEST[7:]]


def test_what_the_disk_did_not_take_is_gone(path, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    put(path)
    later(monkeypatch)
    monkeypatch.setattr("stackbuild.store.blobs.sync", fail)
    assert not has(path)
    assert marks(path) == []


def test_without_a_boot_id_the_disk_is_waited_for(path, monkeypatch):
    monkeypatch.setattr(unsettled, "boot_id", lambda: "")
    put(path)
    assert has(path) and marks(path) == []


def test_a_mark_waits_for_its_blob(path, monkeypatch):
    put(path)
    (path / "blobs/sha256" / DIGEST[7:]).unlink()
    crash(monkeypatch)
    assert not has(path) and len(marks(path)) == 1  # another machine may be about to name it
    later(monkeypatch)
    assert not has(path) and marks(path) == []


def test_a_blob_that_cannot_be_judged_keeps_its_mark(path, monkeypatch):
    put(path)
    crash(monkeypatch)
    monkeypatch.setattr(Blobs, "verify", lambda self, digest: False)
    has(path)
    assert len(marks(path)) == 1


def test_two_marks_of_one_blob_do_not_hide_each_other(path):
    put(path)
    put(path)
    assert len(marks(path)) == 2


@pytest.mark.parametrize("stray", ["file", "folder", "link", "malformed", "copied"])
def test_what_else_lies_there_is_nobodys_fault(path, stray):
    put(path)
    folder = path / "unsettled"
    if stray == "file":
        (folder / ".nfs0001").write_text("")
    elif stray == "folder":
        (folder / "x.1").mkdir()
    elif stray == "copied":  # by something that makes files of symlinks: it may be of before a crash
        (folder / f"{DIGEST[7:]}.1").write_text("")
        tear(path)
    else:
        (folder / ("junk" if stray == "link" else os.fsdecode(b"\xff.0"))).symlink_to("z")
    assert has(path) == (stray != "copied")


def test_a_mark_that_somebody_took_away_too_early_is_made_up_for(path, monkeypatch):
    publish = blobs.publish

    def late(*arguments, **how):
        for mark in marks(path):
            mark.unlink()
        publish(*arguments, **how)

    synced, sync = [], blobs.sync
    monkeypatch.setattr(blobs, "publish", late)
    monkeypatch.setattr(blobs, "sync", lambda path: synced.append(path.name) or sync(path))
    put(path)
    assert synced == [DIGEST[7:]]


def test_a_disk_that_says_at_the_end_that_it_is_full_gives_no_name(path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    Store(path).close()
    monkeypatch.setattr(os, "dup", full)
    with pytest.raises(StoreError, match="No space left"):
        put(path)
    assert not has(path)


def test_a_mark_that_cannot_be_removed_is_in_nobodys_way(path, monkeypatch):
    def fail(path, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    put(path)
    later(monkeypatch)
    monkeypatch.setattr(unsettled.Path, "unlink", fail)
    assert has(path) and len(marks(path)) == 1


def test_a_blob_that_goes_while_it_is_read_is_not_there(path, monkeypatch):
    put(path)
    crash(monkeypatch)
    read = blobs.digest_of_file

    def gone(blob):
        found = read(blob)
        blob.unlink()
        return found

    monkeypatch.setattr(blobs, "digest_of_file", gone)
    assert not has(path)
