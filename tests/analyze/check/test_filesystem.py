"""check keeps its tree by path, and diff's is made of folders: both must tell of the same image."""

from __future__ import annotations

import random
import re

import pytest

from analyze.diff.making import folder, gone, hardlink, layer, member, opaque, symlink
from stackbuild.analyze.check.filesystem import Tree
from stackbuild.analyze.check.layers import read_layer
from stackbuild.analyze.contents import Contents
from stackbuild.analyze.contents import read_layer as read_entries
from stackbuild.errors import BuildFailed

NAMES = ("a", "a/b", "a/b/c", "a/d", "e", "e/f", "u", "u/x", "u/x/y")
LINKS = ("a", "/e", "../a", "u/x", "a/b", "/")
NO_TEXTS = re.compile("(?!)")


def both(tmp_path, *layers) -> tuple[dict, dict]:
    """path -> kind, as check and as diff have it."""
    tree, contents = Tree(), Contents()
    for members in layers:
        blob = tmp_path / "layer"
        blob.write_bytes(layer(*members))
        contents.apply(read_entries(blob, "layer"))
        tree = tree.on([read_layer(blob, NO_TEXTS, tmp_path)])
    kinds = dict.fromkeys(tree.folders - {""}, "folder")
    kinds.update({path: node.entry.kind for path, node in tree.nodes.items()})
    return kinds, {path: node.kind for path, node in contents.walk()}


def some(chance: random.Random, path: str):
    makers = (
        lambda: member(path, "1"), lambda: folder(path), lambda: gone(path), lambda: opaque(path),
        lambda: hardlink(path, chance.choice(NAMES)), lambda: symlink(path, chance.choice(LINKS)),
    )
    return chance.choice(makers)()


def test_an_opaque_folder_is_found_through_links(tmp_path):
    one, other = both(tmp_path, [symlink("l", "d"), member("d/old")], [opaque("l"), member("l/new")])
    assert one == other == {"l": "symlink", "d": "folder", "d/new": "file"}


def test_a_hard_link_is_found_through_links_and_is_to_no_folder(tmp_path):
    one, other = both(tmp_path, [symlink("l", "d"), member("d/x")], [hardlink("x", "l/x"), hardlink("y", "d")])
    assert one == other and (one["x"], one["y"]) == ("file", "hardlink")


@pytest.mark.parametrize("seed", range(300))
def test_random_layers_make_the_same_tree(tmp_path, seed):
    chance = random.Random(seed)
    layers = [[some(chance, path) for path in chance.sample(NAMES, 4)] for _ in range(3)]
    try:
        one, other = both(tmp_path, *layers)
    except BuildFailed:  # links in circles: diff stops at them, check goes on as well as it can
        return
    assert one == other
