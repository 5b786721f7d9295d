"""`why` names what a person changed, once, with the shortest way to it, and nothing else."""

from __future__ import annotations

import json
import os
import random
import subprocess

import pytest

BUILD = """
[workspace]
[defaults.files]
owner = "0:0"
[files.common]
srcs = ["common/*"]
to = "/common"
[image.base]
layers = [":common"]
"""
APP = """
[files.src]
srcs = ["src/**"]
to = "/app"
[files.again]
srcs = [":src"]
to = "/again"
[image.img]
base = "//:base"
layers = [":src"]
env = { PORT = "80" }
[image.two]
layers = [":src", ":again"]
"""


@pytest.fixture
def shop(tree):
    """Two images that share a layer, one of them on a base that is built here too."""
    tree.write("BUILD.toml", BUILD)
    tree.write("app/BUILD.toml", APP)
    tree.write("common/c", "c")
    tree.write("app/src/main.sh", "1")
    tree.write("app/src/data", "d")
    return tree


def why(tree, *arguments):
    status, out, err = tree.run("why", "--json", *arguments)
    assert status == 0, err
    return json.loads(out)


def causes(tree, *arguments):
    """text -> the way, by addresses."""
    return {cause["text"]: [node.split(" ")[0] for node in cause["way"]] for cause in why(tree, *arguments)["causes"]}


def git(tree, *words):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        env[name] = "somebody"
    subprocess.run(["git", *words], cwd=tree.root, env=env, check=True, capture_output=True)


def commit(tree):
    if not (tree.root / ".git").exists():
        git(tree, "init", "-q")
        tree.write(".gitignore", "dist/\n")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "x", "--allow-empty")


def test_an_edited_file_is_the_only_cause_with_the_way_to_it(shop):
    shop.image("//...")
    shop.write("app/src/main.sh", "2")
    assert shop.run("why", "//app:img")[1].splitlines() == [
        "//app:img is to be built:",
        "file app/src/main.sh changed",
        "    //app:img -> //app:src (gzip)",
    ]


def test_what_two_ways_reach_is_named_once_by_the_shortest(shop):
    shop.image("//...")
    shop.write("app/src/main.sh", "2")
    [cause] = why(shop, "//app:two")["causes"]
    assert cause["way"] == ["//app:two", "//app:two (linux/amd64)", "//app:src (gzip)"]
    assert cause["nodes"] == [{"target": "//app:src", "variant": "gzip"}]
    found = why(shop, "//...")
    assert [cause["text"] for cause in found["causes"]] == ["file app/src/main.sh changed"]
    assert found["causes"][0]["reaches"] == ["//app:img", "//app:two"]
    assert "//app:again" in {node["target"] for node in found["carried"]}


def test_once_it_is_built_the_last_build_is_explained(shop):
    shop.image("//...")
    assert shop.run("why", "//...")[1] == "all 6 targets are up to date, and no earlier build is known\n"
    shop.write("app/src/main.sh", "2")
    shop.image("//...")
    _, out, _ = shop.run("why", "//app:img")
    assert out.startswith("//app:img is up to date; what changed since the build before:\nfile app/src/main.sh changed\n")


def test_the_past_is_that_of_the_node_above_however_often_the_need_was_built_since(shop):
    shop.image("//...")
    shop.write("app/src/main.sh", "2")
    shop.image("//app:src", "--output", "none")
    shop.write("app/src/data", "e")
    shop.image("//app:src", "--output", "none")
    shop.write("app/src/more", "f")
    shop.image("//app:src", "--output", "none")
    assert set(causes(shop, "//app:img")) == {
        "file app/src/main.sh changed", "file app/src/data changed", "file app/src/more added",
    }  # fmt: skip


def test_what_was_never_built_has_no_past(shop):
    _, out, _ = shop.run("why", "//...")
    assert out.splitlines() == [
        "all 6 targets are to be built:", "never built before", "    //:base", "    also in //app:img, //app:two",
    ]  # fmt: skip


def test_a_layer_that_comes_out_the_same_is_no_cause(shop):
    shop.image("//...")
    shop.write("app/BUILD.toml", APP.replace('to = "/app"', 'to = "/app/"'))
    shop.image("//app:src", "--output", "none")
    assert why(shop, "//app:img")["causes"] == []


