"""`--changed-since` names the targets whose recipes differ, and no other."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from stackbuild import StackbuildError, Workspace
from stackbuild.api import Request
from stackbuild.build.changed import Since
from stackbuild.build.plan import make_plan
from stackbuild.deliver.progress import Quiet

ROOT = """[workspace]
platforms = ["linux/amd64"]

[defaults.files]
owner = "0:0"
"""
LIB = """
[files.lib]
srcs = ["**/*.txt", "!away/**"]
description = "a library"

[files.named]
srcs = ["one.txt"]
to = "/named"

[archive.tar]
src = "held.tar"

[base.pinned]
image = "registry.invalid/os:1"

[base.other]
image = "registry.invalid/os:2"
"""
APP = """
[files.src]
srcs = ["src/**", "!**/*.md"]
strip_prefix = "src"
to = "/app"

[files.link]
symlinks = { "/a" = "b" }

[files.again]
srcs = [":src", "more/*"]

[image.base]
layers = ["//lib:lib"]

[image.img]
base = ":base"
layers = ["//lib:named", "//lib:tar", ":src", ":link"]

[image.two]
layers = [":again"]
compression = "zstd"

[index.both]
images = [":img"]
"""
LOCK = """version = 1

[base."registry.invalid/os:1"]
digest = "sha256:{0}"
"linux/amd64" = "sha256:{1}"
"linux/arm64" = "sha256:{2}"

