"""requirements.txt and pyproject.toml: what is understood, and what is refused at its place."""

from __future__ import annotations

import pytest

from .making import wheel

HASH = "sha256:" + "0" * 64
REFUSED = {
    "-e .": "an editable requirement cannot be installed; build a wheel of it, or add its files with a files target",
    "-e./pkg": "an editable requirement cannot be installed; build a wheel of it, or add its files with a files target",
    "--editable=pkg": "an editable requirement cannot be installed; build a wheel of it, or add its files with a files target",
    "-\\\ne .": "the option - e . is not understood; remove it",
    "./pkg": "'./pkg' would have to be built; name a wheel, or write NAME @ https://….whl",
    "pkg/": "'pkg/' would have to be built; name a wheel, or write NAME @ https://….whl",
    "pkg.tar.gz": "'pkg.tar.gz' would have to be built; name a wheel, or write NAME @ https://….whl",
    "file:///etc/x": "'file:///etc/x' would have to be built; name a wheel, or write NAME @ https://….whl",
    "x @ file:///etc/x": "'file:///etc/x' would have to be built; name the URL of a wheel, or a version from an index",
    "x @ file:///x-1-py3-none-any.whl": "'file:///x-1-py3-none-any.whl' is not a URL; write https://…",
    "x @ git+https://u:secret@h/x": "'git+https://h/x' would have to be built; name the URL of a wheel, or a version from an index",
    "x @ https://h/x.tar.gz": "'https://h/x.tar.gz' would have to be built; name the URL of a wheel, or a version from an index",
    "x @ https://u:secret@h/x-1-py3-none-any.whl": "the URL holds credentials; put them into your netrc file, and remove them here",
    "x @ http://h/x-1-py3-none-any.whl": "'http://h/x-1-py3-none-any.whl' would be fetched in clear text; write https://…",
    "-i https://u:secret@h/simple": "the URL holds credentials; put them into your netrc file, and remove them here",
    "--extra-index-url=http://h/simple": "'http://h/simple' would be fetched in clear text; write https://…",
    "-i ftp://h/": "'ftp://h/' is not a URL; write https://…",
    "--trusted-host h": "the option --trusted-host is not understood; remove it",
    "--no-binary :all:": "the option --no-binary is not understood; remove it",
    "-r": "the option -r is not understood; remove it",
    "-r gone.txt": "'gone.txt' cannot be read: No such file or directory; correct the path",
    "-r https://h/r.txt": "'https://h/r.txt' is outside the workspace; copy it into the tree",
    "-r /etc/passwd": "'/etc/passwd' is outside the workspace; copy it into the tree",
    "-c ../../etc/passwd": "'../../etc/passwd' is outside the workspace; correct the path",
    "-r r.txt": "'r.txt' is included again and again; break the circle",
    "-f nowhere": "'nowhere' is not a folder; correct the path",
    "gone-1-py3-none-any.whl": "'gone-1-py3-none-any.whl' cannot be read: No such file or directory; correct the path",
    "../x-1-py3-none-any.whl": "'../x-1-py3-none-any.whl' is outside the workspace; correct the path",
    "${HOME}": "'${HOME}' is not understood; write as flask>=3; python_version<'3.13'",
    "a --hash=md5:0": "'md5:0' is no hash that counts; write sha256:…",
    "a --config-settings=x": "'a --config-settings=x' is not understood; write as flask>=3; python_version<'3.13'",
    "a b": "'a b' is not a requirement: Expected semicolon (after name with no version specifier) or end; write as flask>=3",
}


@pytest.fixture
def refused(tree):
    def check(text: str | bytes) -> str:
        tree.write("r.txt", text)
        tree.write("BUILD.toml", '[workspace]\n[packages.d]\necosystem = "wheel"\nrequirements = ["r.txt"]\n')
        status, _, err = tree.run("lock")
        assert status == 2
        return err

    return check


@pytest.mark.parametrize("line", REFUSED)
def test_refused(refused, line):
    assert refused(f"# first\n{line}\n") == f"r.txt:2:1: {REFUSED[line]}\n"


def test_not_utf8(refused):
    assert refused(b"caf\xe9\n") == "BUILD.toml:4:17: 'r.txt' is not UTF-8; save it as UTF-8\n"


