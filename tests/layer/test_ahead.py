"""Layers that are written before their files' fingerprints are known: each file is read once."""

import errno
import os
import random
import threading
import time

import pytest

from stackbuild import native
from stackbuild.keys import hash_bytes
from stackbuild.layer import write as writing
from stackbuild.layer.codec import Codec
from stackbuild.layer.entry import Changed, Entry, TreeFile, is_unread
from stackbuild.layer.split import LARGEST
from stackbuild.layer.write import write_ahead, write_layer
from stackbuild.native.stats import row
from stackbuild.store import Store


@pytest.fixture
def tree(tmp_path):
    rng = random.Random(3)
    sizes = [rng.randrange(9000) for _ in range(1500)] + [2 * LARGEST + 77, LARGEST, 0]
    folder = tmp_path / "tree"
    folder.mkdir()
    for number, size in enumerate(sizes):
        path = folder / f"f{number:05}"
        path.write_bytes(rng.randbytes(size))
        os.utime(path, (1, 1))
    return folder


def entries(store, folder):
    paths = sorted(folder.iterdir())
    rows = [row(path.lstat()) for path in paths]
    known = store.fingerprints.known(str(folder), [path.name for path in paths], b"".join(rows))
    return [
        Entry(path.name, "file", content=TreeFile(str(path), found, store.fingerprints, mark))
        for path, found, mark in zip(paths, rows, known, strict=True)
    ]


def count_reads(monkeypatch):
    read, seen = native.read_files, []
    monkeypatch.setattr(
        native,
        "read_files",
        lambda paths, table, *rest: seen.extend(zip(paths, table[2::3], strict=True)) or read(paths, table, *rest),
    )
    return seen


def test_every_byte_is_read_once_and_tells_the_fingerprint_too(store, pool, tree, monkeypatch):
    seen = count_reads(monkeypatch)
    made = entries(store, tree)
    layer, _ = write_ahead(store, made, Codec("gzip"), pool)
    assert len(seen) == len(set(seen))
    assert {path for path, _ in seen} == {str(path) for path in tree.iterdir()}
    assert not any(is_unread(entry.content) for entry in made)
    for entry in made:
        assert entry.content.known == "xxh3_128:" + hash_bytes((tree / entry.path).read_bytes(), "xxh3_128")
    assert len(seen) == len(set(seen))
    again = entries(store, tree)
    assert write_layer(store, again, Codec("gzip"), pool) == layer
    with Store(store.path.parent / "cold") as cold:
        known = entries(cold, tree)
        assert all(entry.content.fingerprint for entry in known)
        assert write_layer(cold, known, Codec("gzip"), pool) == layer


def test_files_that_were_only_touched_are_not_compressed_again(store, pool, tree, monkeypatch):
    write_ahead(store, entries(store, tree), Codec("gzip"), pool)
    for path in tree.iterdir():
        os.utime(path, (2, 2))
    monkeypatch.setattr(Codec, "compress", lambda *_: pytest.fail("compressed"))
    touched = entries(store, tree)
    assert all(is_unread(entry.content) for entry in touched)
    assert write_ahead(store, touched, Codec("gzip"), pool) is None


def test_a_file_that_changes_while_it_is_read_is_refused(store, pool, tree):
    made = entries(store, tree)
    victim = tree / "f00100"
    victim.write_bytes(b"x" * victim.stat().st_size)
    with pytest.raises(Changed):
        write_ahead(store, made, Codec("gzip"), pool)
    assert not store.blobs.all()


def test_a_change_compresses_only_its_own_piece_of_a_big_file(store, pool, tree, monkeypatch):
    write_ahead(store, entries(store, tree), Codec("gzip"), pool)
    with open(tree / "f01500", "r+b") as file:
        file.seek(LARGEST + 5)
        file.write(b"new")
    counted, compress = [], Codec.compress
    monkeypatch.setattr(Codec, "compress", lambda self, data: counted.append(1) or compress(self, data))
    changed = entries(store, tree)
    assert all(entry.content.fingerprint for entry in changed)
    warm = write_layer(store, changed, Codec("gzip"), pool)
    assert len(counted) == 1
    with Store(store.path.parent / "cold") as cold:
        assert write_ahead(cold, entries(cold, tree), Codec("gzip"), pool) == (warm, True)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_layers_that_go_on_after_a_beginning_are_those_written_whole(store, pool, tree, name):
    rng = random.Random(name)
    write_ahead(store, entries(store, tree), Codec(name), pool)
    for step in range(12):
        for _ in range(rng.randrange(1, 3)):
            path = tree / f"f{rng.randrange(1600):05}"
            if step % 3 == 0 and path.exists():
                path.unlink()
            else:
                path.write_bytes(rng.randbytes(rng.randrange(9000)))
        made = entries(store, tree)
        assert all(entry.content.fingerprint for entry in made)
        warm = write_layer(store, made, Codec(name), pool)
        assert store.blobs.verify(warm.digest)
        with Store(store.path.parent / f"cold{step}") as cold:
            assert write_ahead(cold, entries(cold, tree), Codec(name), pool) == (warm, True)


