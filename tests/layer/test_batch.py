"""Many files at once are laid out, cut, named, read and refused as they would be one by one."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild import native
from stackbuild.errors import BuildFailed
from stackbuild.filetable import Names
from stackbuild.layer.arrange import arrange
from stackbuild.layer.batch import LARGEST_FILE, Attributes, Batch, TreeFiles
from stackbuild.layer.codec import Codec
from stackbuild.layer.entry import BytesContent, Changed, Entry
from stackbuild.layer.known import KnownChunks
from stackbuild.layer.split import split
from stackbuild.layer.write import write_ahead, write_layer
from stackbuild.store import Store

NAMES = ["a", "a.b", "a0", "b", "b-c", "c", "d"]


def files_of(store, folder):
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    rows = native.lstat_rows([(str(folder), names)])
    return TreeFiles(str(folder), Names(names), rows, store.fingerprints, store.fingerprints.known(str(folder), names, rows))


def batch_of(store, folder, prefix="", mode=0o644):
    files = files_of(store, folder)
    common = Attributes(prefix, 7, 8, 9, f"src/{prefix}")
    assert Batch.fits(files, common)
    return Batch(files, [mode] * len(files.names), common)


def told(items):
    """All that entries say, batches taken apart."""
    entries = [entry for item in items for entry in (item.entries() if isinstance(item, Batch) else [item])]
    return [(entry, entry.origin, entry.group, entry.content and entry.content.fingerprint) for entry in entries]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """(a store, a folder in which each folder below has some of NAMES)."""
    root, rng = tmp_path_factory.mktemp("trees"), random.Random(5)
    for number in range(2 ** len(NAMES)):
        folder = root / str(number)
        folder.mkdir()
        for place, name in enumerate(NAMES):
            if number >> place & 1:
                (folder / name).write_bytes(rng.randbytes(rng.choice([0, 1, 511, 512, 513, 5000])))
    with Store(tmp_path_factory.mktemp("store") / "s") as store:
        yield store, root


paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
others = st.builds(
    lambda path, kind: Entry(
        path,
        kind,
        link="x" if kind == "symlink" else "",
        content=BytesContent(path.encode()) if kind == "file" else None,
        origin=f"{kind} {path}",
    ),
    paths,
    st.sampled_from(["file", "folder", "folder", "symlink", "whiteout"]),
)


@given(
    st.dictionaries(st.one_of(st.just(""), paths.map("{}/".format)), st.integers(1, 2 ** len(NAMES) - 1), min_size=1),
    st.lists(others, max_size=4),
)
def test_what_is_said_of_many_is_said_of_each(trees, folders, more):
    store, root = trees
    made = [batch_of(store, root / str(number), prefix) for prefix, number in folders.items()]
    apart = [entry for batch in made for entry in batch.entries()]
    try:
        expected = arrange([*apart, *more], "//x:y")
    except BuildFailed as error:
        with pytest.raises(BuildFailed) as caught:
            arrange([*made, *more], "//x:y")
        assert str(caught.value) == str(error)
        return
    found = arrange([*made, *more], "//x:y")
    assert told(found) == told(expected)
    known = KnownChunks(store, Codec("gzip"))
    chunks = list(split(found))
    assert [chunk.size for chunk in chunks] == [chunk.size for chunk in split(expected)]
    assert len({known.key(chunk) for chunk in chunks}) == len(chunks)


@pytest.fixture
def tree(tmp_path):
    rng = random.Random(3)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for number in range(900):
            path = tmp_path / folder / f"f{number:05}"
            path.write_bytes(rng.randbytes(rng.randrange(9000)))
            os.utime(path, (1, 1))
    return tmp_path


def items(store, tree, *, apart):
    made = [batch_of(store, tree / folder, f"{folder}/") for folder in ("two", "one")]
    return arrange([entry for batch in made for entry in batch.entries()] if apart else made, "//x:y")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_layers_are_the_same_and_found_again(tmp_path, tree, name):
    with Store(tmp_path / "a") as one, Store(tmp_path / "b") as other, ThreadPoolExecutor(2) as pool:
        layer, is_new = write_ahead(one, items(one, tree, apart=False), Codec(name), pool)
        assert is_new and write_ahead(other, items(other, tree, apart=True), Codec(name), pool) == (layer, True)
        (tree / "two" / "f00899").write_bytes(b"other")
        (tree / "one" / "f00450").unlink()
        found = [files_of(store, tree / "two").known.count(None) for store in (one, other)]
        assert found == [1, 1]
        changed = items(one, tree, apart=False)
        for item in changed:
            item._files.marks()
        second = write_layer(one, changed, Codec(name), pool)
        assert write_ahead(other, items(other, tree, apart=True), Codec(name), pool) == (second, True)


def test_what_is_read_for_a_layer_is_known_for_its_key(store, pool, tree, monkeypatch):
    made = items(store, tree, apart=False)
    assert all(batch.is_unread for batch in made)
    write_ahead(store, made, Codec("gzip"), pool)
    assert not any(batch.is_unread for batch in made)
    monkeypatch.setattr(store.fingerprints, "of", lambda *_: pytest.fail("read again"))
    told_of = [batch._files.marks() for batch in made]
    assert told_of == [[file.fingerprint for file in batch._files.single()] for batch in made]


@pytest.mark.parametrize("how", ["bytes", "gone", "folder", "short"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_file_that_changes_while_it_is_read_is_named(store, pool, tree, how, is_known):
    if is_known:
        write_ahead(store, items(store, tree, apart=False), Codec("gzip"), pool)
    made = items(store, tree, apart=False)
    victim = tree / "two" / "f00777"
    size = victim.stat().st_size
    victim.unlink()
    if how == "folder":
        victim.mkdir()
    elif how != "gone":
        victim.write_bytes(os.urandom(size if how == "bytes" else size // 2))
    with pytest.raises(Changed, match="f00777 changed"):
        write_layer(store, made, Codec("zstd"), pool)


def test_a_fault_of_the_disk_is_not_remembered_as_a_fingerprint(store, tree):
    """A file whose row stays, but whose bytes are others than those that were read for its fingerprint."""
    (batch,) = [batch for batch in items(store, tree, apart=False) if batch.common.prefix == "one/"]
    batch._files.known.learn(3, bytes(16))
    chunk = next(iter(split([batch])))
    with pytest.raises(Changed, match="f00003 changed"):
        chunk.read("xxh3_128", memoryview(bytearray(chunk.size)))
    assert batch._files.known.count(None) == 899


@pytest.mark.parametrize(
    ("name", "size", "prefix", "fits"),
    [
        ("a", 5, "", True),
        ("a", LARGEST_FILE, "", True),
        ("a", LARGEST_FILE + 1, "", False),
        ("ü", 5, "", False),
        ("a", 5, "ü/", False),
        ("n" * 100, 5, "", True),
        ("n" * 101, 5, "", False),
        ("n" * 100, 5, "p" * 155 + "/", True),
        ("n" * 100, 5, "p" * 156 + "/", False),
    ],
)
def test_what_can_be_told_at_once(store, tmp_path, name, size, prefix, fits):
    folder = tmp_path / "f"
    folder.mkdir()
    with open(folder / name, "wb") as file:
        file.truncate(size)
    files = files_of(store, folder)
    assert Batch.fits(files, Attributes(prefix, 0, 0, 0, "")) is fits
    assert not Batch.fits(files, Attributes(prefix, 0o10000000, 0, 0, ""))
    assert not Batch.fits(files, Attributes(prefix, 0, 0, -1, ""))