def test_a_symlink_out_of_the_workspace(tree, refused):
    (tree.root / "out").symlink_to("/etc")
    assert refused("-r out/passwd\n") == "r.txt:1:1: 'out/passwd' is outside the workspace; correct the path\n"


PINS = """
[packages.d]
ecosystem = "wheel"
requirements = ["sub/r.txt"]
find_links = ["wheels"]
"""


@pytest.fixture
def locked(tree):
    """Locks a tree whose wheels are all in it, and gives name -> requested."""
    for name, needs in {"one": "two", "two": "", "three": "", "four": ""}.items():
        text = f"Requires-Dist: {needs}\n" if needs else ""
        for version in ("1.0", "2.0", "3.0rc1"):
            tree.write(f"wheels/{name}-{version}-py3-none-any.whl", wheel(name, version, metadata=text))

    def lock(requirements: str, fields: str = PINS, expected: int = 0, **more) -> dict[str, tuple[str, bool]] | str:
        tree.write("BUILD.toml", f"[workspace]\n{fields}")
        tree.write("sub/r.txt", f"--no-index\n{requirements}")
        for path, text in more.items():
            tree.write(path.replace("__", "/").replace("_txt", ".txt").replace("_toml", ".toml"), text)
        status, _, err = tree.run("lock", "--upgrade")
        assert status == expected, err
        if status:
            return err
        import tomllib

        table = tomllib.loads((tree.root / "stackbuild.lock").read_text())["package"]
        return {item["name"]: (item["version"], "requested_" in item) for item in table.values()}

    return lock


def test_what_was_asked_for_is_told_from_what_it_needs(locked):
    assert locked("one\n") == {"one": ("2.0", True), "two": ("2.0", False)}
    assert locked("one\nTwo ; python_version > '3'\n")["two"] == ("2.0", True)
    assert locked("one\nTwo ; python_version < '3'\n")["two"] == ("2.0", False)


def test_includes_and_constraints(locked):
    found = locked("-r../more.txt\n-c constraints.txt\none == \\\n  1.0  # why\n", more_txt="three", sub__constraints_txt="two<2\nfour<2")
    assert found == {"one": ("1.0", True), "two": ("1.0", False), "three": ("2.0", True)}


def test_constraints_as_a_field(locked):
    assert locked("one\n", PINS + 'constraints = ["c.txt"]\n', c_txt="two<2\n")["two"] == ("1.0", False)


def test_pre_releases(locked):
    assert locked("two\n--pre\n") == {"two": ("3.0rc1", True)}


def test_nothing_asked_for_is_nothing(tree, locked):
    locked("one\n")
    tree.write("sub/r.txt", "# nothing\n")
    assert tree.run("lock")[0] == 0
    assert "one" not in (tree.root / "stackbuild.lock").read_text()


