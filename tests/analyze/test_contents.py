"""The merged tree of an image: what is left when every layer, whiteout and link has had its say."""

from __future__ import annotations

import tarfile

import pytest

from analyze.diff.making import folder, gone, hardlink, layer, member, opaque, symlink
from stackbuild.analyze.contents import Contents, read_layer
from stackbuild.errors import BuildFailed


@pytest.fixture
def merged(tmp_path):
    """The tree of layers, each a list of members."""

    def make(*layers, complete: bool = True) -> Contents:
        tree = Contents(complete=complete)
        for number, members in enumerate(layers):
            blob = tmp_path / str(number)
            blob.write_bytes(layer(*members))
            tree.apply(read_layer(blob, f"layer{number}"))
        return tree

    return make


def paths(tree: Contents) -> list[str]:
    return [path for path, _ in tree.walk()]


def test_the_upper_layer_wins(merged):
    tree = merged([member("a", "old")], [member("a", "new", mode=0o600, uid=7)])
    node = tree.find("a")
    assert (node.size, node.mode, node.uid, node.layer) == (3, 0o600, 7, "layer1")
    assert node.digest == "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"


def test_a_whiteout_deletes_what_is_below_it(merged):
    assert paths(merged([folder("d"), member("d/x"), member("k")], [gone("d")])) == ["k"]


def test_a_whiteout_spares_its_own_layer_wherever_it_stands(merged):
    for members in ([gone("d/x"), member("d/x", "new")], [member("d/x", "new"), gone("d/x")]):
        tree = merged([member("d/x", "old"), member("d/y")], members)
        assert tree.find("d/x").size == 3 and tree.find("d/x").layer == "layer1"


def test_an_opaque_folder_hides_what_lower_layers_hold_in_it(merged):
    tree = merged([member("d/old"), member("d/sub/old")], [member("d/new"), opaque("d")])
    assert paths(tree) == ["d", "d/new"]


def test_a_file_replaces_a_folder_and_all_in_it(merged):
    assert paths(merged([member("d/x/y")], [member("d", "file")])) == ["d"]


def test_a_folder_over_a_folder_keeps_what_is_in_it(merged):
    tree = merged([folder("d"), member("d/x")], [folder("d", mode=0o700)])
    assert paths(tree) == ["d", "d/x"] and tree.find("d").mode == 0o700


def test_a_folder_over_a_file_is_empty(merged):
    assert paths(merged([member("d")], [folder("d")])) == ["d"]


def test_a_folder_that_no_layer_wrote_is_implied(merged):
    tree = merged([member("a/b/c")])
    assert paths(tree) == ["a", "a/b", "a/b/c"]
    assert tree.find("a").implied and not tree.find("a/b/c").implied


def test_a_hard_link_is_the_file_that_it_repeats(merged):
    tree = merged([member("one", "data", mode=0o755)], [hardlink("two", "./one")], [member("one", "other")])
    assert (tree.find("two").kind, tree.find("two").size, tree.find("two").mode) == ("file", 4, 0o755)


def test_paths_lead_through_links_as_when_unpacked(merged):
    tree = merged([symlink("lib", "usr/lib"), folder("usr/lib")], [member("lib/x")], [member("/lib/../y")])
    assert paths(tree) == ["lib", "usr", "usr/lib", "usr/lib/x", "y"]
    assert merged([symlink("abs", "/etc"), member("etc/a")], [gone("abs/a")]).find("etc/a") is None


def test_no_path_leaves_the_root(merged):
    assert paths(merged([member("../../etc/a"), symlink("up", "../../.."), member("up/b"), member("/abs")])) == [
        "abs", "b", "etc", "etc/a", "up",
    ]


def test_links_in_circles_are_an_error(merged):
    with pytest.raises(BuildFailed, match=r"lead /a around in circles"):
        merged([symlink("a", "b"), symlink("b", "a")], [member("a/x")])


def test_a_path_that_no_system_holds_is_an_error(merged):
    with pytest.raises(BuildFailed, match="more than 4096 characters"):
        merged([member("a/" * 3000)])


def test_devices_pipes_and_odd_names_are_listed(merged):
    odd = "\udcff\n<script>"
    tree = merged([member("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3), member("p", kind=tarfile.FIFOTYPE), member(odd)])
    assert tree.find("null").link == "c 1:3"
    assert tree.find("p").kind == "pipe"
    assert tree.find(odd).kind == "file"


def test_extended_attributes_are_kept(merged):
    tree = merged([member("a", pax_headers={"SCHILY.xattr.security.capability": "x"})])
    assert tree.find("a").xattrs == (("security.capability", b"x"),)


def test_a_copy_is_a_tree_of_its_own(merged, tmp_path):
    tree = merged([member("d/x")])
    other = tree.copy()
    (tmp_path / "more").write_bytes(layer(member("d/y"), gone("d/x")))
    other.apply(read_layer(tmp_path / "more", "more"))
    assert paths(tree) == ["d", "d/x"] and paths(other) == ["d", "d/y"]


def test_a_tree_without_its_lowest_layers_keeps_whiteouts(merged):
    tree = merged([gone("a"), opaque("d"), member("d/x"), hardlink("h", "below")], complete=False)
    assert tree.find("a").kind == "whiteout"
    assert tree.find("d").hides and tree.find("h").kind == "hardlink"


def test_a_layer_that_is_cut_short_is_an_error(tmp_path):
    (tmp_path / "cut").write_bytes(layer(member("a", "x" * 2000))[:1500])
    with pytest.raises(BuildFailed, match="damaged"):
        list(read_layer(tmp_path / "cut", "cut"))
