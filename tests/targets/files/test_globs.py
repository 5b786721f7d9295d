"""Which files a glob means."""

import os
from types import SimpleNamespace

import pytest

from stackbuild import native, witness
from stackbuild.declare.glob import matches
from stackbuild.errors import RequestError
from stackbuild.marks import Marks
from stackbuild.targets.files.globs import Globs
from stackbuild.targets.files.sources import open_sources


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.py", "a.py", True), ("*.py", "a.py", True), ("*.py", "d/a.py", False), ("**/*.py", "a.py", True),
        ("**/*.py", "d/e/a.py", True), ("d/**", "d/a", True), ("d/**", "d/e/f", True), ("d/**", "d", False),
        ("**", "a", True), ("**/d/**", "d/x", True), ("**/d/**", "a/d/x", True), ("**/d/**", "ad/x", False),
        ("?.py", "a.py", True), ("?.py", "ab.py", False), ("[ab].py", "a.py", True), ("[!ab].py", "a.py", False),
        ("[!ab].py", "c.py", True), ("a[.py", "a[.py", True), ("*", ".hidden", True), ("a+b", "a+b", True),
        ("a/**/b", "a/b", True), ("a/**/b", "a/x/y/b", True), ("a/**/b", "a/xb", False), ("[a-c]x", "bx", True),
        ("x/?/y", "x///y", False), ("*.p[yx]", "a.px", True), ("./a", "a", True), ("a//b", "a/b", True),
    ],
)  # fmt: skip
def test_matching(pattern, path, expected):
    assert matches(pattern, path) is expected


def nothing_known(folder, names, rows):
    return Marks.unknown("xxh3_128", len(names))


def tree(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def find(root, *patterns, hidden=()):
    found, unused = Globs(patterns).find(str(root), frozenset(map(str, hidden)), nothing_known)
    paths = [item.prefix + name for item in found for name in [*item.names.listed(), *(other for other, _ in item.others)]]
    return sorted(paths), unused


@pytest.mark.parametrize("pattern", ["a**", "app/ab**", "**", "app/**", "./app/**/", "a/../**", "**/**", "app/**/x"])
def test_a_pattern_means_the_same_below_every_folder(tmp_path, pattern):
    paths = ["a/x", "a1", "ab/c/d", "app/ab/x", "app/ab1", "app/sub/y", "app/x", "b"]
    tree(tmp_path, *paths)
    globs = Globs([pattern])
    expected = [path for path in paths if globs.means(str(tmp_path), path, frozenset())]
    assert find(tmp_path, pattern) == (expected, [] if expected else [pattern])


def test_a_file_that_is_a_pipe_once_it_is_looked_at_is_no_file(tmp_path, monkeypatch):
    tree(tmp_path, "f")
    look = native.lstat_rows

    def swap(folders):
        (tmp_path / "f").unlink()
        os.mkfifo(tmp_path / "f")
        return look(folders)

    monkeypatch.setattr(native, "lstat_rows", swap)
    (item,), _ = Globs(["**"]).find(str(tmp_path), frozenset(), nothing_known)
    with pytest.raises(RequestError, match="'f' is neither a file"):
        open_sources(SimpleNamespace(folder=str(tmp_path), declaration=SimpleNamespace(position=lambda key: None), store=SimpleNamespace(fingerprints=None)), [item])


def test_what_is_taken_away_is_not_there(tmp_path):
    tree(tmp_path, "src/a.py", "src/test_a.py", "src/d/test_b.py", "README")
    assert find(tmp_path, "src/**/*.py", "!**/test_*.py") == (["src/a.py"], [])


def test_symlinked_folders_are_not_entered(tmp_path):
    tree(tmp_path, "real/a")
    (tmp_path / "link").symlink_to("real")
    assert find(tmp_path, "**") == (["link", "real/a"], [])
    assert find(tmp_path, "link/a") == ([], ["link/a"])
    assert find(tmp_path, "link/**") == ([], ["link/**"])


def test_git_outputs_and_build_files_are_not_seen(tmp_path):
    tree(tmp_path, ".git/config", "sub/.git", "dist/x", "web/dist/y", "BUILD.toml", "sub/BUILD.toml", "a")
    assert find(tmp_path, "**", hidden=[tmp_path / "dist"]) == (["a", "web/dist/y"], [])
    assert find(tmp_path, "BUILD.toml")[0] == ["BUILD.toml"]
    assert find(tmp_path, ".git/config") == ([], [".git/config"])


def test_a_glob_that_means_nothing_is_named(tmp_path):
    tree(tmp_path, "a.py")
    assert find(tmp_path, "*.py", "*.js", "b.py") == (["a.py"], ["*.js", "b.py"])
    assert find(tmp_path, "nowhere/**") == ([], ["nowhere/**"])


def test_whose_dist_it_is_counts_only_where_it_is_reached(tmp_path):
    tree(tmp_path, "app/a", "dist/x")
    (tmp_path / "BUILD.toml").write_text("[workspace]\n")
    for pattern, asked in [("app/**", False), ("**", True)]:
        with witness.noting() as seen:
            find(tmp_path, pattern)
        assert (f"S{tmp_path}/BUILD.toml\0".encode() in seen.records()) == asked
