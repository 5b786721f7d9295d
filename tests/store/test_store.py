"""The store: what is put in comes out, and whatever is damaged counts as missing."""

import hashlib
import os
import re
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stackbuild.errors import BuildFailed, DigestMismatch, StoreError
from stackbuild.native.stats import row
from stackbuild.store import Store, collect, default_path
from stackbuild.store.index import Index
from stackbuild.store.records import Record

DATA = b"some bytes"
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store") as opened:
        yield opened


def damage(store, digest, data=b"other byte"):
    path = store.blobs.path(digest)
    path.chmod(0o644)
    path.write_bytes(data)


def test_the_store_is_private(store):
    for folder in (store.path, store.temp, store.path / "blobs" / "sha256", store.path / "records"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((store.path / "index.sqlite").stat().st_mode) == 0o600


def test_a_blob_comes_back(store):
    assert store.blobs.put(DATA) == DIGEST
    assert store.blobs.has(DIGEST, len(DATA)) and store.blobs.read(DIGEST) == DATA
    assert not list(store.temp.iterdir())


def test_a_blob_of_another_size_is_not_there_but_stays(store):
    store.blobs.put(DATA)
    assert not store.blobs.has(DIGEST, 3)
    assert store.blobs.has(DIGEST)


@pytest.mark.parametrize("data", [b"other byte", b"short", b""])
def test_a_damaged_blob_is_a_missing_one(store, data):
    store.blobs.put(DATA)
    damage(store, DIGEST, data)
    assert not store.blobs.has(DIGEST, len(DATA))
    assert store.blobs.put(DATA) == DIGEST and store.blobs.read(DIGEST) == DATA


def test_what_comes_from_outside_is_checked(store):
    with pytest.raises(DigestMismatch):
        store.blobs.receive([b"evil"], DIGEST)
    assert not store.blobs.all() and not list(store.temp.iterdir())
    assert store.blobs.receive([DATA[:3], DATA[3:]], DIGEST) == (DIGEST, len(DATA))


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../x", "md5:" + "0" * 32, DIGEST + "\n", DIGEST.upper(), 7]
)
def test_no_path_is_made_of_a_malformed_digest(store, digest):
    with pytest.raises(DigestMismatch):
        store.blobs.path(digest)


RECORD = Record(
    "xxh3_128:ab", "//a:b", {"fields": {"x": 1}}, {"layers": [{"digest": DIGEST, "size": len(DATA)}]}
)


def test_a_record_comes_back(store):
    store.records.save(RECORD)
    assert store.records.load(RECORD.key) == RECORD
    assert store.records.result(RECORD.key) == RECORD.result
    assert store.records.latest("//a:b") == RECORD.key and store.records.before("//a:b") is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format":99}', b"\xff", b'{"format":1,"key":"other"}'])
def test_a_damaged_record_is_a_missing_one(store, data):
    store.records.save(RECORD)
    next((store.path / "records").iterdir()).write_bytes(data)
    assert store.records.load(RECORD.key) is None
    assert len(collect.check(store).damage) == 1
    assert store.records.result(RECORD.key) is None


@pytest.mark.parametrize("data", [None, b"", b"garbage" * 1000])
def test_the_index_is_made_again_from_what_lies_beside_it(tmp_path, data):
    with Store(tmp_path / "store") as store:
        store.blobs.put(DATA)
        store.records.save(RECORD)
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / "store" / f"index.sqlite{suffix}").unlink(missing_ok=True)
    if data is not None:
        (tmp_path / "store" / "index.sqlite").write_bytes(data)
    with Store(tmp_path / "store") as store:
        assert store.records.result(RECORD.key) == RECORD.result
        assert store.records.latest("//a:b") == RECORD.key
        assert store.blobs.has(DIGEST, len(DATA))


def test_check_names_and_removes_what_is_damaged(store):
    store.blobs.put(DATA)
    store.blobs.put(b"sound")
    damage(store, DIGEST)
    report = collect.check(store)
    assert report.blobs == 2 and [DIGEST in line for line in report.damage] == [True]
    assert not collect.check(store).damage


def test_collect_keeps_what_records_need(store):
    store.blobs.put(DATA)
    orphan = store.blobs.put(b"orphan")
    store.records.save(RECORD)
    report = collect.collect(store, 3600)
    assert (report.records, report.blobs) == (0, 1)
    assert store.blobs.has(DIGEST) and not store.blobs.has(orphan)
    assert collect.collect(store, 0).records == 1
    assert not store.blobs.all()


def test_another_format_is_refused_with_advice(tmp_path):
    Store(tmp_path / "store").close()
    (tmp_path / "store" / "format").write_text("99\n")
    with pytest.raises(StoreError, match="another version"):
        Store(tmp_path / "store")


def test_a_store_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "file" / "store")


