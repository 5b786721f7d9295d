"""pylock.toml and uv.lock as they stand."""

from __future__ import annotations

import re

import pytest

from .making import lock, wheel

HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
SHA = "0" * 64
UV = """version = 1
revision = 1
requires-python = ">=3.10"
resolution-markers = ["python_full_version >= '3.12'", "python_full_version < '3.12'"]

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "one", version = "1.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.12'" },
    { name = "one", version = "2.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3.12'" },
]

[package.optional-dependencies]
more = [{ name = "three" }]

[package.dev-dependencies]
dev = [{ name = "four" }]

[package.metadata]
requires-dist = [{ name = "one" }, { name = "three", marker = "extra == 'more'" }]
provides-extras = ["more"]

[package.metadata.requires-dev]
dev = [{ name = "four" }]
"""


def uv_package(name: str, version: str, needs: str = "") -> str:
    return f"""
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://pypi.org/simple" }}
{f'dependencies = [{{ name = "{needs}" }}]' if needs else ""}
sdist = {{ url = "https://files.example.org/{name}-{version}.tar.gz", hash = "sha256:{SHA}", size = 1 }}
wheels = [
    {{ url = "https://files.example.org/{name}-{version}-py3-none-any.whl", hash = "sha256:{SHA}", size = 1 }},
]
"""


UV_LOCK = UV + "".join(uv_package(*item) for item in [("one", "1.0", "two"), ("one", "2.0", "two"), ("two", "1.0"), ("three", "1.0"), ("four", "1.0")])


@pytest.fixture
def refused(tree):
    def check(text: str, fields: str = "") -> str:
        tree.write("pylock.toml", text)
        tree.write("BUILD.toml", f'[workspace]\n[packages.d]\necosystem = "wheel"\npylock = "pylock.toml"\n{fields}\n')
        status, _, err = tree.run("image", "//:d", "--progress", "none", "--output", "none")
        assert status == 2 and len(err.splitlines()) == 1, err
        return err.removeprefix("BUILD.toml:4:10: ").rstrip("\n")

    return check


def one(source: str) -> str:
    return f'{HEAD}[[packages]]\nname = "foo"\nversion = "1.0"\n{source}\n'


def of_wheel(file: str, place: str = "https://h/", hashes: str = f'{{ sha256 = "{SHA}" }}') -> str:
    return one(f'wheels = [{{ url = "{place}{file}", hashes = {hashes} }}]')


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x", r"it is not TOML: .*; restore the file"),
        ("", "it is not a sound pylock.toml: Missing required value in 'lock-version'; make it anew"),
        (HEAD.replace("1.0", "2.0") + "packages = []", "it is not a sound pylock.toml: pylock version 2.0 is not supported; make it anew"),
        (HEAD + 'requires-python = ">=3.13"\npackages = []', "it is for Python >=3.13; python is 3.12"),
        (one(f'sdist = {{ url = "https://h/foo-1.0.tar.gz", hashes = {{ sha256 = "{SHA}" }} }}'), "foo 1.0 has no wheel for Python 3.12 on x86_64 with glibc 2.28, only its source; nothing is built: choose a version with wheels, or build one and name it"),
        (one('directory = { path = "foo" }'), "foo 1.0 would have to be built from source; build a wheel of it, and name that"),
        (one('vcs = { type = "git", url = "https://h/foo", commit-id = "1" }'), "foo 1.0 would have to be built from source; build a wheel of it, and name that"),
        (one(f'archive = {{ url = "https://h/foo-1.0.tar.gz", hashes = {{ sha256 = "{SHA}" }} }}'), "foo: 'foo-1.0.tar.gz' is not a wheel; build a wheel of it, and name that"),
        (of_wheel("foo-1.0-cp312-cp312-win_amd64.whl"), "foo has no wheel for Python 3.12 on x86_64 with glibc 2.28; choose another version, python or libc"),
        (of_wheel("foo-1.0-cp312-cp312-manylinux_2_34_x86_64.whl"), "foo has no wheel for Python 3.12 on x86_64 with glibc 2.28; choose another version, python or libc"),
        (of_wheel("foo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl"), "foo has no wheel for Python 3.12 on x86_64 with glibc 2.28; choose another version, python or libc"),
        (of_wheel("foo-1.0-py3-none-any.whl", "http://h/"), "foo: 'http://h/foo-1.0-py3-none-any.whl' would be fetched in clear text; write https://…; correct the lock"),
        (of_wheel("foo-1.0-py3-none-any.whl", hashes='{ md5 = "0" }'), "foo: its lock states no SHA-256; make the lock anew"),
        (of_wheel("foo-1.0-py3-none-any.whl", hashes='{ sha256 = "../../x" }'), "foo: its lock states no SHA-256; make the lock anew"),
        (of_wheel("bar-1.0-py3-none-any.whl"), r"it is not a sound pylock.toml: Name in .* is not consistent with package name 'foo' .*; make it anew"),
        (one(f'wheels = [{{ path = "../foo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]'), "foo: '../foo-1.0-py3-none-any.whl' is outside the workspace; correct the lock"),
        (one(f'wheels = [{{ path = "/etc/foo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]'), "foo: '/etc/foo-1.0-py3-none-any.whl' is outside the workspace; correct the lock"),
        (of_wheel("foo-1.0-py3-none-any.whl", "file:///etc/"), "foo: '/etc/foo-1.0-py3-none-any.whl' is outside the workspace; correct the lock"),
        (of_wheel("foo-1.0-py3-none-any.whl") + of_wheel("foo-1.0-py3-none-any.whl").removeprefix(HEAD), r"Multiple packages with the name 'foo' are selected .*"),
    ],
)
def test_refused(refused, text, what):
    assert re.fullmatch(what if "*" in what else re.escape(what), refused(text))


