"""`stackbuild diff`, as typed: what the two sides may be, what is said of them, and the exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stackbuild.analyze.diff.documents import package_changes
from stackbuild.analyze.diff.sides import kind_of
from stackbuild.cli import diff as command
from stackbuild.layer.write import Layer
from stackbuild.oci.model import LAYER, Image, ImageLayer
from stackbuild.store import Store

from .making import folder, gone, layer, layout, member


@pytest.fixture
def diff(tree):
    """The one platform of a comparison that two layouts (a list of layers, and more of `layout`) make."""

    def compare(a: dict, b: dict, *arguments: str) -> dict:
        for name, made in (("a", a), ("b", b)):
            layout(tree.root / name, **made)
        status, out, err = tree.run("diff", "a", "b", "--json", *arguments)
        assert status == 0, err
        [platform] = json.loads(out)["platforms"]
        return platform

    return compare


def rows(platform: dict) -> list[tuple[str, str]]:
    return [(item["status"], item["name"]) for item in platform["layers"]]


def made_by(*commands: str) -> list[dict]:
    return [{"created_by": command} for command in commands]


ONE, TWO, THREE, FOUR = (layer(member(name, name)) for name in ("one", "two", "three", "four"))


def test_layers_are_paired_by_the_targets_that_an_images_history_names(diff):
    platform = diff(
        {"layers": [ONE, TWO], "history": made_by("ADD file", "stackbuild //a:x")},
        {"layers": [ONE, THREE, FOUR], "history": made_by("ADD file", "stackbuild //a:y", "stackbuild //a:x")},
    )
    assert rows(platform) == [("same", "ADD file"), ("added", "//a:y"), ("changed", "//a:x")]
    assert platform["layers"][2]["files"] == {"added": 1, "removed": 1}


def test_layers_without_a_name_are_paired_by_place(diff):
    assert rows(diff({"layers": [ONE, TWO, FOUR]}, {"layers": [ONE, THREE, FOUR]})) == [("same", ""), ("changed", ""), ("same", "")]


def test_a_layer_that_is_gone_stands_where_it_stood(diff):
    assert rows(diff({"layers": [ONE, TWO, FOUR]}, {"layers": [ONE, FOUR]})) == [("same", ""), ("removed", ""), ("same", "")]


def test_layers_in_another_order_moved(diff):
    history = made_by("stackbuild //:x", "stackbuild //:y")
    platform = diff({"layers": [ONE, TWO], "history": history}, {"layers": [TWO, ONE], "history": history[::-1]})
    assert sorted(status for status, _ in rows(platform)) == ["moved", "same"]
    assert platform["files"]["changes"] == [] and platform["pull"]["blobs"] == 1


def test_a_layer_compressed_anew_is_pulled_though_its_files_are_the_same(diff):
    big = layer(member("big", "text " * 1000))
    platform = diff({"layers": [big]}, {"layers": [big], "level": 1})
    assert rows(platform) == [("recompressed", "")] and platform["status"] == "changed"
    assert platform["pull"] == {"bytes": platform["layers"][0]["b"]["size"], "blobs": 1}


def test_the_configuration_is_compared_field_by_field(diff):
    platform = diff(
        {"layers": [ONE], "config": {"Env": ["A=1", "B=", "C=3"], "Cmd": ["x"], "User": "1", "Volumes": {"/v": {}}, "Labels": None}},
        {"layers": [ONE], "config": {"Env": ["C=3", "A=2"], "Cmd": ["x", "y"], "Labels": {"l": "1"}, "Volumes": {"/v": {}, "/w": {}}}},
    )
    found = {(item["field"], item["name"]): (item["a"], item["b"]) for item in platform["config"]}
    assert found == {
        ("env", "A"): ("1", "2"), ("env", "B"): ("", None), ("cmd", ""): (["x"], ["x", "y"]), ("user", ""): ("1", None),
        ("labels", "l"): (None, "1"), ("volumes", "/w"): (None, {}),
    }
    assert platform["pull"]["blobs"] == 1  # the configuration


def test_the_root_itself_is_compared_and_annotations_of_no_form_are_none(diff):
    platform = diff({"layers": [layer(folder("./", mode=0o700))], "annotations": ["x"]}, {"layers": [layer(folder(".", mode=0o755))]})
    assert [(change["path"], change["differs"]) for change in platform["files"]["changes"]] == [("/", ["mode"])]
    assert platform["annotations"] == []


def test_annotations_are_compared(diff):
    platform = diff({"layers": [ONE], "annotations": {"a": "1", "b": "1"}}, {"layers": [ONE], "annotations": {"a": "2"}})
    assert platform["annotations"] == [{"name": "a", "a": "1", "b": "2"}, {"name": "b", "a": "1", "b": None}]
    assert platform["status"] == "changed" and platform["pull"]["blobs"] == 0


def test_a_file_is_described_on_both_sides(diff):
    platform = diff({"layers": [ONE, layer(member("one", "1", mode=0o4755, uid=3, gid=4, mtime=5))]}, {"layers": [ONE]})
    [change] = platform["files"]["changes"]
    assert {key: change[key] for key in ("path", "status", "certain", "differs")} == {
        "path": "/one", "status": "changed", "certain": True, "differs": ["mode", "owner", "content", "mtime"],
    }
    assert change["a"] == {
        "kind": "file", "mode": "4755", "owner": "3:4", "size": 1, "mtime": 5, "link": None, "xattrs": {},
        "digest": "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
        "layer": platform["layers"][1]["a"]["diff_id"],
    }


def test_several_platforms_are_compared_one_by_one(tree):
    layout(tree.root / "a", [ONE], platforms=("linux/amd64", "linux/arm64"))
    layout(tree.root / "b", [TWO], platforms=("linux/arm64", "linux/s390x"))
    found = json.loads(tree.run("diff", "a", "b", "--json")[1])
    assert [(item["platform"], item["status"]) for item in found["platforms"]] == [
        ("linux/arm64", "changed"), ("linux/s390x", "added"), ("linux/amd64", "removed"),
    ]
    found = json.loads(tree.run("diff", "a", "b", "--json", "--platform", "linux/arm64")[1])
    assert [item["platform"] for item in found["platforms"]] == ["linux/arm64"]
    status, _, err = tree.run("diff", "a", "b", "--platform", "linux/s390x")
    assert (status, err) == (2, "a has nothing for linux/s390x; it has linux/amd64, linux/arm64\n")


def test_the_status_is_0_unless_it_is_asked_to_tell(tree):
    layout(tree.root / "a", [ONE])
    layout(tree.root / "b", [TWO])
    assert tree.run("diff", "a", "b")[0] == 0
    assert tree.run("diff", "a", "b", "--exit-code")[0] == 1
    assert tree.run("diff", "a", "a", "--exit-code")[:2] == (0, "a  a\nb  a\n\nlinux/amd64  the same\n")


def test_no_files_are_compared_when_none_are_wanted(diff):
    assert diff({"layers": [ONE]}, {"layers": [TWO]}, "--no-files")["files"] is None


def test_a_target_an_image_on_disk_and_archives_are_compared_alike(tree):
    tree.write("f", "1")
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["f"]\n[image.i]\nlayers = [":f"]\nlabels = { a = "b" }\nannotations = { c = "d" }\n')
    for kind in ("oci", "oci-archive", "docker-archive"):
        assert tree.run("image", "//:i", "--format", kind, "--output", kind, "--tag", "i:1")[0] == 0
    assert tree.run("diff", "//:i", "./oci", "--exit-code")[0] == 0
    assert tree.run("diff", "oci-archive", "oci", "--exit-code")[0] == 0
    out = tree.run("diff", "oci", "docker-archive")[1]  # which holds no annotations
    assert "0 of 1 layers differ, files none, annotations 1, to pull 0 B" in out
    tree.write("f", "2")
    status, out, _ = tree.run("diff", "oci", ":i", "--progress", "none")
    assert status == 0 and "    //:f\n      ~  /f  content\n" in out


def test_two_images_on_disk_need_no_workspace(tree, tmp_path, monkeypatch):
    layout(tmp_path / "a", [ONE])
    (tree.root / "BUILD.toml").unlink()
    status, out, _ = tree.run("diff", str(tmp_path / "a"), str(tmp_path / "a"))
    assert status == 0 and "the same" in out
    assert tree.run("diff", str(tmp_path / "a"), "//:i")[0] == 2


def test_packages_are_compared_where_targets_put_them_in(tmp_path):
    def image(store: Store, *packages: tuple[str, str, str]) -> Image:
        digest = "sha256:" + "1" * 64
        listed = [{"ecosystem": kind, "name": name, "version": version, "layer": digest} for kind, name, version in packages]
        document = store.blobs.put(json.dumps(listed).encode())
        return Image("linux/amd64", {}, {}, (ImageLayer(Layer(LAYER, digest, 1, digest), packages=document),))

    with Store(tmp_path) as store:
        a = image(store, ("deb", "libc6", "2.36"), ("npm", "ms", "1"), ("npm", "ms", "2"), ("deb", "gone", "1"), ("deb", "kept", "1"))
        b = image(store, ("deb", "libc6", "2.37"), ("npm", "ms", "2"), ("wheel", "new", "1"), ("deb", "kept", "1"))
        assert [tuple(change.data().values()) for change in package_changes(a, b, store)] == [
            ("deb", "gone", ["1"], []), ("deb", "libc6", ["2.36"], ["2.37"]), ("npm", "ms", ["1", "2"], ["2"]), ("wheel", "new", [], ["1"]),
        ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("//app:img", "target"), (":img", "target"), ("app:img", "target"), ("app/sub:img", "target"), ("//my.app/x:i", "target"),
        ("./app:img", "path"), ("../x", "path"), ("/x/y", "path"),
        ("registry.example/app:tag", "registry"), ("localhost/app", "registry"), ("host:5000/app@sha256:" + "0" * 64, "registry"),
        ("docker.io/library/python:3.12", "registry"), ("python:3.12", "target"),
    ],
)
def test_what_an_argument_names_is_told_by_its_form(text, kind):
    assert kind_of(text) == kind


def test_an_image_that_lies_there_is_taken_before_a_target(tree, monkeypatch):
    layout(tree.root / "my.app/img", [ONE])
    monkeypatch.chdir(tree.root)
    assert (kind_of("my.app/img"), kind_of("//my.app/img")) == ("path", "target")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["//:i"], "1 images are named, and 2 needed; write 'diff A B', or 'diff --against REV TARGET'"),
        (["a", "b", "c"], "3 images are named, and 2 needed"),
        (["a", "b", "--against", "HEAD"], "2 images are named, and 1 needed"),
        (["./none", "a"], "there is no ./none; give an OCI layout folder"),
        (["reg.example/UPPER", "a"], "'reg.example/UPPER' is not an image"),
        (["//:none", "a"], "no target //:none"),
        (["//:f", "a"], "the specs mean no image"),
        (["//...", "a"], "'//...' means 2 images; name one"),
        (["--against", "HEAD", "./a"], "'./a' is no target, and only those have revisions"),
        (["a", "a", "--platform", "x"], "'x' is not a platform"),
    ],
)
def test_wrong_requests_say_what_is_wrong(tree, arguments, said):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["f"]\n[image.i]\nlayers = [":f"]\n[image.j]\nlayers = [":f"]\n')
    tree.write("f")
    layout(tree.root / "a", [ONE])
    status, out, err = tree.run("diff", *arguments)
    assert status in (1, 2) and out == "" and said in err and err.count("\n") == 1


def test_the_text_shows_the_most_important_first_and_says_what_it_left_out(tree):
    old = layer(*(member(f"t{number:03}", mtime=1) for number in range(60)), member("z", "1"))
    new = layer(*(member(f"t{number:03}", mtime=2) for number in range(60)), member("z", "22"))
    layout(tree.root / "a", [old])
    layout(tree.root / "b", [new])
    out = tree.run("diff", "a", "b")[1]
    assert "files ~1 (60 in time only)" in out.splitlines()[3]
    assert "~  /z  content 1 B -> 2 B" in out and "and 11 more; --all shows them" in out
    assert out.count("  time\n") == 49 and tree.run("diff", "a", "b", "--all")[1].count("  time\n") == 60


HOSTILE = "</script><script>alert(1)</script>\u202e\x1b[31m\udcff"


def test_hostile_names_stay_names(tree):
    layout(tree.root / "a", [layer(folder("d"))], config={"Env": ["A=</del>"], "Labels": {HOSTILE: HOSTILE}}, history=made_by(HOSTILE))
    layout(tree.root / "b", [layer(folder("d"), member(f"d/{HOSTILE}", "x"))], annotations={"<b>": "<i>"}, history=made_by("<u>"))
    status, out, err = tree.run("diff", "a", "b")
    assert status == 0 and err == "" and "\x1b" not in out and "\u202e" not in out and r"\udcff" in out
    assert tree.run("diff", "a", "b", "--html", "page.html") == (0, "", "")
    page = (tree.root / "page.html").read_text("utf-8")
    assert page.count("<script") == 2 and page.count("</script>") == 2  # the page's own, and its data
    assert not re.search(r"<(b|i|u)>(?!\d)", page.replace("<b>+", "")) and "http" not in page.replace("http-equiv", "")
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    row = json.loads(data)[0][-1]
    assert row[:2] == ["added", True] and row[2].startswith("/d/</script><script>alert(1)</script>\\u202e")


def test_the_page_holds_at_most_so_many_files(tree, monkeypatch):
    monkeypatch.setattr(command, "_MOST_OF_A_PAGE", 2)
    layout(tree.root / "a", [layer(*(member(str(number)) for number in range(5)))])
    layout(tree.root / "b", [layer(gone("x"))])
    tree.run("diff", "a", "b", "--html", "page.html")
    assert "The first 2 of 5 files are on this page." in Path(tree.root, "page.html").read_text()
