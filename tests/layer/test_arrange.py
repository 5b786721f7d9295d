"""What a layer's entries may not say, and what is said for them."""

from __future__ import annotations

import pytest

from stackbuild.errors import BuildFailed
from stackbuild.layer.arrange import arrange
from stackbuild.layer.entry import BytesContent, Entry

FILE = Entry("a", "file", 0o755, 7, 8, 9, xattrs=(("user.x", b"1"),), content=BytesContent(b"1"), origin="one")


def test_a_hard_link_repeats_its_targets_attributes():
    link = arrange([Entry("b", "hardlink", link="a"), FILE], "//x:y")[1]
    assert (link.kind, link.link, link.mode, link.uid, link.gid, link.mtime) == ("hardlink", "a", 0o755, 7, 8, 9)
    assert link.xattrs == FILE.xattrs and link.content is None


def test_a_path_is_written_twice_also_by_a_hard_link():
    own = Entry("b", "file", content=BytesContent(b"2"), origin="two")
    between = Entry("c", "file", content=BytesContent(b"3"))
    with pytest.raises(BuildFailed, match="/b is written twice"):
        arrange([FILE, own, between, Entry("b", "hardlink", link="a", origin="three")], "//x:y")


@pytest.mark.parametrize("link", ["none", "b", "c", "folder"])
def test_a_hard_link_to_no_file(link):
    links = [Entry("b", "hardlink", link=link), Entry("c", "hardlink", link="b"), Entry("folder", "folder")]
    with pytest.raises(BuildFailed, match="is no file of the layer"):
        arrange(links, "//x:y")


def test_the_root_itself_is_no_entry():
    with pytest.raises(BuildFailed, match="the image's root"):
        arrange([Entry("", "whiteout", origin="x")], "//x:y")


def test_the_same_deletion_twice_is_one():
    assert len(arrange([Entry("a", "whiteout"), Entry("a", "whiteout")], "//x:y")) == 1
