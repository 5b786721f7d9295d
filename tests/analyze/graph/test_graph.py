"""What `graph` prints: targets and what they need, and what the records of earlier builds know of them."""

from __future__ import annotations

import json
import re

import pytest

from stackbuild.analyze.graph.look import role
from stackbuild.api import Workspace
from stackbuild.deliver.progress import Quiet

BUILD = """
[files.a]
srcs = ["a.txt"]
to = "/a"
[files.b]
srcs = ["b.txt"]
to = "/b"
[image.one]
layers = [":a", ":b"]
[image.two]
base = ":one"
layers = ["//lib:c"]
[index.both]
images = [":one"]
"""
LIB = '[files.c]\ndescription = "The common files."\nsrcs = ["c.txt"]\nto = "/c"\n'


@pytest.fixture
def shop(tree):
    """Three layers, of which two images share two."""
    tree.write("shop/BUILD.toml", BUILD)
    tree.write("lib/BUILD.toml", LIB)
    for name in ("shop/a", "shop/b", "lib/c"):
        tree.write(f"{name}.txt", name * 100)
    return tree


def graph(tree, *specs: str) -> dict:
    status, out, err = tree.run("graph", "--json", *(specs or ("//...",)))
    assert (status, err) == (0, "")
    return json.loads(out)


def targets(tree, *specs: str) -> dict[str, dict]:
    return {target["address"]: target for target in graph(tree, *specs)["targets"]}


def test_dot_has_a_cluster_for_each_folder_and_an_edge_for_each_need(shop):
    status, out, err = shop.run("graph", "//shop:two")
    assert (status, err) == (0, "")
    assert re.findall(r"label=(\"//.*\")", out) == ['"//lib"', '"//shop"']
    assert [line.strip() for line in out.splitlines() if "->" in line] == [
        '"//shop:one" -> "//shop:a"', '"//shop:one" -> "//shop:b"', '"//shop:two" -> "//lib:c"', '"//shop:two" -> "//shop:one"']
    assert "both" not in out


def test_shapes_say_what_a_target_gives_and_colours_its_type(shop):
    lines = shop.run("graph", "//...")[1].splitlines()
    shapes = {m[1]: (m[2], m[3]) for line in lines if (m := re.search(r'"//.*:(\w+)" \[.*shape=(\w+), fillcolor="(.*)"', line))}
    assert shapes["a"] == shapes["b"] == shapes["c"] and shapes["one"] == shapes["two"]
    assert [shapes[name][0] for name in ("a", "one", "both")] == ["box", "box3d", "folder"]
    assert len({shapes[name][1] for name in ("a", "one", "both")}) == 3


@pytest.mark.parametrize("gives, expected", [
    ({"layers", "files"}, "layer"), ({"image", "images"}, "image"), ({"images"}, "index"), ({"image"}, "base"), ({"files"}, "other"), ((), "other")])
def test_a_plugins_type_is_drawn_by_what_it_gives(gives, expected):
    assert role(gives) == expected


def test_mermaid_draws_the_same(shop):
    status, out, err = shop.run("graph", "//shop:two", "--format", "mermaid")
    assert (status, err) == (0, "") and out.startswith("flowchart LR\n")
    ids = dict(re.findall(r"(n\d+)\W+(\w+)<br/>", out))
    edges = {(ids[one], ids[other]) for one, other in re.findall(r"(n\d+) --> (n\d+)", out)}
    assert edges == {("one", "a"), ("one", "b"), ("two", "c"), ("two", "one")}
    assert out.count("subgraph") == out.count("  end\n") == 2


@pytest.mark.parametrize("format", ["dot", "mermaid", "json"])
def test_the_same_tree_gives_the_same_drawing(shop, format):
    first = shop.run("graph", "//...", "--format", format)
    assert first == shop.run("graph", "//shop:all", "//lib:all", "--format", format) and first[0] == 0


def test_no_name_is_markup(tree):
    folder = 'a"b & <i>&lt; #quot; `x` ü'
    tree.write(f"{folder}/BUILD.toml", '[files.end]\ndirs = ["/x"]\n')
    dot = tree.run("graph", "//...")[1]
    assert r'label="//a\"b &amp; <i>&amp;lt; #quot; `x` ü"' in dot and f'"//{folder}:end"'.replace('"b', r"\"b") in dot
    mermaid = tree.run("graph", "//...", "--format", "mermaid")[1]
    assert '["//a#34;b #38; #60;i#62;#38;lt#59; #35;quot#59; #96;x#96; ü"]' in mermaid


def test_nothing_is_built_and_what_was_never_built_is_unknown(shop):
    found = graph(shop)
    assert {(target["known"], target["size"], target["last"]) for target in found["targets"]} == {(False, None, None)}
    assert found["layers"] == [] and found["build"] is None
    assert json.loads(shop.run("store", "info", "--json")[1])["records"] == 0