def test_an_extra_that_it_has_not(refused):
    text = HEAD + 'extras = ["more"]\ndependency-groups = ["dev"]\npackages = []\n'
    assert refused(text, 'extras = ["mor"]') == "BUILD.toml:5:11: the lock has no extra 'mor'; did you mean 'more'?"
    assert refused(text, 'groups = ["de"]') == "BUILD.toml:5:11: the lock has no group 'de'; did you mean 'dev'?"


def test_markers_extras_and_groups_are_those_of_the_image(tree, installed):
    names = {
        "one": "",
        "two": "platform_machine == 'aarch64'",
        "three": "'more' in extras",
        "four": "'dev' in dependency_groups",
        "five": "sys_platform == 'win32'",
        "six": "'main' in dependency_groups",
        "seven": "python_version < '3.10'",
    }
    wheels = {f"{name}-1.0-py3-none-any.whl": wheel(name) for name in names}
    tree.write("pylock.toml", "")
    for file, data in wheels.items():
        tree.write(file, data)
    text = lock(*wheels.items(), head='extras = ["more"]\ndependency-groups = ["dev", "main"]\ndefault-groups = ["main"]')
    for name, marker in names.items():
        if marker:
            text = text.replace(f'name = "{name}"\n', f'name = "{name}"\nmarker = "{marker}"\n')
    tree.write("pylock.toml", text)

    def found(fields: str, platform: str = "linux/amd64") -> set[str]:
        tree.write(
            "BUILD.toml",
            f'[workspace]\n[packages.d]\necosystem = "wheel"\npylock = "pylock.toml"\nsplit = "each"\n{fields}\n[image.i]\nlayers = [":d"]\nplatforms = ["{platform}"]\n',
        )
        from .conftest import layout_files

        tree.image("//:i")
        return {path.split("/")[-2] for path in layout_files(tree.root / "dist/i") if path.endswith("__init__.py")}

    assert found("") == {"one", "six"}
    assert found("", "linux/arm64") == {"one", "two", "six"}
    assert found('extras = ["more"]\ngroups = ["dev"]') == {"one", "three", "four", "six"}
    assert found('python = "3.9"') == {"one", "six", "seven"}


@pytest.fixture
def from_uv(tree):
    """The names, versions and mark of being asked for that a uv.lock gives, by its own answer in the store."""

    def ask(fields: str = "", status: int = 1, text: str = UV_LOCK):
        import json

        tree.write("uv.lock", text)
        tree.write("BUILD.toml", f'[workspace]\n[packages.d]\necosystem = "wheel"\nuv_lock = "uv.lock"\n{fields}\n')
        found, _, err = tree.run("image", "//:d", "--progress", "none", "--output", "none")
        assert found == status
        if status == 2:
            return err
        for path in sorted((tree.root.parent / "store/records").glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
            record = json.loads(path.read_bytes())["record"]
            if record["name"].startswith("locked"):
                packages = json.loads(record["result"]["packages"])
                return {item["name"]: (item["version"], "requested_" in item) for item in packages}
        raise AssertionError(err)

    return ask


def test_a_uv_lock_for_each_python(from_uv, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing is fetched but the wheels, in vain
    assert from_uv() == {"one": ("2.0", True), "two": ("1.0", False)}
    assert from_uv('python = "3.11"') == {"one": ("1.0", True), "two": ("1.0", False)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('extras = ["mor"]', "BUILD.toml:5:11: the lock has no extra 'mor'; did you mean 'more'?"),
        ('groups = ["de"]', "BUILD.toml:5:11: the lock has no group 'de'; did you mean 'dev'?"),
        ('package = "ap"', "BUILD.toml:5:11: the lock has no project 'ap'; did you mean 'app'?"),
        ('python = "3.9"', "BUILD.toml:4:11: it is for Python >=3.10; python is 3.9"),
    ],
)
def test_what_a_uv_lock_has_not(from_uv, fields, message):
    assert from_uv(fields, 2) == message + "\n"


def test_extras_and_groups_of_a_uv_lock(from_uv, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = from_uv('extras = ["more"]\ngroups = ["dev"]\npackage = "app"')
    assert found == {"one": ("2.0", True), "two": ("1.0", False), "three": ("1.0", True), "four": ("1.0", True)}


def test_a_uv_lock_that_is_none(from_uv):
    assert "BUILD.toml:4:11: it is not TOML: " in from_uv("", 2, "x")
    assert from_uv("", 2, "version = 99\n").startswith("BUILD.toml:4:11: ")


def test_a_uv_lock_without_wheels(from_uv):
    text = re.sub(r"wheels = \[\n.*\n\]\n", "", UV_LOCK)
    assert from_uv("", 2, text) == (
        "BUILD.toml:4:11: one 2.0 has no wheel for Python 3.12 on x86_64 with glibc 2.28, only its source; nothing "
        "is built: choose a version with wheels, or build one and name it\n"
    )


def test_all_that_it_reads_of_the_tree_is_witnessed(installed, tree):
    installed({"one-1-py3-none-any.whl": wheel("one")})
    assert tree.unwitnessed("//:i") == set()