def test_hashes_are_kept_to(tree, locked):
    import hashlib

    digest = hashlib.sha256((tree.root / "wheels/two-2.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert locked(f"two==2.0 --hash={HASH} --hash=sha256:{digest}\n") == {"two": ("2.0", True)}
    err = locked(f"\ntwo==2.0 --hash={HASH}\n", expected=2)
    assert err == (
        f"sub/r.txt:3:1: none of the hashes is that of the wheel of two 2.0, sha256:{digest}; "
        "correct the hashes, or remove them\n"
    )


def test_what_cannot_be_met_is_one_line(locked):
    assert locked("two==9\n", expected=2) == (
        "BUILD.toml:5:16: no versions meet the requirements: there is no version of two==9 and you require "
        "two==9; loosen a requirement\n"
    )


def test_a_comment_asks_nobody_again_but_a_requirement_does(tree, locked):
    locked("one\n")
    tree.write("sub/r.txt", "# a comment\n--no-index\none   # another\n")
    assert tree.run("lock", "--check")[0] == 0
    tree.write("sub/r.txt", "--no-index\none\nthree\n")
    assert tree.run("lock", "--check")[0] == 1


def test_another_wheel_in_the_folder_is_asked_about(tree, locked):
    locked("one\n")
    tree.write("wheels/two-2.1-py3-none-any.whl", wheel("two", "2.1"))
    assert tree.run("lock", "--check")[0] == 1


def test_the_environment_of_the_person_changes_nothing(locked, monkeypatch, tmp_path):
    before = locked("one\n")
    (tmp_path / "uv.toml").write_text('prerelease = "allow"\n')
    for name, value in {
        "UV_PRERELEASE": "allow",
        "UV_RESOLUTION": "lowest",
        "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        "UV_CONSTRAINT": "/nowhere",
        "UV_EXCLUDE_NEWER": "2000-01-01",
        "UV_OFFLINE": "1",
        "UV_PYTHON": "3.99",
        "PIP_PRE": "1",
        "PIP_CONSTRAINT": "/nowhere",
        "VIRTUAL_ENV": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert locked("one\n") == before


PROJECT = """
[project]
name = "My.Project"
dependencies = ["one"]
[project.optional-dependencies]
more = ["my-project[other]", "three"]
other = ["four<2"]
[dependency-groups]
dev = [{ include-group = "lint" }]
lint = ["two<2"]
"""


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("", {"one": ("2.0", True), "two": ("2.0", False)}),
        ('extras = ["other"]', {"one": ("2.0", True), "two": ("2.0", False), "four": ("1.0", True)}),
        ('extras = ["More"]', {"one": ("2.0", True), "two": ("2.0", False), "three": ("2.0", True), "four": ("1.0", True)}),
        ('groups = ["dev"]', {"one": ("2.0", True), "two": ("1.0", True)}),
    ],
)
def test_projects(locked, fields, found):
    pins = PINS.replace('requirements = ["sub/r.txt"]', 'pyproject = "pyproject.toml"\nindex = "http://127.0.0.1:9/"')
    with_index = pins.replace('index = "http://127.0.0.1:9/"', 'constraints = ["sub/r.txt"]')
    assert locked("", f"{with_index}{fields}\n", pyproject_toml=PROJECT) == found


@pytest.mark.parametrize(
    ("fields", "table", "message"),
    [
        ('extras = ["mor"]', PROJECT, "BUILD.toml:5:11: the project has no extra 'mor'; did you mean 'more'?"),
        ('groups = ["de"]', PROJECT, "BUILD.toml:5:11: the project has no group 'de'; did you mean 'dev'?"),
        ("", '[project]\nname = "a"\ndynamic = ["dependencies"]\n', "BUILD.toml:4:13: the project's dependencies are dynamic; write requirements, or a lock, instead"),
        ("", "[project]\nname = \"a\"\ndependencies = ['a b']\n", "pyproject.toml:3:16: 'a b' is not a requirement: Expected semicolon (after name with no version specifier) or end; write as flask>=3"),
        ("", "[project]\nname = \"a\"\ndependencies = 'a'\n", "pyproject.toml:3:16: 'project.dependencies' should be a list of requirements"),
        ('extras = ["a"]', '[project]\nname = "p"\n[project.optional-dependencies]\na = ["p[b]"]\nb = ["p[a]"]\n', "BUILD.toml:5:11: the extra 'a' includes itself; break the circle"),
    ],
)
def test_projects_that_are_wrong(tree, fields, table, message):
    tree.write("pyproject.toml", table)
    tree.write("BUILD.toml", f'[workspace]\n[packages.d]\necosystem = "wheel"\npyproject = "pyproject.toml"\n{fields}\n')
    status, _, err = tree.run("lock")
    assert (status, err) == (2, message + "\n")


def test_all_that_it_reads_of_the_tree_is_witnessed(tree):
    tree.write("wheels/one-1-py3-none-any.whl", wheel("one"))
    tree.write("two-1-py3-none-any.whl", wheel("two"))
    tree.write("sub/r.txt", "--no-index\n-r more.txt\ntwo-1-py3-none-any.whl\n")
    tree.write("sub/more.txt", "one")
    tree.write("pyproject.toml", '[project]\nname = "p"\nversion = "1"\ndependencies = []\n')
    tree.write(
        "BUILD.toml",
        '[workspace]\n[packages.d]\necosystem = "wheel"\nrequirements = ["sub/r.txt"]\nfind_links = ["wheels"]\n'
        '[packages.e]\necosystem = "wheel"\npyproject = "pyproject.toml"\n',
    )
    tree.write("sub/two-1-py3-none-any.whl", wheel("two"))
    assert tree.unwitnessed("//...") == set()
