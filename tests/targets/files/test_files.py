"""`files` targets as they come out: owners, modes, order, and what is refused because it means nothing."""

from __future__ import annotations

import json

import pytest

IMAGE = '\n[image.img]\nlayers = [":f"]\n'


@pytest.fixture
def files(tree):
    """Builds [files.f] with the given fields and lists its layer: path -> (mode, owner, kind)."""
    tree.write("app/run.sh", "run", 0o755)
    tree.write("app/sub/data", "data")

    def build(fields: str, *more: str) -> dict[str, tuple[str, str, str]]:
        tree.write("BUILD.toml", f"[workspace]\n[files.f]\n{fields}\n{IMAGE}" + "".join(more))
        status, out, err = tree.run("inspect", "--json", "//:f")
        assert status == 0, err
        [layer] = json.loads(out)["images"][0]["layers"]
        return {item["path"]: (item["mode"], item["owner"], item["kind"]) for item in layer["files"]}

    def fail(fields: str) -> str:
        tree.write("BUILD.toml", f"[workspace]\n[files.f]\n{fields}\n{IMAGE}")
        status, _, err = tree.run("image", "//:img", "--progress", "none")
        assert status in (1, 2) and "stackbuild itself" not in err
        return err

    build.fail = fail
    return build


def test_the_owner_is_the_owner_of_everything(files):
    found = files('srcs = ["app/**"]\nowner = "1000:1000"\ndirs = ["**", "/data"]\nsymlinks = { l = "app" }')
    assert {owner for _, owner, _ in found.values()} == {"1000:1000"} and len(found) == 6


def test_modes_mean_files_unless_they_say_folders(files):
    found = files('srcs = ["app/**"]\ndirs = ["**"]\nmodes = { "**" = "0600", "app/sub/" = "0711" }')
    assert {path: mode for path, (mode, _, _) in found.items()} == {
        "app": "0755", "app/sub": "0711", "app/run.sh": "0600", "app/sub/data": "0600",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["modes", "owners"])
def test_the_order_of_globs_is_in_the_key(tree, files, field):
    one, two = ('"0600"', '"0640"') if field == "modes" else ('"1:1"', '"2:2"')
    first = files(f'srcs = ["app/*"]\n{field} = {{ "app/*" = {one}, "**" = {two} }}')
    second = files(f'srcs = ["app/*"]\n{field} = {{ "**" = {two}, "app/*" = {one} }}')
    assert first != second


def test_a_folder_that_is_taken_away_is_not_entered(tree, files):
    tree.write("app/secret/key", "x").parent.chmod(0o755)
    for away in ("!app/secret", "!app/secret/", "!app/secret/**", "!**/secret/**"):
        assert "app/secret/key" not in files(f'srcs = ["app/**", "{away}"]')


def test_dist_of_an_inner_workspace_and_a_store_behind_a_link_are_never_seen(tree, files, monkeypatch, tmp_path):
    tree.write("inner/BUILD.toml", "[workspace]\n")
    tree.write("inner/dist/x", "x")
    tree.write("inner/y", "y")
    (tmp_path / "link").symlink_to(tree.root)
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "link" / "cache"))
    found = files('srcs = ["**"]')
    assert set(found) == {"app/run.sh", "app/sub/data", "inner/y"}
    assert set(files('srcs = ["**"]')) == set(found)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('srcs = ["!app/run.sh"]', "BUILD.toml:2:8: files 'f': srcs only take away; name what to take them from"),
        ('srcs = ["app/run.sh", "!app/run.sh"]', "BUILD.toml:3:8: everything that srcs name is taken away again"),
        ('srcs = ["app/*", "!app"]', "BUILD.toml:3:9: the glob 'app/*' matches no file"),
        ('whiteouts = ["/"]', "BUILD.toml:3:14: '/' is the image's root itself"),
        ('srcs = ["app/run.sh"]\nrename = { "app/run.sh" = "/" }', "BUILD.toml:4:27: '/' is the image's root itself"),
        ('symlinks = { "/" = "x" }', "BUILD.toml:3:20: '/' is the image's root itself"),
        ('symlinks = { "e" = "" }', "BUILD.toml:3:20: symlinks.e: should be what the symlink points at"),
        ('dirs = ["/"]', "BUILD.toml:3:9: '/' is the image's root itself"),
        ('dirs = ["x"]\nmtime = 99999999999999999', "BUILD.toml:4:9: mtime: should be seconds since 1970"),
        ('dirs = ["x"]\nmtime = 1960-01-01T00:00:00Z', "BUILD.toml:4:9: mtime: should be seconds since 1970"),
        ('srcs = ["[z-a]"]', "BUILD.toml:3:9: srcs[0]: '[z-a]' is not a glob; a set is written [a-z] or [!a-z]"),
        ('srcs = ["app/*"]\nmodes = { "[z-a]" = "0600" }', "'[z-a]' is not a glob"),
        ('srcs = ["none[x]"]', "BUILD.toml:3:9: the glob 'none[x]' matches no file; correct it, or remove it"),
        ('srcs = ["linked/data"]', "'linked' is a symlink to a folder, which globs do not enter"),
    ],
)
def test_what_means_nothing_is_refused(tree, files, fields, words):
    (tree.root / "linked").symlink_to("app/sub")
    assert words in files.fail(fields)


def test_brackets_in_a_name(tree, files):
    tree.write("p[id].js", "x")
    assert 'a file of that very name is there; write "[[]" for a "["' in files.fail('srcs = ["p[id].js"]')
    assert set(files('srcs = ["p[[]id].js"]')) == {"p[id].js"}


def test_every_table_entry_that_matches_nothing_is_named_at_once(files):
    err = files.fail('srcs = ["app/*"]\nmodes = { "x" = "0600" }\nowners = { "y" = "1:1" }\nrename = { "z" = "w" }')
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "'x' in modes matches nothing; correct it, or remove it",
        "'y' in owners matches nothing; correct it, or remove it",
        "'z' in rename matches nothing; correct it, or remove it",
    ]


def test_two_spellings_of_one_name_are_one(files):
    assert set(files('srcs = ["app/run.sh", "./app/run.sh"]')) == {"app/run.sh"}


def test_a_target_that_gives_no_files_is_no_source(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.w]\nwhiteouts = ["x"]\n[files.f]\nsrcs = [":w"]\n' + IMAGE)
    status, _, err = tree.run("image", "//:img", "--progress", "none")
    assert (status, err) == (2, "BUILD.toml:5:9: //:w gives no files\n")


def test_other_targets_files_keep_mode_and_time_unless_said(files):
    other = '[files.o]\nsrcs = ["app/*"]\nmode = "0711"\nmtime = 9\n'
    assert files('srcs = [":o"]', other)["app/run.sh"][0] == "0711"
    assert files('srcs = [":o"]\nmode = "0600"', other)["app/run.sh"][0] == "0600"