def test_sizes_are_those_of_the_images(shop):
    layers = {layer["target"]: layer["size"] for layer in shop.image("//shop:two")["layers"]}
    found = targets(shop)
    assert {address: found[address]["size"] for address in layers} == layers
    assert found["//shop:two"]["size"] == sum(layers.values())
    assert found["//shop:both"]["known"] is False
    assert found["//lib:c"]["description"] == "The common files."


def test_sharing_counts_images_and_not_their_indexes(shop):
    shop.image("//...")
    layers = {tuple(layer["made_by"]): layer for layer in graph(shop)["layers"]}
    shared = layers["//shop:a",]
    assert (shared["images"], shared["saved"]) == (2, shared["size"])
    assert shared["used_by"] == ["//shop:one", "//shop:two"]
    assert (layers["//lib:c",]["images"], layers["//lib:c",]["saved"]) == (1, 0)


def test_a_layer_that_two_targets_make_is_of_both(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.x]\ndirs = ["/d"]\n[files.y]\ndirs = ["/d"]\n[image.i]\nlayers = [":x"]\n')
    tree.image("//:all")
    assert [layer["made_by"] for layer in graph(tree)["layers"]] == [["//:x", "//:y"]]


def test_what_the_last_build_did_and_why(shop):
    shop.image("//...")
    assert {target["last"]["status"] for target in targets(shop).values()} == {"built"}
    assert targets(shop)["//lib:c"]["last"]["causes"] == ["never built before"]
    shop.write("lib/c.txt", "other")
    shop.image("//...")
    found = targets(shop)
    assert {address: target["last"]["status"] for address, target in found.items()} == {
        "//lib:c": "built", "//shop:a": "reused", "//shop:b": "reused", "//shop:both": "reused", "//shop:one": "reused", "//shop:two": "built"}
    assert found["//lib:c"]["last"]["causes"] == ["file c.txt changed"]
    assert found["//shop:two"]["last"]["causes"] == ["dependency //lib:c (gzip) changed"]
    shop.image("//shop:one")
    assert targets(shop)["//shop:one"]["last"]["status"] == "reused" and targets(shop)["//lib:c"]["last"] is None


def test_what_an_image_was_when_it_was_asked_for_itself_gives_way(shop):
    shop.image("//shop:one")
    shop.write("shop/a.txt", "other")
    shop.image("//shop:two")  # which builds //shop:one for a platform only
    assert {tuple(layer["made_by"]): layer["images"] for layer in graph(shop)["layers"]} == {("//shop:a",): 2, ("//shop:b",): 2, ("//lib:c",): 1}


def test_a_lost_blob_is_a_cause(shop):
    layer = shop.image("//lib:c")["layers"][0]["digest"]
    store = shop.root.parent / "store"
    (store / "blobs" / layer.replace(":", "/")).unlink()
    shop.image("//lib:c")
    assert targets(shop)["//lib:c"]["last"]["causes"] == ["its blob was missing or damaged"]


def test_a_build_that_failed_is_remembered_too(shop):
    (shop.root / "lib/c.txt").unlink()
    assert shop.run("image", "//shop:two", "--progress", "none")[0] == 2
    found = targets(shop)
    assert [found[address]["last"] and found[address]["last"]["status"] for address in ("//lib:c", "//shop:a", "//shop:two")] == ["failed", "built", None]
    assert graph(shop)["build"]["finished"] is True


def test_a_build_that_was_interrupted_says_so(shop):
    class Impatient(Quiet):
        def finished(self, outcome):
            raise KeyboardInterrupt

    with Workspace.open(shop.root) as workspace, pytest.raises(KeyboardInterrupt):
        workspace.build("//lib:c", listener=Impatient())
    assert graph(shop)["build"]["finished"] is False and targets(shop)["//lib:c"]["last"]["status"] == "built"


def test_a_workspace_knows_its_own_builds_only(shop, tmp_path):
    shop.image("//...")
    shop.root.rename(tmp_path / "moved")
    shop.root = tmp_path / "moved"
    assert graph(shop)["build"] is None


def test_every_platform_is_a_result(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.x]\ndirs = ["/d"]\n[image.i]\nlayers = [":x"]\nplatforms = ["linux/amd64", "linux/arm64"]\n')
    tree.image("//:i")
    found = targets(tree)
    assert [result["variant"] for result in found["//:i"]["results"]] == ["linux/amd64", "linux/arm64"]
    [layer] = graph(tree)["layers"]
    assert layer["images"] == 2 and found["//:i"]["size"] == layer["size"]


@pytest.mark.parametrize("arguments, says", [
    (["//shop:tow"], "did you mean '//shop:two'?"), (["//...", "-//..."], "the specs mean no target"), (["//...", "--format", "svg"], "unknown command or choice 'svg'"), (["//...", "--json", "--html", "x"], "not allowed with")])
def test_a_wrong_request_is_one_line(shop, arguments, says):
    status, out, err = shop.run("graph", *arguments)
    assert (status, out, len(err.splitlines())) == (2, "", 1) and says in err


def test_a_page_that_cannot_be_written_is_one_line(shop):
    shop.write("file")
    status, out, err = shop.run("graph", "//...", "--html", "file/page.html")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