CHANGES = {
    "content": (lambda t: t.write("app/src/data", "other"), "file app/src/data changed", "//app:src"),
    "mode": (lambda t: (t.root / "app/src/data").chmod(0o755), "file app/src/data changed mode: 0644 -> 0755", "//app:src"),
    "both": (lambda t: t.write("app/src/data", "x", 0o755), "file app/src/data changed, and its mode: 0644 -> 0755", "//app:src"),
    "added": (lambda t: t.write("app/src/new", "x"), "file app/src/new added", "//app:src"),
    "removed": (lambda t: (t.root / "app/src/data").unlink(), "file app/src/data removed", "//app:src"),
    "link": (
        lambda t: ((t.root / "app/src/data").unlink(), (t.root / "app/src/data").symlink_to("main.sh")),
        "file app/src/data became a link to main.sh", "//app:src",
    ),
    "field": (lambda t: t.write("app/BUILD.toml", APP.replace('"/app"', '"/opt"')), 'field to: "/app" -> "/opt"', "//app:src"),
    "mode field": (
        lambda t: t.write("app/BUILD.toml", APP.replace('to = "/app"', 'to = "/app"\nmode = "0600"')),
        'field mode: none -> "0600"', "//app:src",
    ),
    "default": (lambda t: t.write("BUILD.toml", BUILD.replace("0:0", "7:8")), 'field owner: "0:0" -> "7:8"', "//app:src"),
    "variable": (lambda t: t.write("app/BUILD.toml", APP.replace("80", "81")), 'field env.PORT: "80" -> "81"', "//app:img"),
    "list": (
        lambda t: t.write("app/BUILD.toml", APP.replace('[":src"]\nenv', '[":src", ":again"]\nenv')),
        'field layers: added "//app:again"', "//app:img",
    ),
    "srcs": (
        lambda t: t.write("app/BUILD.toml", APP.replace('["src/**"]', '["src/**", "!src/data"]')),
        'field srcs: added "!src/data"', "//app:src",
    ),
    "order": (
        lambda t: t.write("app/BUILD.toml", APP.replace('[":src", ":again"]', '[":again", ":src"]')),
        "field layers: in another order", "//app:two",
    ),
    "mtime": (
        lambda t: t.write("app/BUILD.toml", APP.replace('to = "/app"', 'to = "/app"\nmtime = 5')),
        "field mtime: none -> 5", "//app:src",
    ),
    "base": (lambda t: t.write("common/c", "other"), "file common/c changed", "//:common"),
    "platform": (
        lambda t: t.write("BUILD.toml", BUILD.replace("[workspace]", '[workspace]\nplatforms = ["linux/amd64", "linux/arm64"]')),
        "dependency //app:img (linux/arm64) added", "//app:img",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("against", ["build", "revision", "record"])
def test_each_change_has_its_words_against_all_that_it_can_be_compared_with(shop, tmp_path, change, against, need):
    need("git")
    edit, text, at = CHANGES[change]
    commit(shop)
    shop.image("//...")
    record = str(tmp_path / "record.json")
    assert shop.run("why", "//...", "--export", record)[0] == 0
    edit(shop)
    arguments = {"build": [], "revision": ["--against", "HEAD"], "record": ["--against", record]}[against]
    spec = "//app:two" if change == "order" else "//app:img"
    [found] = why(shop, spec, *arguments)["causes"]
    assert found["text"] == text
    assert found["nodes"][0]["target"] == at or change == "default"
    if change == "default":
        assert found["where"] == "BUILD.toml:4:9" and {node["target"] for node in found["nodes"]} == {"//app:src", "//:common"}
    shop.image("//...")
    assert list(causes(shop, spec, *arguments)) == [text]


def test_a_renamed_target_is_a_changed_field_of_those_who_name_it(shop):
    shop.image("//...")
    shop.write("app/BUILD.toml", APP.replace("files.src", "files.code").replace('":src"', '":code"'))
    found = why(shop, "//app:img")
    assert [cause["text"] for cause in found["causes"]] == ['field layers: removed "//app:src", added "//app:code"']
    assert found["causes"][0]["where"] == "app/BUILD.toml:10:10"


def test_equal_causes_of_several_variants_are_one(shop):
    shop.write("BUILD.toml", BUILD.replace("[workspace]", '[workspace]\nplatforms = ["linux/amd64", "linux/arm64"]'))
    shop.image("//...")
    shop.write("app/BUILD.toml", APP.replace("80", "81"))
    assert shop.run("why", "//app:img")[1].splitlines()[1:3] == [
        'field env.PORT: "80" -> "81"  (app/BUILD.toml:11:16)', "    //app:img (linux/amd64; linux/arm64)",
    ]  # fmt: skip


def test_a_lost_blob_is_a_cause(shop):
    image = shop.image("//app:img")
    digest = image["layers"][-1]["digest"].removeprefix("sha256:")
    (shop.root.parent / "store/blobs/sha256" / digest).unlink()
    assert causes(shop, "//app:img") == {"its blob is missing or damaged": ["//app:img", "//app:img", "//app:src"]}


def test_the_epoch_is_one_cause_for_all(shop, monkeypatch):
    shop.image("//...")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    assert list(causes(shop, "//...")) == ["the time of its entries changed: 0 -> 5"]


def test_of_many_causes_the_first_are_shown_and_all_on_demand(shop):
    shop.image("//...")
    for number in range(20):
        shop.write(f"app/src/n{number:02}", "x")
    lines = shop.run("why", "//app:img")[1].splitlines()
    assert lines[-1] == "and 12 more causes (--all shows them)" and len(lines) == 1 + 8 * 2 + 1
    assert len(shop.run("why", "//app:img", "--all")[1].splitlines()) == 1 + 20 * 2


def test_a_long_way_is_shown_by_its_ends(tree):
    images = "".join(f"[image.i{at + 1}]\nbase = ':i{at}'\n" for at in range(20))
    tree.write("BUILD.toml", f"[workspace]\n[files.f]\nsrcs = ['f']\n[image.i0]\nlayers = [':f']\n{images}")
    tree.write("f", "1")
    tree.image("//:i20")
    tree.write("f", "2")
    assert tree.run("why", "//:i20")[1].splitlines()[1:] == [
        "file f changed", "    //:i20 -> //:i19 -> … 17 more … -> //:i1 -> //:i0 -> //:f (gzip)", "and 20 targets more only because of that",
    ]  # fmt: skip


def test_a_hostile_name_keeps_to_its_line(shop):
    shop.image("//...")
    shop.write("app/src/a\n\x1b[31m\u202eb", "x")
    _, out, _ = shop.run("why", "//app:img")
    assert "file app/src/a\\n\\x1b[31m\\u202eb added\n" in out and "\x1b" not in out


def test_another_base_is_shown_by_its_digests(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["f"]\nto = "/"\n[image.below]\nlayers = [":f"]\n')
    tree.write("f", "1")
    tree.image("//:below", "--output", "layout", "--format", "oci")
    tree.write("app/BUILD.toml", '[base.b]\npath = "../layout"\n[image.img]\nbase = ":b"\n')
    tree.image("//app:img")
    tree.write("f", "2")
    tree.image("//:below", "--output", "layout", "--format", "oci")
    [cause] = why(tree, "//app:img")["causes"]
    assert cause["kind"] == "base" and cause["nodes"][0]["target"] == "//app:b"
    assert cause["text"].startswith("base image xxh3_128:") and cause["text"].count("…") == 2


def test_random_edits_are_named_exactly(shop):
    """Files written, removed and made executable, fields set: the causes are those, and no others."""
    rng = random.Random(7)
    contents = {f"f{number}": "0" for number in range(12)}
    for name, text in contents.items():
        shop.write(f"app/src/{name}", text)
    fields = {"to": "/app", "owner": "1:1"}

    def declare():
        set_fields = "\n".join(f'{name} = "{value}"' for name, value in fields.items())
        shop.write("app/BUILD.toml", APP.replace('to = "/app"', set_fields, 1))

    declare()
    shop.image("//...")
    for number in range(1, 40):
        expected = set()
        for name in rng.sample(sorted(contents), rng.randrange(1, 5)):
            path = shop.root / "app/src" / name
            if not path.exists():
                shop.write(f"app/src/{name}", f"{number}")
                expected.add(f"file app/src/{name} added")
            elif rng.random() < 0.3:
                path.unlink()
                expected.add(f"file app/src/{name} removed")
            else:
                shop.write(f"app/src/{name}", f"{number}", path.stat().st_mode & 0o777)
                expected.add(f"file app/src/{name} changed")
        if rng.random() < 0.5:
            name, value = rng.choice([("to", f"/app{number}"), ("owner", f"{number}:{number + 1}")])
            expected.add(f'field {name}: "{fields[name]}" -> "{value}"')
            fields[name] = value
            declare()
        assert set(causes(shop, "//app:img")) == expected
        shop.image("//...", "--output", "none")
        assert set(causes(shop, "//app:img")) == expected
