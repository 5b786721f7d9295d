"""What is remembered of files, however it was learnt, kept and asked for."""

from __future__ import annotations

import os
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.errors import StoreError
from stackbuild.native.stats import SIZE
from stackbuild.store import Store

NAMES = ["a", "a.b", "b", "ü", "\udcff", "z"]  # the last but one is no UTF-8; "z" comes before both by its bytes
FOLDERS = ["/w/x", "/w/x/y", "/w/z"]
LATE = 10**18


def row(number):
    return struct.pack("<6Q", 1, number, 2, 3, 4, 0o100644)


def wait_until(told):
    for _ in range(500):
        if told():
            return
        time.sleep(0.01)
    raise AssertionError("it never was")


def listed(names):
    return sorted(set(names), key=os.fsencode)


numbers = st.integers(1, 3)
some = st.dictionaries(st.sampled_from(NAMES), st.tuples(numbers, numbers), min_size=1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.sampled_from(FOLDERS), some),
        st.tuples(st.just("save"), st.none(), st.none()),
        st.tuples(st.just("known"), st.sampled_from(FOLDERS), st.sets(st.sampled_from(NAMES), min_size=1)),
        st.tuples(st.just("preload"), st.sampled_from(["/w", *FOLDERS]), st.none()),
        st.tuples(st.just("forget"), st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
        st.tuples(st.just("reopen"), st.none(), st.none()),
    ),
    max_size=12,
)


def mark(number):
    return f"xxh3_128:{number:032x}"


def raw(*numbers):
    return b"".join(number.to_bytes(16, "big") for number in numbers)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("stores")
    return (root / str(number) for number in range(10**9))


@given(steps)
def test_what_is_known_is_what_was_learnt_last(places, steps):
    path, store, model = next(places), None, {}
    try:
        store = Store(path)
        for what, folder, value in steps:
            prints = store.fingerprints
            if what == "learn":
                names = listed(value)
                rows, marks = b"".join([row(value[name][0]) for name in names]), raw(*[value[name][1] for name in names])
                prints.learn(folder, "/".join(names), rows, marks, LATE)
                model |= {(folder, name): value[name] for name in names}
            elif what == "save":
                prints.save()
            elif what == "preload":
                prints.preload_once(folder)
            elif what == "forget":
                prints.forget(f"{folder}/{value}")
                model.pop((folder, value), None)
            elif what == "reopen":
                prints.save()
                store.close()
                store = Store(path)
            else:
                check(prints, model, folder, listed(value))
        for folder in FOLDERS:
            check(store.fingerprints, model, folder, listed(NAMES))
    finally:
        if store is not None:
            store.close()


def check(prints, model, folder, names):
    for number in (1, 2, 3):
        expected = [mark(model[folder, name][1]) if model.get((folder, name), (0,))[0] == number else None for name in names]
        assert prints.known(folder, names, row(number) * len(names)) == expected
    own = [model.get((folder, name), (9, 9)) for name in names]
    expected = [mark(found) if at != 9 else None for at, found in own]
    assert prints.known(folder, names, b"".join([row(at) for at, _ in own])) == expected


def test_what_was_learnt_in_pieces_is_kept_as_one(tmp_path):
    names = listed(f"f{number}" for number in range(30))
    with Store(tmp_path / "s") as store:
        for start in (20, 0, 10):
            part = names[start : start + 10]
            store.fingerprints.learn("/w", "/".join(part), row(1) * 10, raw(*[start + at for at in range(10)]), LATE)
        store.fingerprints.save()
        rows = store.index.rows("SELECT names, rows, hashes FROM fingerprint")
        assert rows == [("\0".join(names).encode(), row(1) * 30, b"".join([number.to_bytes(16, "big") for number in range(30)]))]
        assert store.fingerprints.known("/w", names, row(1) * 30) == list(map(mark, range(30)))
        assert len(row(1)) == SIZE


def test_what_was_only_just_written_is_not_remembered(tmp_path):
    fresh = struct.pack("<6Q", 1, 1, 2, LATE, LATE, 0o100644)
    with Store(tmp_path / "s") as store:
        store.fingerprints.learn("/w", "a/b", row(1) + fresh, raw(1, 2), LATE)
        for _ in range(2):
            assert store.fingerprints.known("/w", ["a", "b"], row(1) + fresh) == [mark(1), None]
            store.fingerprints.save()