[base."registry.invalid/os:2"]
digest = "sha256:{3}"
"linux/amd64" = "sha256:{4}"
"""


def git(root: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@example.org"}
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "a step")


class Repo:
    """A workspace in a git checkout, and what random people do to it."""

    def __init__(self, tree, seed: int) -> None:
        self.tree, self.root, self.dice = tree, tree.root, random.Random(seed)
        write = tree.write
        write("BUILD.toml", ROOT)
        write("lib/BUILD.toml", LIB)
        write("app/BUILD.toml", APP)
        write("stackbuild.lock", LOCK.format(*("abcde"[i] * 64 for i in range(5))))
        for path in ("lib/one.txt", "lib/deep/two.txt", "app/src/main", "app/src/keep", "app/more/x", "app/more/y"):
            write(path, path)
        self.pack()
        git(self.root, "init", "--quiet")
        commit(self.root)

    def pack(self) -> None:
        with tarfile.open(self.root / "lib/held.tar", "w") as tar:
            tar.add(self.root / "lib/one.txt", f"x{self.dice.random()}")

    def edit(self, path: str, *changes: tuple[str, str]) -> None:
        file = self.root / path
        old, new = self.dice.choice(changes)
        text = file.read_text()
        if old in text:
            file.write_text(text.replace(old, new, 1))
        elif new in text:
            file.write_text(text.replace(new, old, 1))

    def mutate(self) -> None:
        """One thing that people do."""
        self.dice.choice([self.files, self.files, self.files, self.build_files, self.build_files, self.lock])()

    def files(self) -> None:
        dice, root = self.dice, self.root
        folder = root / dice.choice(["lib", "lib/deep", "lib/away", "app/src", "app/src/deep", "app/more", "app", "else"])
        folder.mkdir(exist_ok=True, parents=True)
        there = sorted(path for path in folder.iterdir() if path.name not in ("BUILD.toml", "held.tar") and not path.is_dir())
        name = dice.choice(["a", "b.txt", "c.md", "d d", "é.txt", ".hidden", "BUILD.toml.txt"])
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)
        match dice.randrange(11):
            case 0 | 1 | 2:
                (folder / name).unlink(missing_ok=True)
                (folder / name).write_text(str(dice.random()))
            case 3 | 4 if there:
                dice.choice(there).unlink()
            case 5 if there:
                dice.choice(there).replace(folder / name)
            case 6 if there:
                path = dice.choice(there)
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o100 == 0 else 0o644)
            case 7:
                (folder / name).unlink(missing_ok=True)
                (folder / name).symlink_to(dice.choice(["one.txt", "nowhere"]))
            case 8 if there:
                os.utime(dice.choice(there), follow_symlinks=False)
            case 9:
                (folder / name).unlink(missing_ok=True)
                (folder / name).mkdir()
                (folder / name / dice.choice(["a", "b.txt"])).write_text("below")
            case _:
                self.pack()

    def build_files(self) -> None:
        match self.dice.randrange(5):
            case 3:  # declarations that are shared by a link, or no longer
                file, shared = self.root / "app/BUILD.toml", self.root / "app.toml"
                if not file.is_symlink():
                    file.replace(shared)
                    file.symlink_to("../app.toml")
                else:
                    shared.replace(file)
            case 4:  # a package that comes and goes inside of another's globs
                file = self.root / "lib/deep/BUILD.toml"
                if self.dice.random() < 0.3:
                    file.unlink(missing_ok=True)
                else:
                    owner = self.dice.choice("56")
                    self.tree.write("lib/deep/BUILD.toml", f"[defaults.files]\nowner = '{owner}:1'\n[files.within]\nsrcs = ['**/*.txt']\n" if owner == "5" else f"[defaults.files]\nowner = '{owner}:1'\n[files.within]\nsymlinks = {{ a = 'b' }}\n")
            case 0:
                self.edit("BUILD.toml", ('owner = "0:0"', 'owner = "5:5"'), ('["linux/amd64"]', '["linux/amd64", "linux/arm64"]'),
                          ("[defaults.files]", '[defaults.image]\nuser = "9"\n\n[defaults.files]'), ("[workspace]", "# words\n[workspace]"))
            case 1:
                self.edit("lib/BUILD.toml", ("a library", "other words"), ('"!away/**"', '"!deep/**"'), ("/named", "/renamed"),
                          ("[files.lib]", "[defaults.archive]\nto = '/x'\n[files.lib]"), ("os:2", "os:1"), ("[files.lib]", '[files.lib]\nmode = "0600"'))
            case 2:
                self.edit("app/BUILD.toml", ('"!**/*.md"', '"!**/*.txt"'), ('":src", ":link"', '":link", ":src"'), ('"zstd"', '"gzip"'),
                          ("[image.two]", '[image.three]\nbase = ":img"\n\n[image.two]'), ('base = ":base"\n', ""), ("[files.link]", '[files.link]\ntags = ["x"]'),
                          ('"b"', '"c"'), ("[image.img]", '[image.img]\nenv = { A = "1" }'), ("[files.link]", '[files.link]\nowner = "0:0"'))

    def lock(self) -> None:
        digits = ["abcde"[i] * 64 for i in range(5)]
        digits[self.dice.randrange(5)] = self.dice.choice("0123") * 64
        (self.root / "stackbuild.lock").write_text(LOCK.format(*digits))

    def recipes(self) -> tuple[dict, dict]:
        """By brute force: address -> node -> its recipe without the results of others, and its key. An image of a
        registry that is not there is prepared, and not built."""
        with Workspace.open(self.root) as workspace:
            every = workspace.select("//...")
            buildable = [str(address) for address in every if "lib:pinned" not in str(address) and "lib:other" not in str(address)]
            own, keys = {}, {}

            def keep(node, recipe, key):
                own.setdefault(str(node.address), {})[str(node)] = {name: value for name, value in recipe.items() if name != "results"}
                keys.setdefault(str(node.address), {})[str(node)] = key

            for _, outcomes in workspace.build_explained(*buildable, request=Request(output="none", explain=True)):
                for outcome, _ in outcomes:
                    keep(outcome.node, workspace.store.records.load(outcome.key).recipe, outcome.key)
            rest = [address for address in every if str(address) not in buildable]
            plan = make_plan(workspace.graph, workspace.types, rest)
            with workspace._builder(Request(locked=True), Quiet()) as builder:
                for node in plan.order():
                    keep(node, *builder.prepare(node, {}, plan)[1:])
            return own, keys

    def named(self, revision: str, dependents: str) -> set[str]:
        with Workspace.open(self.root, since=Since(revision, dependents)) as workspace:
            return set(map(str, workspace.select("//...")))

    def above(self, found: set[str]) -> set[str]:
        with Workspace.open(self.root) as workspace:
            workspace.graph.load_all()
            edges = {(str(one), str(other)) for one, other in workspace.graph.edges.edges}
        while more := {one for one, other in edges if other in found} - found:
            found = found | more
        return found


def differing(now: dict, then: dict) -> set[str]:
    """The addresses of which some node is not as it was."""
    return {
        address
        for address, nodes in now.items()
        if any(then.get(address, {}).get(name) != value for name, value in nodes.items())
    }


@pytest.mark.parametrize("seed", range(6))
def test_three_hundred_random_commits(tree, seed):
    """Six times fifty: what it names is what brute force finds, for committed and uncommitted work."""
    repo, steps = Repo(tree, seed), 0
    own, keys = repo.recipes()
    while steps < 50:
        for _ in range(repo.dice.choice([1, 1, 1, 2, 4])):
            repo.mutate()
        committed = repo.dice.random() < 0.5
        try:
            now, new_keys = repo.recipes()
        except StackbuildError:  # no sound tree: two files at one path, a glob that means nothing
            git(repo.root, "checkout", "--quiet", "--force", "HEAD")
            git(repo.root, "clean", "--quiet", "-d", "--force")
            continue
        if committed:
            commit(repo.root)
        revision = "HEAD~1" if committed else "HEAD"
        expected = differing(now, own)
        assert repo.named(revision, "none") == expected, steps
        whole = repo.named(revision, "transitive")
        assert whole == repo.above(expected), steps
        assert differing(new_keys, keys) <= whole, steps
        if not committed:
            commit(repo.root)
        own, keys, steps = now, new_keys, steps + 1


@pytest.fixture
def repo(tree):
    return Repo(tree, 0)


def changed(tree, *more: str) -> list[str]:
    status, out, err = tree.run("list", "--changed-since", "HEAD", *(more or ("//...",)))
    assert status == 0, err
    return out.split()


def test_nothing_changed_is_nothing_to_do(repo):
    assert changed(repo.tree) == []
    status, out, err = repo.tree.run("image", "--changed-since", "HEAD", "--json", "//app:img")
    assert (status, '"images": []' in out) == (0, True)
    assert err == "note: nothing to do: the specs mean no target that changed since HEAD\n"


def test_of_nothing_there_is_nothing_to_tell(repo):
    status, out, err = repo.tree.run("why", "--changed-since", "HEAD", "//...")
    assert (status, out, len(err.splitlines())) == (0, "", 1)


def test_specs_and_dependents_narrow_and_widen(repo):
    repo.tree.write("lib/one.txt", "edited")
    assert changed(repo.tree) == ["//lib:lib", "//lib:named"]
    assert changed(repo.tree, "--dependents", "direct", "//...") == ["//app:base", "//app:img", "//lib:lib", "//lib:named"]
    assert changed(repo.tree, "--dependents", "transitive", "//app/...", "-//app:base") == ["//app:both", "//app:img"]
    assert changed(repo.tree, "//app/...") == []


def test_only_what_changed_is_built(repo):
    repo.tree.write("app/more/x", "edited")
    status, out, _ = repo.tree.run("image", "--changed-since", "HEAD", "--dependents", "transitive", "//...", "-//lib/...")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["//app:again", "//app:two"]


def test_specs_from_standard_input(repo, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("//app:img\n\n -//app:two \n//app:two\n"))
    assert repo.tree.run("list", "-")[1].split() == ["//app:img"]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert repo.tree.run("list", "-")[:2] == (0, "")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, err = repo.tree.run("image", "-")
    assert (status, err) == (0, "note: nothing to do: the specs mean no target\n")


@pytest.mark.parametrize("data", [None, b"\xff\xfe//app:img"])
def test_standard_input_that_is_no_text(repo, data):
    command = [sys.executable, "-m", "stackbuild", "list", "-"]
    how = {"input": data} if data else {"preexec_fn": lambda: os.close(0)}
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, cwd=repo.root, env=environment, stderr=subprocess.PIPE, check=False, **how)
    assert done.returncode == 2
    assert done.stderr == b"stackbuild: no specs can be read from standard input; give it text, an address a line\n"


@pytest.mark.parametrize("command", ["push", "load"])
def test_nothing_to_deliver_is_said_once(repo, command):
    if command == "load" and not (shutil.which("podman") or shutil.which("docker")):
        pytest.skip("no engine")
    none = "note: nothing to do: the specs mean no {} that changed since HEAD\n"
    assert repo.tree.run(command, "--changed-since", "HEAD", "//...") == (0, "", none.format("target"))
    repo.tree.write("lib/one.txt", "edited")
    assert repo.tree.run(command, "--changed-since", "HEAD", "//...") == (0, "", none.format("image"))


def test_a_tree_without_git_says_so(tree):
    tree.write("BUILD.toml", "[workspace]\n[files.a]\nsymlinks = { a = 'b' }\n")
    status, _, err = tree.run("list", "--changed-since", "HEAD", "//...")
    assert (status, err) == (2, "git: not a git repository (or any of the parent directories): .git\n")


@pytest.mark.parametrize("revision", ["nope", "-x", "--help", "HEAD:app", ""])
def test_a_revision_that_is_none(repo, revision):
    status, out, err = repo.tree.run("list", f"--changed-since={revision}", "//...")
    hint = "name a commit, a branch or a tag"
    what = f"git knows no revision '{revision}' here; {hint} that 'git rev-parse' knows" if revision else f"'' is no revision; {hint}"
    assert (status, out, err) == (2, "", f"{what}\n")


def test_where_branches_parted(repo):
    start = git(repo.root, "rev-parse", "--abbrev-ref", "HEAD")
    git(repo.root, "checkout", "--quiet", "-b", "mine")
    repo.tree.write("app/more/x", "mine")
    commit(repo.root)
    git(repo.root, "checkout", "--quiet", start)
    repo.tree.write("lib/one.txt", "theirs")
    commit(repo.root)
    git(repo.root, "checkout", "--quiet", "mine")
    assert repo.named(f"{start}...", "none") == {"//app:again"}
    assert repo.named(start, "none") == {"//app:again", "//lib:lib", "//lib:named"}


def test_a_workspace_below_the_checkout(repo, tmp_path):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    repo.root.rename(outer / "inner")
    repo.tree.root = outer / "inner"
    subprocess.run(["rm", "-rf", outer / "inner/.git"], check=True)
    commit(outer)
    repo.tree.write("lib/one.txt", "edited")
    repo.tree.write("app/BUILD.toml", APP.replace('"b"', '"c"'))
    assert changed(repo.tree) == ["//app:link", "//lib:lib", "//lib:named"]


def test_files_that_git_ignores_count_and_are_named(repo):
    repo.tree.write(".gitignore", "*.out\nmade/\n")
    commit(repo.root)
    repo.tree.write("app/src/made/deep/x")
    repo.tree.write("elsewhere.out")
    assert changed(repo.tree) == ["//app:src"]
    _, _, err = repo.tree.run("list", "--changed-since", "HEAD", "//...")
    assert err == "note: //app:src reads app/src/made/deep/x, which git ignores, and so counts as changed\n"


def test_a_folder_that_no_address_can_name_hides_no_other(tree):
    """Git is asked for files one a line, and the name of one has two."""
    declared = '[files.f]\nsrcs = ["a"]\n[files.g]\nsrcs = ["a"]\n'
    tree.write("BUILD.toml", "[workspace]\n")
    tree.write("app/a", "a")
    file = tree.write("app/BUILD.toml", declared)
    odd = tree.write("1\nx/BUILD.toml", declared)
    git(tree.root, "init", "-q")
    commit(tree.root)
    shutil.rmtree(odd.parent)
    file.write_text(f"{declared}to = '/x'\n")
    assert changed(tree) == ["//app:g"]


def test_files_of_a_submodule_count(repo, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "s.txt").write_text("1")
    commit(other)
    git(repo.root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib/sub")
    commit(repo.root)
    assert changed(repo.tree) == []
    (repo.root / "lib/sub/s.txt").write_text("2")
    assert changed(repo.tree) == ["//lib:lib"]


def test_a_tree_that_did_not_load_then(repo):
    sound = (repo.root / "lib/BUILD.toml").read_text()
    repo.tree.write("lib/BUILD.toml", "[files.lib]\nsrc = 1\n")
    commit(repo.root)
    repo.tree.write("lib/BUILD.toml", sound)
    status, out, err = repo.tree.run("list", "--changed-since", "HEAD", "//...")
    assert (status, len(out.split())) == (0, 12)
    assert err.startswith("note: at that revision the targets do not load, so all of them count as changed: ")


def test_requirements_count_for_those_who_read_them(repo):
    repo.tree.write("py/BUILD.toml", "[packages.deps]\necosystem = 'wheel'\nrequirements = ['requirements.txt']\n\n[packages.more]\necosystem = 'wheel'\ninstall = ['flask']\n")
    repo.tree.write("py/requirements.txt", "-r sub/more.txt\n")
    repo.tree.write("py/sub/more.txt", "flask\n")
    commit(repo.root)
    repo.tree.write("py/other.txt")
    assert changed(repo.tree) == []
    repo.tree.write("py/sub/more.txt", "flask>2\n")
    assert changed(repo.tree) == ["//py:deps"]


def test_a_setting_of_the_workspace_counts_for_whom_it_concerns(repo):
    repo.tree.write("BUILD.toml", ROOT.replace("[workspace]", "[workspace]\nrepository = 'r.example/{name}'"))
    assert changed(repo.tree) == []
    repo.tree.write("BUILD.toml", ROOT.replace("[workspace]", "[workspace]\nfingerprint = 'sha256'"))
    assert len(changed(repo.tree)) == 12


def test_lists_by_type_and_by_tag(tree):
    tree.write("BUILD.toml", "[workspace]\n" + "".join(f"[files.{name}]\ntags = {tags}\nsymlinks = {{ a = 'b' }}\n" for name, tags in (("a", []), ("b", ["x"]), ("c", ["x", "slow"]))) + "[image.i]\nlayers = [':a']\ntags = ['x']\n")
    assert tree.run("list", "--tag", "x", "//...")[1].split() == ["//:b", "//:c", "//:i"]
    assert tree.run("list", "--tag", "x", "--tag", "-slow", "--type", "files", "//...")[1].split() == ["//:b"]
    assert tree.run("list", "--type", "image", "--type", "files", "//...")[1].split() == ["//:a", "//:b", "//:c", "//:i"]
    assert tree.run("deps", "--tag", "slow", "//:i")[1] == ""
    assert tree.run("list", "--type", "fils", "//...")[2] == "unknown target type 'fils'; did you mean 'files'?\n"


def test_in_a_hook_git_is_asked_about_the_checkout_and_not_about_the_commit_under_way(repo, monkeypatch):
    repo.tree.write("lib/one.txt", "edited")
    for name, value in (("GIT_DIR", ".git"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_PREFIX", "app/"), ("GIT_WORK_TREE", "/")):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(repo.root / "app")
    assert changed(repo.tree) == ["//lib:lib", "//lib:named"]


def test_settings_of_git_change_nothing(repo):
    for name, value in (("color.ui", "always"), ("diff.renames", "copies"), ("diff.mnemonicPrefix", "true"), ("core.quotePath", "true"), ("status.showUntrackedFiles", "no"), ("diff.relative", "false")):
        git(repo.root, "config", name, value)
    repo.tree.write("lib/é.txt", "new")
    repo.tree.write("odd\nname/x", "read by nobody")
    (repo.root / "app/src/keep").rename(repo.root / "app/src/kept")
    assert changed(repo.tree) == ["//app:src", "//lib:lib"]


def test_a_second_worktree(repo, tmp_path):
    git(repo.root, "worktree", "add", "--quiet", str(tmp_path / "second"))
    repo.tree.root = tmp_path / "second"
    assert changed(repo.tree) == []
    repo.tree.write("lib/one.txt", "edited")
    assert changed(repo.tree) == ["//lib:lib", "//lib:named"]
