"""What records remember, one at a time and many at once."""

from __future__ import annotations

import json

import pytest

from stackbuild.filetable import FileTable, Folder
from stackbuild.keys import differences, digest
from stackbuild.store import Store, collect
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


KEY = "xxh3_128:" + "b" * 32


def test_a_record_with_a_table_comes_back_whole(store):
    folders = [Folder("", "a/b", [0o644, 0o755], ["1f", "2e"], {"l": "a"}), Folder("c/", "d", [0o644], ["3"], {})]
    recipe = {"fields": {"$tables": "x"}, "inputs": {"from": {"mtime": 0, "files": FileTable(folders)}, "codec": "c"}}
    store.records.save(Record(KEY, "n", recipe, {"r": 1}))
    assert isinstance(recipe["inputs"]["from"]["files"], FileTable)  # saving takes nothing away
    found = store.records.load(KEY)
    assert not list(differences(found.recipe, recipe))
    assert found.recipe["inputs"]["from"]["files"] == {"a": "0644 1f", "b": "0755 2e", "l": "link a", "c/d": "0644 3"}
    assert found.recipe["fields"] == {"$tables": "x"} and found.result == {"r": 1}


def test_a_record_written_before_tables_is_still_read(store):
    record = {"key": KEY, "name": "n", "recipe": {"inputs": {"from": {"files": {"a": "0644 1"}}}}, "result": {"r": 1}}
    text = json.dumps(record, separators=(",", ":"))
    checksum = digest([KEY, text], "sha256")
    path = store.records.folder / (KEY.replace(":", "-") + ".json")
    path.write_text(f'{{"format":2,"checksum":"{checksum}","record":{text}}}')
    assert store.records.load(KEY) == Record(**record)


@pytest.mark.parametrize("tables", [[[["gone", "files"], []]], [[[], []]], [[["inputs"], [["", "a", "", "", {}]]]], 1])
def test_a_record_whose_tables_fit_nowhere_is_none(store, tables):
    record = {"key": KEY, "name": "n", "recipe": {"inputs": None}, "result": {}, "tables": tables}
    text = json.dumps(record, separators=(",", ":"))
    path = store.records.folder / (KEY.replace(":", "-") + ".json")
    path.write_text(f'{{"format":3,"checksum":"{digest([KEY, text], "sha256")}","record":{text}}}')
    assert store.records.load(KEY) is None


def test_a_record_whose_tables_were_altered_is_damaged(store):
    recipe = {"inputs": FileTable([Folder("", "a", [0o644], ["1f"], {})])}
    store.records.save(Record(KEY, "n", recipe, {"r": 1}))
    path = store.records.folder / (KEY.replace(":", "-") + ".json")
    text = path.read_text()
    assert '[["","a","0644","1f",{}]]' in text
    path.write_text(text.replace('[["","a","0644","1f",{}]]', '[["",1,"0644","1f",{}]]'))
    assert store.records.load(KEY) is None
    assert ["unreadable or altered" in line for line in collect.check(store).damage] == [True]