@pytest.mark.parametrize("again", [False, True])
def test_what_was_forgotten_leaves_nothing_behind(tmp_path, again):
    """A folder whose only file was caught changing, before anything of it was kept."""
    with Store(tmp_path / "s") as store:
        for name in ("/w", "/x"):
            store.fingerprints.learn(name, "f", row(1), raw(1), LATE)
        store.fingerprints.forget("/w/f")
        if again:
            store.fingerprints.learn("/w", "f", row(2), raw(2), LATE)
        store.fingerprints.save()
        assert len(store.index.rows("SELECT * FROM fingerprint")) == 1 + again
    with Store(tmp_path / "s") as store:
        assert store.fingerprints.known("/w", ["f"], row(2)) == [mark(2) if again else None]
        store.fingerprints.forget_gone()


def test_what_is_discarded_stays_forgotten(tmp_path):
    with Store(tmp_path / "s") as store:
        store.fingerprints.learn("/w", "f", row(1), raw(1), LATE)
        store.fingerprints.save()
        assert store.fingerprints.known("/w", ["f"], row(1)) == [mark(1)]
        store.fingerprints.forget("/w/f")
        store.fingerprints.discard("/w")
        assert store.fingerprints.known("/w", ["f"], row(1)) == [None]


@pytest.mark.parametrize("damage", [
    "hashes = hashes || hashes", "names = x''", "hashes = substr(hashes, 2)", "hashes = x''", "rows = substr(rows, 2)",
])  # fmt: skip
@pytest.mark.parametrize("names", [["a", "b", "c"], ["b"]])
def test_a_row_of_damaged_lengths_is_none(places, damage, names):
    path = next(places)
    with Store(path) as store:
        store.fingerprints.learn("/w", "a/b/c", row(1) * 3, raw(1, 2, 3), LATE)
    with Store(path) as store:
        store.index.write(f"UPDATE fingerprint SET {damage}", [()])
    with Store(path) as store:
        assert store.fingerprints.known("/w", names, row(1) * len(names)) == [None] * len(names)
        store.fingerprints.forget("/w/c")
        store.fingerprints.learn("/w", "a", row(1), raw(4), LATE)
    with Store(path) as store:
        assert store.fingerprints.known("/w", ["a", "b"], row(1) * 2) == [mark(4), None]
        store.fingerprints.forget_gone()


def test_much_is_kept_beside_what_goes_on(tmp_path):
    with Store(tmp_path / "s") as store:
        prints = store.fingerprints

        def kept():
            return store.index.rows("SELECT count(*) FROM fingerprint")[0][0]

        for number in range(499):
            prints.learn(f"/{number}", "f", row(1), raw(1), LATE)
            prints.save_soon()
        assert kept() == 0
        for number in range(499, 1200):
            prints.learn(f"/{number}", "f", row(1), raw(1), LATE)
            prints.save_soon()
        wait_until(kept)
        prints.save()
        assert kept() == 1200


def test_what_could_not_be_kept_beside_is_told_at_the_end(tmp_path, monkeypatch):
    with Store(tmp_path / "s") as store:
        failed = []

        def write(*_):
            failed.append(True)
            raise StoreError("full")

        monkeypatch.setattr(store.index, "write", write)
        for number in range(600):
            store.fingerprints.learn(f"/{number}", "f", row(1), raw(1), LATE)
        store.fingerprints.save_soon()
        wait_until(lambda: failed)
        with pytest.raises(StoreError, match="full"):
            store.fingerprints.save()
        monkeypatch.undo()
        store.fingerprints.save()
        assert store.index.rows("SELECT count(*) FROM fingerprint") == [(600,)]


def test_without_more_threads_it_is_kept_at_the_end(tmp_path, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    with Store(tmp_path / "s") as store:
        for number in range(600):
            store.fingerprints.learn(f"/{number}", "f", row(1), raw(1), LATE)
        with monkeypatch.context() as patch:
            patch.setattr("threading.Thread.start", start)
            store.fingerprints.save_soon()
        store.fingerprints.save()
        assert store.index.rows("SELECT count(*) FROM fingerprint") == [(600,)]