class Hashed:
    """How many files the fingerprints had to read."""

    def __init__(self, store):
        self._prints = store.fingerprints

    def of(self, path):
        before = self._prints.hashed
        return self._prints.of(str(path), row(path.lstat())), self._prints.hashed - before


def settle(path):
    """Wait until the file's stamps are no longer racy."""
    time.sleep(max(0, path.lstat().st_ctime + 0.1 - time.time()))


def test_a_settled_file_is_read_once(store, tmp_path):
    path = tmp_path / "f"
    path.write_text("one")
    settle(path)
    prints = Hashed(store)
    assert [prints.of(path)[1] for _ in range(3)] == [1, 0, 0]


def test_a_racy_file_is_read_again(store, tmp_path):
    path = tmp_path / "f"
    path.write_text("one")
    prints = Hashed(store)
    assert [prints.of(path)[1] for _ in range(2)] == [1, 1]


def test_memories_outlive_the_process(tmp_path):
    path = tmp_path / "f"
    path.write_text("one")
    settle(path)
    for expected in (1, 0):
        with Store(tmp_path / "store") as store:
            store.fingerprints.preload_once(str(tmp_path))
            assert Hashed(store).of(path)[1] == expected


def test_two_processes_keep_what_both_learnt_and_what_one_forgot(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    settle(paths[-1])
    with Store(tmp_path / "store") as first:
        Hashed(first).of(paths[2])
    with Store(tmp_path / "store") as one, Store(tmp_path / "store") as other:
        for store, path in ((one, paths[0]), (other, paths[1])):
            store.fingerprints.preload_once(str(tmp_path))
            assert Hashed(store).of(path)[1] == 1
        one.fingerprints.forget(str(paths[2]))
    with Store(tmp_path / "store") as third:
        assert [Hashed(third).of(path)[1] for path in paths] == [0, 0, 1]


def test_an_edit_of_the_same_size_and_mtime_is_seen(store, tmp_path):
    path = tmp_path / "f"
    path.write_text("one")
    old = path.stat()
    settle(path)
    prints = Hashed(store)
    first = prints.of(path)[0]
    path.write_text("two")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert prints.of(path)[0] != first


def test_another_algorithm_does_not_believe_the_first(tmp_path):
    path = tmp_path / "f"
    path.write_text("one")
    settle(path)
    with Store(tmp_path / "store") as store:
        assert Hashed(store).of(path)[0].startswith("xxh3_128:")
    with Store(tmp_path / "store", "sha256") as store:
        store.fingerprints.preload_once(str(tmp_path))
        assert Hashed(store).of(path) == ("sha256:" + hashlib.sha256(b"one").hexdigest(), 1)


def test_a_store_under_sha256_trusts_no_weaker_hash(tree):
    """People who don't trust each other may craft collisions of xxh3; nothing may stand behind one."""
    tree.write("BUILD.toml", '[workspace]\nfingerprint = "sha256"\n[files.f]\nsrcs = ["a"]\n[image.i]\nlayers = [":f"]\n')
    tree.write("a", "a" * 1000)
    tree.image("//:i")
    with Store(default_path(), "sha256") as store:
        kept = [path.read_text() for path in store.records.folder.iterdir()]
        kept += [str(store.index.rows(f"SELECT * FROM {table}")) for table in ("record", "latest", "chunk", "fingerprint")]
    assert len(kept) > 4 and not [text for text in kept if "xxh3" in text]
    assert all(len(raw_hash) == 64 for raw_hash in re.findall(r"'([0-9a-f]{32,})'\)", kept[-2]))


def test_a_record_that_was_altered_is_a_missing_one(store):
    """It still parses, yet a digest in it is another: believing it would make a wrong image."""
    store.records.save(RECORD)
    path = next((store.path / "records").iterdir())
    path.write_text(path.read_text().replace(DIGEST, "sha256:" + "0" * 64))
    assert store.records.load(RECORD.key) is None
    assert ["unreadable or altered" in line for line in collect.check(store).damage] == [True]
    assert store.records.result(RECORD.key) is None


def test_a_row_of_the_index_that_was_altered_is_a_miss(store):
    store.records.save(RECORD)
    store.index.write("UPDATE record SET result = replace(result, ?, ?)", [(DIGEST, "sha256:" + "0" * 64)])
    assert store.records.result(RECORD.key) is None
    store.index.write("UPDATE record SET result = ?", [("{",)])
    assert store.records.result(RECORD.key) is None
    assert len(collect.check(store).damage) == 1


def test_a_full_disk_is_no_reason_to_forget(store, monkeypatch):
    store.records.save(RECORD)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def fail(self):
        raise full

    monkeypatch.setattr(Index, "_open", fail)
    with pytest.raises(StoreError, match="disk is full"):
        Index(store.path / "index.sqlite")
    assert store.records.result(RECORD.key) == RECORD.result


def test_damage_met_at_work_loses_no_record(store):
    store.records.save(RECORD)
    damaged = sqlite3.DatabaseError("malformed")
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    store.index._recover(damaged)
    assert store.records.result(RECORD.key) == RECORD.result


def test_readers_that_meet_the_same_damage_start_anew_once(store):
    """Whoever comes second would throw away what was written since."""
    index, begun, read = store.index, [], threading.Barrier(9)
    index._refill = lambda: begun.append(True) or ()

    class Damaged:
        def execute(self, *_):
            damaged = sqlite3.DatabaseError("malformed")
            damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damaged

        def close(self):
            pass

    index._reader = Damaged()

    def work(number):
        read.wait()
        assert index.rows("SELECT 1") in ([], [(1,)])
        index.write("INSERT INTO latest VALUES (?, 'k', NULL)", [(str(number),)])

    with ThreadPoolExecutor(8) as pool:
        with index._writing:  # so that all of them fail before one starts anew
            working = [pool.submit(work, number) for number in range(8)]
            read.wait()
            time.sleep(0.1)
        for each in working:
            each.result()
    assert len(begun) == 1 and index.rows("SELECT count(*) FROM latest") == [(8,)]


def test_collect_knows_records_that_the_index_lost(store):
    store.blobs.put(DATA)
    store.records.save(RECORD)
    store.index.write("DELETE FROM record", [()])
    assert collect.collect(store, 3600).blobs == 0
    assert store.records.result(RECORD.key) == RECORD.result and store.blobs.has(DIGEST)


def test_collect_keeps_what_was_used_within_the_time(store):
    """The time of use is kept by the hour: the benefit of the doubt is the record's."""
    store.records.save(RECORD)
    store.index.write("UPDATE record SET used = ?", [(int(time.time()) - 12 * 3600 - 60,)])
    assert collect.collect(store, 12 * 3600).records == 0
    store.index.write("UPDATE record SET used = ?", [(int(time.time()) - 20 * 3600,)])
    assert store.records.result(RECORD.key)
    store.records.save_used()
    assert collect.collect(store, 12 * 3600).records == 0


def test_collect_forgets_files_that_are_gone(store, tmp_path):
    path = tmp_path / "f"
    other = tmp_path / "g"
    for file in (path, other):
        file.write_text("one")
        settle(file)
        Hashed(store).of(file)
    store.fingerprints.save()
    path.unlink()
    collect.collect(store, 3600)
    assert store.index.rows("SELECT names FROM fingerprint") == [(b"g",)]
    other.unlink()
    collect.collect(store, 3600)
    assert not store.index.rows("SELECT * FROM fingerprint")


def test_a_single_file_is_remembered_without_its_folder(tmp_path):
    path = tmp_path / "big.tar"
    path.write_text("one")
    settle(path)
    for expected in (1, 0):
        with Store(tmp_path / "store") as store:
            assert Hashed(store).of(path)[1] == expected


def test_a_store_that_cannot_be_written_says_where(store):
    with pytest.raises(StoreError, match=r"cannot write in .*nowhere: No such file"):
        store.blobs.temp = store.path / "nowhere"
        store.blobs.put(b"new")


def test_a_folder_that_a_kill_left_among_the_temporary_files_does_no_harm(tmp_path):
    with Store(tmp_path / "store") as store:
        left = store.temp / "load-x"
        (left / "image").mkdir(parents=True)
        os.utime(left, (0, 0))
    with Store(tmp_path / "store") as store:
        assert not left.exists()
        left.mkdir()
        collect.collect(store, 3600)
        assert not left.exists()


def test_a_pipe_in_a_files_place_holds_nobody_up(tmp_path):
    (tmp_path / "f").write_bytes(b"1")
    with Store(tmp_path / "store") as store:
        seen = row((tmp_path / "f").lstat())
        (tmp_path / "f").unlink()
        os.mkfifo(tmp_path / "f")
        with pytest.raises(BuildFailed):
            store.fingerprints.of(str(tmp_path / "f"), seen)


def test_a_write_that_fails_leaves_no_transaction_open(tmp_path):
    with Store(tmp_path / "store") as store:
        insert = "INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?)"
        with pytest.raises(OverflowError):
            store.index.write(insert, [("sha256:0", 1, 1 << 64, 0)])
        store.index.write(insert, [("sha256:0", 1, 1, 0)])
        assert store.index.rows("SELECT inode FROM blob") == [(1,)]


def test_a_stray_file_beside_the_records_is_left_alone(tmp_path):
    with Store(tmp_path / "store") as store:
        (store.records.folder / "stray.json").write_text("{}")
        assert not collect.check(store).damage
