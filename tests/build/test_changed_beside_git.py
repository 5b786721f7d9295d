"""`--changed-since` where git knows less than a key does, or more than it says: submodules, links, settings, hooks."""

from __future__ import annotations

import os
import shutil
import tarfile

import pytest

from .test_changed import APP, LIB, ROOT, Repo, changed, commit, git

ONE = ["//lib:lib", "//lib:named"]  # who reads lib/one.txt
LINK = "[files.q]\nsymlinks = { a = 'b' }\n"


@pytest.fixture
def repo(tree):
    return Repo(tree, 0)


@pytest.fixture
def submodule(repo, tmp_path):
    """lib/sub, with s.txt in it."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "s.txt").write_text("1")
    (other / ".gitignore").write_text("made.*")
    commit(other)
    git(repo.root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib/sub")
    git(repo.root, "config", "--file", ".gitmodules", "submodule.lib/sub.ignore", "all")
    commit(repo.root)
    assert changed(repo.tree) == []
    return repo.root / "lib/sub"


def test_a_file_that_became_a_folder(repo):
    repo.tree.write("more/BUILD.toml", "[files.f]\nsrcs = ['*']\n")
    repo.tree.write("more/x")
    repo.tree.write("more/y")
    commit(repo.root)
    (repo.root / "more/x").unlink()
    repo.tree.write("more/x/z")
    assert changed(repo.tree) == ["//more:f"]


def test_a_submodule_edited(repo, submodule):
    (submodule / "s.txt").write_text("2")
    assert changed(repo.tree) == ["//lib:lib"]
    commit(submodule)
    assert changed(repo.tree) == ["//lib:lib"]


def test_a_file_gone_from_a_submodule(repo, submodule):
    (submodule / "s.txt").unlink()
    assert changed(repo.tree) == ["//lib:lib"]
    commit(submodule)
    assert changed(repo.tree) == ["//lib:lib"]


def test_a_file_that_a_submodule_ignores(repo, submodule):
    (submodule / "made.md").write_text("2")
    assert changed(repo.tree) == []
    (submodule / "made.txt").write_text("2")
    assert changed(repo.tree) == ["//lib:lib"]


def test_a_file_that_became_a_submodule(repo, submodule):
    repo.tree.write("flat/BUILD.toml", "[files.f]\nsrcs = ['*']\n")
    repo.tree.write("flat/x")
    repo.tree.write("flat/y")
    commit(repo.root)
    (repo.root / "flat/x").unlink()
    git(repo.root, "-c", "protocol.file.allow=always", "clone", "--quiet", str(submodule), "flat/x")
    git(repo.root, "add", "flat/x")
    assert changed(repo.tree) == ["//flat:f"]


def test_a_submodule_that_is_gone_may_have_held_anything(repo, submodule):
    git(repo.root, "rm", "--quiet", "--force", "lib/sub")
    assert "//lib:lib" in changed(repo.tree)
    assert not {"//app:src", "//app:again"} & {*changed(repo.tree)}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_that_git_does_not_look_at(repo, flag):
    git(repo.root, "update-index", flag, "lib/one.txt")
    repo.tree.write("lib/one.txt", "edited")
    assert changed(repo.tree) == ONE
    _, _, err = repo.tree.run("list", "--changed-since", "HEAD", "//lib:named")
    assert err == "note: //lib:named reads lib/one.txt, which git was told not to look at, and so counts as changed\n"


def test_a_sparse_checkout_lacks_nothing(repo):
    repo.tree.write("alone/BUILD.toml", LINK)
    commit(repo.root)
    git(repo.root, "sparse-checkout", "set", "alone")
    assert changed(repo.tree) == []


def test_a_package_that_git_ignores_counts(repo):
    repo.tree.write(".gitignore", "made/\n")
    commit(repo.root)
    repo.tree.write("made/BUILD.toml", LINK)
    assert changed(repo.tree) == ["//made:q"]


def test_settings_of_git_change_nothing(repo):
    for name, value in {
        "core.fileMode": "false",
        "core.quotePath": "true",
        "diff.autoRefreshIndex": "false",
        "diff.external": "false",
        "diff.ignoreSubmodules": "all",
        "diff.orderFile": "nowhere",
        "diff.relative": "false",
        "diff.renames": "copies",
        "color.ui": "always",
        "status.showUntrackedFiles": "no",
    }.items():
        git(repo.root, "config", name, value)
    os.utime(repo.root / "app/more/x")
    assert changed(repo.tree) == []
    (repo.root / "lib/one.txt").chmod(0o755)
    assert changed(repo.tree) == ONE
    (repo.root / "app/src/keep").rename(repo.root / 'app/src/k\n"é')
    assert changed(repo.tree) == ["//app:src", *ONE]


@pytest.mark.parametrize("below", [False, True])
def test_in_a_hook(repo, tmp_path, monkeypatch, below):
    """Which git tells where its own repository is, as it sees it from the top."""
    top = repo.root
    if below:
        top = tmp_path / "outer"
        shutil.rmtree(repo.root / ".git")
        top.mkdir()
        repo.root.rename(top / "inner")
        repo.tree.root = top / "inner"
        git(top, "init", "--quiet")
        commit(top)
    repo.tree.write("lib/one.txt", "edited")
    for name, value in {"GIT_DIR": str(top / ".git"), "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "lib/"}.items():
        monkeypatch.setenv(name, value)
    assert changed(repo.tree) == ONE
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert changed(repo.tree) == ONE


def test_a_repository_that_only_the_environment_knows(repo, tmp_path, monkeypatch):
    (repo.root / ".git").rename(tmp_path / "apart.git")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "apart.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.root))
    repo.tree.write("lib/one.txt", "edited")
    assert changed(repo.tree) == ONE


def test_what_is_read_through_links(repo):
    write, root = repo.tree.write, repo.root
    write("py/BUILD.toml", "[packages.deps]\necosystem = 'wheel'\nrequirements = ['r.txt']\n")
    write("common/v1/r.txt", "flask\n")
    write("common/v2/r.txt", "flask>2\n")
    (root / "common/present").symlink_to("v1")
    (root / "py/r.txt").symlink_to("../common/present/r.txt")
    (root / "lib/held.tar").rename(root / "real.tar")
    (root / "lib/held.tar").symlink_to(root / "real.tar")
    commit(root)
    write("common/v2/r.txt", "flask>3\n")
    assert changed(repo.tree) == []
    write("common/v1/r.txt", "flask>1\n")
    assert changed(repo.tree) == ["//py:deps"]
    commit(root)
    (root / "common/present").unlink()
    (root / "common/present").symlink_to("v2")
    assert changed(repo.tree) == ["//py:deps"]
    commit(root)
    with tarfile.open(root / "real.tar", "w") as tar:
        tar.add(root / "lib/one.txt", "another")
    assert changed(repo.tree) == ["//lib:tar"]


def test_declarations_that_are_links(repo):
    for path in ("app/BUILD.toml", "stackbuild.lock"):
        (repo.root / path).rename(repo.root / f"{path}.real")
        (repo.root / path).symlink_to(f"{path.rpartition('/')[2]}.real")
    commit(repo.root)
    repo.tree.write("app/BUILD.toml.real", APP.replace('"b"', '"c"'))
    assert changed(repo.tree) == ["//app:link"]
    commit(repo.root)
    lock = repo.root / "stackbuild.lock.real"
    lock.write_text(lock.read_text().replace("b" * 64, "9" * 64))
    assert changed(repo.tree) == ["//lib:pinned"]
    commit(repo.root)
    (repo.root / "app/BUILD.toml").unlink()
    (repo.root / "app/BUILD.toml.real").rename(repo.root / "app/BUILD.toml")
    assert changed(repo.tree) == []


def test_a_declaration_that_led_nowhere(repo):
    (repo.root / "app/BUILD.toml").unlink()
    (repo.root / "app/BUILD.toml").symlink_to("nowhere")
    (repo.root / "stackbuild.lock").unlink()
    (repo.root / "stackbuild.lock").symlink_to("stackbuild.lock")
    commit(repo.root)
    for path in ("app/BUILD.toml", "stackbuild.lock"):
        (repo.root / path).unlink()
        git(repo.root, "checkout", "--quiet", "HEAD~1", "--", path)
    there = {"again", "base", "both", "img", "link", "src", "two"}
    assert changed(repo.tree) == [*(f"//app:{name}" for name in sorted(there)), "//lib:other", "//lib:pinned"]


def test_links_that_lead_nowhere_and_in_circles(repo):
    (repo.root / "lib/held.tar").unlink()
    (repo.root / "lib/held.tar").symlink_to("held.tar")
    assert changed(repo.tree) == ["//lib:tar"]
    (repo.root / "lib/held.tar").unlink()
    (repo.root / "lib/held.tar").symlink_to("../../../../elsewhere")
    assert changed(repo.tree) == ["//lib:tar"]


def test_a_folder_that_is_gone_is_no_fault_of_the_past(repo):
    repo.tree.write("old/BUILD.toml", LINK)
    repo.tree.write("lib/BUILD.toml", LIB.replace("[files.named]", "[files.named]\nvisibility = ['//old/...', '//app/...']"))
    commit(repo.root)
    shutil.rmtree(repo.root / "old")
    repo.tree.write("lib/BUILD.toml", LIB)
    assert changed(repo.tree) == []


def test_a_declaration_in_a_folder_that_no_line_can_name(repo):
    repo.tree.write("we\nird/BUILD.toml", LINK)
    commit(repo.root)
    shutil.rmtree(repo.root / "we\nird")
    repo.tree.write("app/BUILD.toml", APP.replace('"b"', '"c"'))
    assert changed(repo.tree) == ["//app:link"]


def test_how_git_writes_files_counts_below(repo):
    repo.tree.write("lib/.gitattributes", "*.txt diff=words\n")
    assert changed(repo.tree) == []
    repo.tree.write("lib/.gitattributes", "*.txt eol=crlf\n")
    assert [name for name in changed(repo.tree) if not name.startswith("//lib:")] == []
    assert {*ONE} <= {*changed(repo.tree)}


def test_the_first_platform_counts_where_a_target_stands_on_it_alone(repo):
    repo.tree.write("alone/BUILD.toml", f"[base.b]\nimage = 'registry.invalid/os@sha256:{'a' * 64}'\n" + LINK)
    commit(repo.root)
    repo.tree.write("BUILD.toml", ROOT.replace("linux/amd64", "linux/arm64"))
    assert [name for name in changed(repo.tree) if "alone" in name] == ["//alone:b"]


def test_revisions_by_every_name(repo):
    repo.tree.write("lib/one.txt", "edited")
    for name in ("@", ":/a step", "HEAD^{/step}", "HEAD...", git(repo.root, "rev-parse", "--short", "HEAD")):
        status, out, err = repo.tree.run("list", f"--changed-since={name}", "//...")
        assert (status, out.split()) == (0, ONE), err
    for name in ("^HEAD", "HEAD..", "HEAD:", "HEAD^{tree}", ":/nothing"):
        assert repo.tree.run("list", f"--changed-since={name}", "//...")[2].startswith(f"git knows no revision '{name}' here; ")
    git(repo.root, "branch", "apart", git(repo.root, "commit-tree", "HEAD^{tree}", "-m", "x"))
    _, _, err = repo.tree.run("list", "--changed-since", "apart...", "//...")
    assert err == "'apart' and the present branch have no commit in common; write apart, without the dots\n"
