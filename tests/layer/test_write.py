"""The layer writer: chunks, digests, and what is compressed again."""

import gzip
import hashlib
import io
import random
import subprocess
import sys
import tarfile

import pytest
import zstandard

from stackbuild.keys import hash_bytes
from stackbuild.layer import codec as codecs
from stackbuild.layer.codec import Codec
from stackbuild.layer.entry import BytesContent, Changed, Entry, FileContent
from stackbuild.layer.known import KnownChunks
from stackbuild.layer.split import AVERAGE, LARGEST, split
from stackbuild.layer.tar import END, header, padding
from stackbuild.layer.write import write_layer
from stackbuild.store import Store


def files(count, size=3000, seed=1):
    rng = random.Random(seed)
    return [
        Entry(f"dir{i // 50:03}/file{i:05}", "file", content=BytesContent(rng.randbytes(size)))
        for i in range(count)
    ]


def unpack(store, layer):
    data = store.blobs.path(layer.digest).read_bytes()
    if layer.media_type.endswith("gzip"):
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_digests_are_those_of_the_bytes(store, pool, name):
    entries = files(2000)
    layer = write_layer(store, entries, Codec(name), pool)
    blob = store.blobs.path(layer.digest).read_bytes()
    raw = unpack(store, layer)
    assert layer.digest == "sha256:" + hashlib.sha256(blob).hexdigest()
    assert layer.diff_id == "sha256:" + hashlib.sha256(raw).hexdigest()
    assert layer.size == len(blob)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert [member.name for member in tar] == [entry.path for entry in entries]


def test_an_insertion_moves_no_other_cut():
    entries = files(6000)
    extra = Entry("dir000/file00000a", "file", content=BytesContent(b"new"))
    before = {chunk.key("1", "xxh3_128") for chunk in split(entries)}
    after = {chunk.key("1", "xxh3_128") for chunk in split(sorted([*entries, extra], key=lambda entry: entry.path))}
    assert len(before) > 5
    assert len(after - before) <= 2


def test_chunks_are_neither_tiny_nor_large():
    sizes = [sum(part.size for part in chunk.parts) for chunk in split(files(8000))]
    assert max(sizes) <= LARGEST
    assert AVERAGE / 4 < sum(sizes) / len(sizes) < LARGEST


def test_one_changed_file_compresses_one_chunk(store, pool, monkeypatch):
    entries = files(6000)
    write_layer(store, entries, Codec("gzip"), pool)
    counted = []
    compress = codecs.Codec.compress
    monkeypatch.setattr(
        codecs.Codec, "compress", lambda self, data: counted.append(1) or compress(self, data)
    )
    entries[3000] = Entry(entries[3000].path, "file", content=BytesContent(bytes(3000)))
    warm = write_layer(store, entries, Codec("gzip"), pool)
    assert len(counted) == 1
    with Store(store.path.parent / "cold") as cold:
        assert write_layer(cold, entries, Codec("gzip"), pool) == warm


@pytest.mark.parametrize("changed", [0, 3000, 5999, None])
def test_the_disk_is_waited_for_unless_earlier_blobs_hold_most_of_it(store, pool, changed):
    marks = store.path / "unsettled"
    entries = files(6000)
    write_layer(store, entries, Codec("gzip"), pool)
    assert not list(marks.iterdir())
    entries = entries if changed is not None else files(6000, seed=2)
    entries[changed or 0] = Entry(entries[changed or 0].path, "file", content=BytesContent(bytes(3000)))
    layer = write_layer(store, entries, Codec("gzip"), pool)
    expected = [layer.digest.removeprefix("sha256:")] if changed is not None else []
    assert [mark.name.partition(".")[0] for mark in marks.iterdir()] == expected


def big_file(path, size):
    data = random.Random(2).randbytes(1 << 16) * (size >> 16)
    path.write_bytes(data)
    return FileContent(str(path), len(data), "xxh3_128:" + hash_bytes(data, "xxh3_128"))


def test_what_a_buffer_held_before_is_in_no_chunk(tmp_path):
    """A chunk is headers, contents and zeros, whatever was in the memory that it is made in."""
    big = big_file(tmp_path / "big", LARGEST + (1 << 16))
    entries = [
        Entry("a", "folder"), Entry("a/b", "file", content=BytesContent(b"1" * 513)), Entry("ü" * 80, "file"),
        Entry("big", "file", content=big), Entry("l", "symlink", link="a/b"), Entry("n" * 300, "file", content=BytesContent(b"2")),
        Entry("x", "file", xattrs=(("user.a", b"1"),), content=BytesContent(b"3")), Entry("z", "whiteout"),
    ]  # fmt: skip
    made = b""
    for chunk in split(entries):
        out = memoryview(bytearray(b"?" * chunk.size))
        made += chunk.read("xxh3_128", out)
    expected = b""
    for entry in entries:
        data = entry.content.open().read() if entry.content else b""
        expected += header(entry) + data + bytes(padding(len(data)))
    assert made == expected + END


