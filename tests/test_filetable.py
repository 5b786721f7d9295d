"""Laws of tables of files: they are the mapping that they stand for, whole in columns, and keyed injectively."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.filetable import FileTable, Folder
from stackbuild.keys import differences, digest, encode

names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=5)
marks = st.text("0123456789abcdef", min_size=1, max_size=8)
file = st.tuples(st.sampled_from([0o644, 0o755]), marks) | st.text(max_size=5)  # a mode and a mark, or a link's text


def folder(prefix, files):
    plain = sorted(name for name, value in files.items() if not isinstance(value, str))
    links = {name: value for name, value in sorted(files.items()) if isinstance(value, str)}
    return Folder(prefix, "/".join(plain), [files[name][0] for name in plain], [files[name][1] for name in plain], links)


def table(folders):
    return FileTable([folder(prefix and f"{prefix}/", files) for prefix, files in sorted(folders.items())])


def mapping(folders):
    return {
        f"{prefix}/{name}".lstrip("/"): f"link {value}" if isinstance(value, str) else f"{value[0]:04o} {value[1]}"
        for prefix, files in folders.items()
        for name, value in files.items()
    }


trees = st.dictionaries(st.just("") | names, st.dictionaries(names, file, min_size=1, max_size=4), max_size=3)


@given(trees)
def test_a_table_is_the_mapping_that_it_stands_for(folders):
    found, expected = table(folders), mapping(folders)
    assert dict(found) == expected
    assert len(found) == len(expected)
    assert not list(differences(found, expected))
    assert dict(FileTable.of(json.loads(json.dumps(list(found.columns()))))) == expected


@given(trees, trees)
def test_keys_of_tables_are_injective(one, two):
    assert (encode(["x", table(one)]) == encode(["x", table(two)])) == (mapping(one) == mapping(two))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"": {"a": (0o644, "1"), "b": (0o644, "2")}}, {"": {"a": (0o644, "1")}, "b": {"b": (0o644, "2")}}),
        ({"": {"ab": (0o644, "1")}}, {"a": {"b": (0o644, "1")}}),
        ({"": {"a": (0o644, "1"), "b": (0o755, "1")}}, {"": {"a": (0o755, "1"), "b": (0o644, "1")}}),
        ({"": {"a": (0o644, "1"), "b": (0o644, "1")}}, {"": {"a": (0o644, "11"), "b": (0o644, "")}}),
        ({"": {"a": "b"}}, {"": {"a": (0o644, "b")}}),
        ({}, {"": {}}),
    ],
)
def test_adversarial_tables_differ(one, two):
    assert digest(table(one)) != digest(table(two))
    assert digest(table(one), "sha256") != digest(table(two), "sha256")


def test_a_table_is_no_mapping_and_no_list_to_a_key():
    assert len({digest(value) for value in (table({}), {}, [], None, "", table({"": {"a": "b"}}), {"a": "link b"})}) == 7


def test_golden_key():
    found = table({"": {"a": (0o644, "1f"), "b": (0o644, "2e")}, "c": {"d": (0o755, "3"), "l": "../a"}})
    assert encode(found) == (
        b"stackbuild-recipe-1\nc2:s0:s3:a/bs4:0644s5:1f 2ed0:s2:c/s1:ds4:0755s1:3d1:s1:ls4:../a"
    )


@pytest.mark.parametrize("columns", [[["", "a/b", "0644", "1", {}]], [["", "", "", "1", {}]], [["", "a", "9", "1", {}]], [[1]]])
def test_columns_that_are_none_are_refused(columns):
    with pytest.raises((ValueError, TypeError)):
        FileTable.of(columns)


def test_many_folders_are_encoded_as_few(monkeypatch):
    folders = {f"f{number}": {"é": (0o644, "1")} for number in range(150)}
    flushed = encode(table(folders))
    monkeypatch.setattr("stackbuild.keys._Pieces.flush", lambda pieces: None)
    monkeypatch.setattr("stackbuild.keys._encode_into", whole)
    assert encode(table(folders)) == flushed


def whole(value, take):
    from stackbuild.keys import _encode, _Pieces

    out = _Pieces(take)
    out.append("stackbuild-recipe-1\n")
    _encode(value, out)
    take("".join(out).encode())


@pytest.mark.parametrize("letter", ["a", "é", "\udc80"])
def test_long_texts_are_encoded_as_short_ones(letter):
    text = letter * ((1 << 20) + 3)
    raw = text.encode("utf-8", "surrogateescape")
    assert encode(["x", text]) == b"stackbuild-recipe-1\nl2:s1:xs%d:%s" % (len(raw), raw)
