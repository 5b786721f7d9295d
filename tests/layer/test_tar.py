"""The tar writer: what it writes, the standard library and GNU tar read back."""

import io
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.layer.arrange import arrange
from stackbuild.layer.entry import BytesContent, Entry, clean_path
from stackbuild.layer.tar import END, header, padding

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60)
paths = (
    st.lists(names, min_size=1, max_size=8)
    .map("/".join)
    .filter(lambda path: not any(part in (".", "..") or part.startswith(".wh.") for part in path.split("/")))
)
attributes = st.dictionaries(
    st.sampled_from(["security.capability", "user.a", "user.b"]), st.binary(max_size=40)
)
entries = st.builds(
    lambda path, kind, mode, uid, gid, mtime, link, data, xattrs: Entry(
        path,
        kind,
        mode,
        uid,
        gid,
        mtime,
        link if kind in ("symlink", "hardlink") else "",
        tuple(sorted(xattrs.items())),
        BytesContent(data) if kind == "file" else None,
    ),
    paths,
    st.sampled_from(["file", "folder", "symlink", "hardlink"]),
    st.integers(0, 0o7777),
    st.integers(0, 2**32 - 2),
    st.integers(0, 2**32 - 2),
    st.integers(0, 2**35),
    paths,
    st.binary(max_size=1500),
    attributes,
)


def tar_of(*items):
    out = b""
    for entry in items:
        data = entry.content.data if entry.content else b""
        out += header(entry) + data + bytes(padding(len(data)))
    return out + END


@given(entries)
def test_what_is_written_is_read_back(entry):
    data = tar_of(entry)
    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        [member] = tar.getmembers()
        assert member.name == entry.path.rstrip("/")
        assert (member.mode, member.uid, member.gid, member.mtime) == (
            entry.mode,
            entry.uid,
            entry.gid,
            entry.mtime,
        )
        assert member.linkname == entry.link
        if entry.content:
            assert tar.extractfile(member).read() == entry.content.data
        for name, value in entry.xattrs:
            found = member.pax_headers[f"SCHILY.xattr.{name}"]
            assert found.encode("utf-8", "surrogateescape") == value


def test_plain_entries_need_no_pax_header():
    assert len(header(Entry("a" * 100, "file", content=BytesContent(b"x")))) == 512
    assert len(header(Entry("a" * 150 + "/" + "b" * 100, "file", content=BytesContent(b"x")))) == 512
    assert len(header(Entry("a" * 101, "file"))) > 512
    assert len(header(Entry("é", "file"))) > 512


class Huge(BytesContent):
    size = 9 << 30


def test_a_file_of_nine_gigabytes_has_its_size_in_a_pax_record():
    assert f"size={9 << 30}".encode() in header(Entry("big", "file", content=Huge(b"")))


def test_whiteouts_are_named_as_the_spec_has_them():
    with tarfile.open(
        fileobj=io.BytesIO(tar_of(Entry("etc/motd", "whiteout", 0), Entry("top", "whiteout", 0)))
    ) as tar:
        assert tar.getnames() == ["etc/.wh.motd", ".wh.top"]


def test_gnu_tar_reads_it_too(tmp_path):
    long = "/".join(["ordner-ü" * 4] * 9) + "/datei"
    (tmp_path / "a.tar").write_bytes(
        tar_of(
            Entry(long, "file", 0o640, content=BytesContent(b"hello")),
            Entry("link", "symlink", 0o777, link="x" * 200),
        )
    )
    subprocess.run(["tar", "-xf", "a.tar"], cwd=tmp_path, check=True)
    assert (tmp_path / long).read_bytes() == b"hello"
    assert str((tmp_path / "link").readlink()) == "x" * 200


@given(st.text())
def test_no_path_leaves_the_root(text):
    try:
        path = clean_path(text)
    except ValueError:
        return
    parts = path.split("/")
    assert path == "" or not any(part in ("", ".", "..") or part.startswith(".wh.") for part in parts)


@given(st.lists(paths, unique=True, max_size=12), st.randoms())
def test_order_does_not_depend_on_the_order_given(some, random):
    files = [Entry(path, "folder") for path in some]
    shuffled = random.sample(files, len(files))
    ordered = [entry.path for entry in arrange(shuffled, "x")]
    assert ordered == [entry.path for entry in arrange(files, "x")]
    for number, path in enumerate(ordered):
        assert not any(later == path.rpartition("/")[0] for later in ordered[number + 1 :])


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (
            Entry("a", "file", content=BytesContent(b"1"), origin="one.txt"),
            Entry("a", "file", content=BytesContent(b"2"), origin="two.txt"),
            ["/a is written twice", "one.txt", "two.txt"],
        ),
        (
            Entry("a", "symlink", link="b", origin="one"),
            Entry("a/b", "file", origin="two"),
            ["lies below /a", "one", "two"],
        ),
        (
            Entry("a", "file", origin="one"),
            Entry("a", "folder", origin="two"),
            ["written twice", "one", "two"],
        ),
    ],
)
def test_conflicts_name_both_sources(one, two, words):
    with pytest.raises(Exception) as caught:
        arrange([one, two], "//x:y")
    assert all(word in str(caught.value) for word in words)


def test_the_same_thing_twice_is_one_thing():
    one = Entry("a", "file", content=BytesContent(b"1"), origin="one")
    assert len(arrange([one, Entry("a", "file", content=BytesContent(b"1"), origin="two")], "x")) == 1


def test_deletions_come_first_and_hard_links_last():
    given = [
        Entry("b", "hardlink", link="z"),
        Entry("z", "file"),
        Entry("y", "whiteout", 0),
        Entry("a", "folder"),
    ]
    assert [entry.path for entry in arrange(given, "x")] == ["y", "a", "z", "b"]