def test_a_big_file_is_cut_by_offset(store, pool, tmp_path):
    content = big_file(tmp_path / "big", 3 * LARGEST + (1 << 16))
    entries = [Entry("a", "file", content=BytesContent(b"1")), Entry("big", "file", content=content)]
    layer = write_layer(store, entries, Codec("gzip"), pool)
    with tarfile.open(fileobj=io.BytesIO(unpack(store, layer))) as tar:
        assert tar.extractfile("big").read() == (tmp_path / "big").read_bytes()


@pytest.mark.parametrize("size", [1 << 16, 3 * LARGEST])
@pytest.mark.parametrize("change", ["same size", "shorter"])
def test_a_file_that_is_no_longer_its_fingerprint_is_refused(store, pool, tmp_path, size, change):
    content = big_file(tmp_path / "big", size)
    with open(tmp_path / "big", "r+b") as file:
        file.seek(size - 1)
        if change == "shorter":
            file.truncate()
        else:
            file.write(b"\xff" if content.open().read()[-1:] != b"\xff" else b"\0")
    with pytest.raises(Changed):
        write_layer(store, [Entry("big", "file", content=content)], Codec("gzip"), pool)
    assert not store.blobs.all()


def test_a_damaged_cached_chunk_is_made_again(store, pool):
    entries = files(10)
    first = write_layer(store, entries, Codec("gzip"), pool)
    path = store.blobs.path(first.digest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    assert write_layer(store, entries, Codec("gzip"), pool) == first
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first.digest.removeprefix("sha256:")


MEMORY = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stackbuild.layer.codec import Codec
from stackbuild.layer.entry import Entry, FileContent
from stackbuild.layer.write import write_layer
from stackbuild.store import Store
path, size, print_ = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with ThreadPoolExecutor(2) as pool, Store(Path(sys.argv[4])) as store:
    write_layer(store, [Entry("big", "file", content=FileContent(path, size, print_))], Codec("gzip"), pool)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat(tmp_path):
    used = []
    for size in (64 << 20, 384 << 20):
        path = tmp_path / f"f{size}"
        with open(path, "wb") as file:
            file.truncate(size)
        mark = "xxh3_128:" + hash_bytes(bytes(size), "xxh3_128")
        command = [sys.executable, "-c", MEMORY, str(path), str(size), mark, str(tmp_path / f"s{size}")]
        used.append(int(subprocess.run(command, capture_output=True, check=True, text=True).stdout))
    assert used[1] < used[0] * 1.3


class Placed:
    """Bytes within something larger: `open` gives it where they begin, as a package's spool does."""

    origin = "placed"

    def __init__(self, data):
        self._data, self.size = data, len(data)
        self.fingerprint = "xxh3_128:" + hash_bytes(data, "xxh3_128")
        self.opened = 0

    def open(self):
        self.opened += 1
        stream = io.BytesIO(b"before" + self._data + b"after")
        stream.seek(6)
        return stream


def test_contents_open_where_their_bytes_begin_and_only_when_they_are_needed(store, pool):
    contents = [Placed(random.Random(1).randbytes(size)) for size in (3 * LARGEST + 100, 70_000, 1)]
    entries = [Entry(f"{number}", "file", content=content) for number, content in enumerate(contents)]
    layer = write_layer(store, entries, Codec("gzip"), pool)
    with tarfile.open(fileobj=io.BytesIO(unpack(store, layer))) as tar:
        for number, content in enumerate(contents):
            assert tar.extractfile(f"{number}").read() == content._data
    before = [content.opened for content in contents]
    more = [Entry("+", "file", content=BytesContent(b"new")), *entries]
    write_layer(store, more, Codec("gzip"), pool)
    assert [content.opened for content in contents][:2] == before[:2]  # to open a package may be to unpack it


def test_chunks_are_looked_for_some_at_once_and_each_is_found_as_often_as_it_is_asked_for(store, pool):
    write_layer(store, files(3000), Codec("gzip"), pool)
    known = KnownChunks(store, Codec("gzip"))
    keys = [known.key(chunk) for chunk in split(files(3000))]
    apart = [known.by_key(key) for key in keys]
    assert len(keys) > 2 and None not in apart
    known.recall([*keys, "xxh3_128:00"])
    assert [known.by_key(key) for key in keys * 2] == apart * 2
    assert known.by_key("xxh3_128:00") is None
