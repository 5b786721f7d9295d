"""What records remember, one at a time and many at once."""

from __future__ import annotations

import pytest

from stackbuild.store import Store
from stackbuild.store.records import Record


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store") as found:
        yield found


def test_what_is_recalled_of_many_names_is_what_was_saved_and_is_used_once(store):
    names = [f"n{number}" for number in range(1200)]
    for number in range(0, 1200, 400):
        store.records.save(Record(f"xxh3_128:{number:032x}", names[number], {"n": number}, {"r": number}))
    store.records.recall(names)
    store.records.save(Record("xxh3_128:" + "f" * 32, names[400], {}, {"r": "new"}))
    assert store.records.latest(names[400]) == "xxh3_128:" + "f" * 32
    assert [store.records.latest(name) for name in (names[800], names[1])] == [f"xxh3_128:{800:032x}", None]
    for number in (0, 800):
        assert store.records.result(f"xxh3_128:{number:032x}") == {"r": number}
    store.records.recall(names)
    store.records.forget(f"xxh3_128:{0:032x}")
    assert store.records.result(f"xxh3_128:{0:032x}") is None


def test_a_recalled_record_that_is_damaged_is_none(store):
    key = "xxh3_128:" + "a" * 32
    store.records.save(Record(key, "n", {}, {"r": 1}))
    store.index.write("UPDATE record SET result = ? WHERE key = ?", [('{"r":2}', key)])
    store.records.recall(["n"])
    assert store.records.result(key) is None