@pytest.mark.skipif(native.resume_sha256(bytes(40)) is None, reason="nothing is resumed without the native core")
def test_what_comes_before_a_change_is_neither_unpacked_nor_hashed(store, pool, tree, monkeypatch):
    write_ahead(store, entries(store, tree), Codec("gzip"), pool)
    (tree / "f01502").write_bytes(b"at the end")
    fetched, fetch = [], writing._fetch
    monkeypatch.setattr(writing, "_fetch", lambda *args: fetched.append(1) or fetch(*args))
    made = entries(store, tree)
    assert all(entry.content.fingerprint for entry in made)
    write_layer(store, made, Codec("gzip"), pool)
    assert len(fetched) <= 1  # the archive's end


def test_a_beginning_whose_bytes_were_damaged_is_made_anew(store, pool, tree):
    first, _ = write_ahead(store, entries(store, tree), Codec("gzip"), pool)
    path = store.blobs.path(first.digest)
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    (tree / "f01502").write_bytes(b"at the end")
    made = entries(store, tree)
    assert all(entry.content.fingerprint for entry in made)
    layer = write_layer(store, made, Codec("gzip"), pool)
    assert store.blobs.verify(layer.digest)
    with Store(store.path.parent / "cold") as cold:
        assert write_ahead(cold, entries(cold, tree), Codec("gzip"), pool) == (layer, True)


def test_a_state_that_was_damaged_is_not_believed(store, pool, tree):
    write_ahead(store, entries(store, tree), Codec("gzip"), pool)
    store.index.write("UPDATE prefix SET raw_state = ?", [(bytes(32) + (512).to_bytes(8, "big"),)])
    (tree / "f01502").write_bytes(b"at the end")
    made = entries(store, tree)
    assert all(entry.content.fingerprint for entry in made)
    layer = write_layer(store, made, Codec("gzip"), pool)
    with Store(store.path.parent / "cold") as cold:
        assert write_ahead(cold, entries(cold, tree), Codec("gzip"), pool) == (layer, True)


@pytest.mark.parametrize("what", ["gone", "a link", "a pipe"])
def test_what_is_no_longer_a_file_has_changed(store, pool, tree, what):
    made = entries(store, tree)
    victim = tree / "f00100"
    victim.unlink()
    if what == "a link":
        victim.symlink_to("f00101")
    elif what == "a pipe":
        os.mkfifo(victim)
    with pytest.raises(Changed):
        write_ahead(store, made, Codec("gzip"), pool)


def test_a_fingerprint_is_told_after_what_is_to_be_said_against_it(store, pool, tree, monkeypatch):
    """Whoever finds a file's fingerprint known may take it that its reader has refused what it had to."""
    files = entries(store, tree)
    learn, known = store.fingerprints.learn, {entry.content.path: entry.content for entry in files}

    def learnt(folder, names, *rest):
        assert all(known[f"{folder}/{name}"].known is None for name in names.split("/"))
        learn(folder, names, *rest)

    monkeypatch.setattr(store.fingerprints, "learn", learnt)
    write_ahead(store, files, Codec("gzip"), pool)
    assert not any(is_unread(entry.content) for entry in files)


def test_who_is_at_work_is_waited_for_when_the_layer_is_given_up(pool):
    began, done = threading.Event(), []

    def slow():
        began.set()
        time.sleep(0.1)
        done.append(True)

    pieces = writing._in_order([lambda: began.wait(), slow], pool)
    next(pieces)
    pieces.close()
    assert done


@pytest.mark.parametrize("damage", [0, 3, 7])
def test_damage_in_a_beginning_costs_what_comes_after_it(store, pool, tree, monkeypatch, damage):
    write_layer(store, entries(store, tree), Codec("gzip"), pool)
    rows = store.index.rows("SELECT blob, offset, size FROM chunk WHERE key LIKE 'xxh3_128:%' ORDER BY offset")
    (blob, offset, _), path = rows[damage], store.blobs.path(rows[0][0])
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"damaged")
    (tree / "f01502").write_bytes(b"changed")
    os.utime(tree / "f01502", (1, 1))
    copied = []
    copy = writing.GrowingBlob.copy
    monkeypatch.setattr(writing.GrowingBlob, "copy", lambda blob, data, *where: copied.append(len(data)) or copy(blob, data, *where))
    files = entries(store, tree)
    assert all(entry.content.fingerprint for entry in files)  # by now all are read
    again = write_layer(store, files, Codec("gzip"), pool)
    with Store(store.path.parent / "other") as other:
        assert again == write_layer(other, entries(other, tree), Codec("gzip"), pool)
    assert len(copied) == (damage if native.is_native() else 0)
    assert blob == rows[0][0]


def refusing(*_):
    raise OSError(errno.EXDEV, "not between these")


def short(source, target, count, offset):
    done = os.pread(source, min(count, 1000), offset) if offset < 50_000 else b""
    return os.write(target, done)


@pytest.mark.parametrize("call", [refusing, short, None])
def test_a_beginning_that_the_kernel_does_not_copy_is_written(store, pool, tree, monkeypatch, call):
    write_layer(store, entries(store, tree), Codec("gzip"), pool)
    (tree / "f01502").write_bytes(b"changed")
    os.utime(tree / "f01502", (1, 1))
    files = entries(store, tree)
    assert all(entry.content.fingerprint for entry in files)
    if call is None:
        monkeypatch.delattr(os, "copy_file_range")
    else:
        monkeypatch.setattr(os, "copy_file_range", call)
    again = write_layer(store, files, Codec("gzip"), pool)
    assert store.blobs.verify(again.digest)
    with Store(store.path.parent / "other") as other:
        assert again == write_layer(other, entries(other, tree), Codec("gzip"), pool)
