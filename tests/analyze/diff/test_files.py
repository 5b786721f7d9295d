"""Which files differ: the answer is that of two whole trees, and shared layers are read only when it needs them."""

from __future__ import annotations

import random

import pytest

from stackbuild.analyze.contents import Contents, read_layer
from stackbuild.analyze.diff import files
from stackbuild.analyze.diff.files import changed_files, compare
from stackbuild.errors import BuildFailed
from stackbuild.layer.write import Layer
from stackbuild.oci.model import LAYER, Image, ImageLayer
from stackbuild.oci.remote import Remote
from stackbuild.store import Store

from .making import digest, folder, gone, hardlink, layer, member, opaque, symlink


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store") as store:
        yield store


@pytest.fixture
def image(store):
    """An image of layers; the first `away` of them are not in the store."""

    def make(*layers: bytes, away: int = 0) -> Image:
        items = []
        for number, data in enumerate(layers):
            if number >= away:
                store.blobs.put(data)
            origin = "127.0.0.1:1/none" if number < away else ""
            items.append(ImageLayer(Layer(LAYER, digest(data), len(data), digest(data)), origin=origin))
        return Image("linux/amd64", {}, {}, tuple(items))

    return make


def found(a: Image, b: Image, store) -> dict[str, str]:
    """path -> status and differences, with a ? when it is not certain."""
    complete, changes = changed_files(a, b, store, Remote(), fetch=False)
    assert complete == all(change.certain for change in changes)
    return {
        change.path: " ".join([change.status, *change.differs]) + ("" if change.certain else "?") for change in changes
    }


def test_every_fact_is_compared(store, image):
    a = layer(member("m", mode=0o600), member("o", uid=1), member("c", "1"), symlink("l", "x"), member("t", mtime=1),
              member("x", pax_headers={"SCHILY.xattr.user.a": "1"}), member("k"), member("same"), member("gone"))
    b = layer(member("m", mode=0o644), member("o", uid=2), member("c", "2"), symlink("l", "y"), member("t", mtime=2),
              member("x", pax_headers={"SCHILY.xattr.user.a": "2"}), folder("k"), member("same"), member("new"))
    assert found(image(a), image(b), store) == {
        "m": "changed mode", "o": "changed owner", "c": "changed content", "l": "changed link", "t": "changed mtime",
        "x": "changed xattrs", "k": "changed kind", "gone": "removed", "new": "added",
    }


def test_a_shared_layer_is_not_read_when_the_answer_does_not_depend_on_it(store, image, monkeypatch):
    base = layer(member("etc/a", "base"))
    a, b = image(base, layer(member("etc/a", "1"))), image(base, layer(member("etc/a", "2")))
    read = []
    monkeypatch.setattr(files, "read_layer", lambda blob, name: read.append(name) or read_layer(blob, name))
    assert found(a, b, store) == {"etc/a": "changed content"}
    assert digest(base) not in read


def test_a_shared_layer_is_read_when_a_path_may_be_in_it(store, image):
    base = layer(folder("etc"), member("etc/a", "base"), member("d/x"), member("d/y"))
    lower = layer(member("other"))
    assert found(image(base, lower), image(base, lower, layer(member("etc/a", "2"))), store) == {"etc/a": "changed content"}
    assert found(image(base), image(base, layer(member("etc/a", "base"))), store) == {}
    assert found(image(base), image(base, layer(gone("d"))), store) == {"d": "removed", "d/x": "removed", "d/y": "removed"}
    assert found(image(base), image(base, layer(opaque("d"))), store) == {"d/x": "removed", "d/y": "removed"}
    assert found(image(base), image(base, layer(gone("nothing"))), store) == {}
    assert found(image(base), image(base, layer(hardlink("h", "d/x"))), store) == {"h": "added"}


def test_what_a_layer_that_both_have_shadows_does_not_differ(store, image):
    top = layer(member("shadowed"), gone("deleted"))
    a = layer(member("shadowed", "1"), member("deleted", "1"), member("seen", "1"))
    b = layer(member("shadowed", "2"), member("deleted", "2"), member("seen", "2"))
    assert found(image(a, top), image(b, top), store) == {"seen": "changed content"}


def test_without_shared_layers_what_they_may_hold_is_uncertain(store, image):
    base = layer(member("d/x"))
    top = layer(member("new"), gone("d/x"), opaque("e"), member("both", "1"), gone("both2"), member("both2"))
    a, b = image(base, layer(member("both", "2"), member("f/x")), away=1), image(base, top, layer(folder("f"), member("f/x")), away=1)
    assert found(a, b, store) == {
        "f": "changed?",
        "new": "added?", "d/x": "removed?", "e": "removed below?", "both": "changed content", "both2": "added?",
    }


def test_a_file_that_both_hide_is_certain_without_shared_layers(store, image):
    base, hiding = layer(member("d/x")), layer(opaque("d"), member("d/old"))
    top = layer(member("d/new"), member("d/old", "2"))
    a, b = image(base, hiding, away=1), image(base, hiding, top, away=1)
    assert found(a, b, store) == {"d/new": "added", "d/old": "changed content"}


def test_equal_images_are_not_read(store, image):
    base = layer(member("a"))
    assert found(image(base, away=1), image(base, away=1), store) == {}


NAMES = ("a", "a/b", "a/b/c", "a/d", "e", "e/f", "u", "u/x")


def _random_layer(chance: random.Random, *names: str) -> bytes:
    """Four random changes; links stand only where the layers above that are compared write nothing in them."""
    made = []
    for path in chance.sample(names, 4):
        make = chance.choice([
            lambda path: member(path, chance.choice("12")), lambda path: folder(path, mode=chance.choice([0o700, 0o755])),
            gone, opaque, lambda path: hardlink(path, chance.choice(names)),
        ])
        made.append(symlink(path, chance.choice(["u", "/e", "../a"])) if path.startswith("l") else make(path))
    return layer(*made)


def test_reading_less_gives_the_answer_of_reading_all(store, image, tmp_path):
    """Random layers, several shared: what is found equals a comparison of two whole trees."""
    chance, compared = random.Random(7), 0
    for _ in range(200):
        shared = [_random_layer(chance, *NAMES, "l1", "l2") for _ in range(chance.randint(0, 2))]
        tops = [[_random_layer(chance, *NAMES, "l1", "l3", "l3/x", "l3/d") for _ in range(chance.randint(0, 2))] for _ in "ab"]
        both = [_random_layer(chance, *NAMES, "l3") for _ in range(chance.randint(0, 1))]
        a, b = (image(*shared, *top, *both) for top in tops)
        trees = []
        try:
            for one in (a, b):
                tree = Contents()
                for item in one.layers:
                    tree.apply(read_layer(store.blobs.path(item.layer.digest), item.layer.diff_id))
                trees.append(tree)
        except BuildFailed:
            continue  # links in circles
        whole = {(change.path, change.status, change.differs) for change in compare(*trees)}
        complete, changes = changed_files(a, b, store, Remote(), fetch=False)
        assert complete
        assert {(change.path, change.status, change.differs) for change in changes} == whole
        compared += 1
    assert compared > 100


def test_a_layer_that_was_only_compressed_anew_holds_the_same_files(store, image):
    data = layer(member("a"))
    other = Image("linux/amd64", {}, {}, tuple(
        ImageLayer(Layer(LAYER + "+gzip", "sha256:" + "0" * 64, 1, item.layer.diff_id), origin="127.0.0.1:1/none")
        for item in image(data).layers
    ))
    assert found(image(data, layer(member("b"))), other, store) == {"b": "removed"}
