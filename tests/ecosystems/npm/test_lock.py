"""package-lock.json: what it says of tarballs, and each wrong one refused with one line that says where."""

from __future__ import annotations

import json

import pytest

from stackbuild.declare.package import Packages
from stackbuild.declare.workspace import open_workspace
from stackbuild.ecosystems.ecosystem import Ask
from stackbuild.ecosystems.npm import Npm
from stackbuild.ecosystems.settings import settings_of
from stackbuild.targets.registry import load_types

from .conftest import integrity

SHA512 = integrity(b"a")
AT = "BUILD.toml:4:16: package-lock.json: node_modules/"
AGAIN = "run 'npm install --package-lock-only' with npm 7 or newer"


@pytest.fixture
def listed(project):
    def packages(entries: dict, fields: str = "", platform: str = "linux/amd64") -> dict:
        """The packages of a lock, by place; nothing is fetched."""
        project.entries |= entries
        project.write(fields)
        opened = open_workspace(project.tree.root, settings_of)
        models = {name: kind.fields for name, kind in load_types().items()}
        declaration = Packages(opened, models).load("").declarations["m"]
        ask = Ask(declaration, platform, opened, None, None, None, 0)
        return {package.path: package for package in Npm().listed(ask)}

    return packages


def entry(**more):
    return {"version": "1.0.0", "integrity": SHA512, **more}


def test_what_a_package_is(listed):
    found = listed({"node_modules/a": entry(license="MIT", resolved="https://example.org/a.tgz", hasInstallScript=True)})
    package = found["node_modules/a"]
    assert (package.name, package.version, package.license) == ("a", "1.0.0", "MIT")
    assert package.url == "https://example.org/a.tgz"
    assert package.digest.startswith("sha512:1f40fc92") and len(package.digest) == 7 + 128
    assert package.more == {"script": "yes"}


@pytest.mark.parametrize(
    ("place", "more", "url"),
    [
        ("node_modules/a", {}, "https://registry.npmjs.org/a/-/a-1.0.0.tgz"),
        ("node_modules/@s/a", {}, "https://registry.npmjs.org/@s/a/-/a-1.0.0.tgz"),
        ("node_modules/b/node_modules/@s/a", {}, "https://registry.npmjs.org/@s/a/-/a-1.0.0.tgz"),
        ("node_modules/alias", {"name": "@s/a"}, "https://registry.npmjs.org/@s/a/-/a-1.0.0.tgz"),
        ("node_modules/a", {"resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz"}, "https://registry.npmjs.org/a/-/a-1.0.0.tgz"),
        ("node_modules/a", {"resolved": "file:x/a.tgz"}, "//x/a.tgz"),
        ("node_modules/a", {"resolved": "http://example.org:81/a.tgz?b=c"}, "http://example.org:81/a.tgz?b=c"),
    ],
)  # fmt: skip
def test_where_a_tarball_is(listed, place, more, url):
    assert listed({place: entry(**more)})[place].url == url


def test_another_registry_stands_in_for_npms_own(listed):
    found = listed(
        {
            "node_modules/a": entry(),
            "node_modules/b": entry(resolved="https://registry.npmjs.org/b/-/b-1.0.0.tgz"),
            "node_modules/c": entry(resolved="https://example.org/c.tgz"),
        },
        'registry = "https://npm.example.org/mirror"\n',
    )
    assert [package.url for package in found.values()] == [
        "https://npm.example.org/mirror/a/-/a-1.0.0.tgz",
        "https://npm.example.org/mirror/b/-/b-1.0.0.tgz",
        "https://example.org/c.tgz",
    ]


def test_the_strongest_digest_counts(listed):
    words = [integrity(b"a", name) for name in ("sha1", "sha256", "sha384")]
    assert listed({"node_modules/a": entry(integrity=" ".join(words))})["node_modules/a"].digest.startswith("sha384:")
    words += [SHA512 + "?opaque"]
    assert listed({"node_modules/a": entry(integrity=" ".join(words))})["node_modules/a"].digest.startswith("sha512:")


@pytest.mark.parametrize(
    ("license", "words"),
    [("MIT", "MIT"), ({"type": "ISC", "url": "x"}, "ISC"), ([{"type": "MIT"}, "ISC"], "MIT OR ISC"), (None, ""), (3, "")],
)
def test_licenses_in_every_form_there_was(listed, license, words):
    assert listed({"node_modules/a": entry(license=license)})["node_modules/a"].license == words


def test_what_it_depends_on_is_found_as_node_does(listed):
    found = listed(
        {
            "node_modules/a": entry(dependencies={"b": "*", "c": "*", "gone": "*"}, peerDependencies={"d": "*"}),
            "node_modules/a/node_modules/b": entry(dependencies={"c": "*"}),
            "node_modules/b": entry(),
            "node_modules/c": entry(optionalDependencies={"b": "*"}),
            "node_modules/d": entry(),
        }
    )
    assert {place: list(package.depends) for place, package in found.items()} == {
        "node_modules/a": ["node_modules/a/node_modules/b", "node_modules/c", "node_modules/d"],
        "node_modules/a/node_modules/b": ["node_modules/c"],
        "node_modules/b": [],
        "node_modules/c": ["node_modules/b"],
        "node_modules/d": [],
    }


@pytest.mark.parametrize(("name", "purl"), [("a", "pkg:npm/a@1.0.0"), ("@s/a", "pkg:npm/%40s/a@1.0.0")])
def test_purl(listed, name, purl):
    assert Npm().purl(listed({f"node_modules/{name}": entry()})[f"node_modules/{name}"], None) == purl


REFUSED = {
    "sha1 only": (entry(integrity=integrity(b"a", "sha1")), f"its integrity is sha1 only, which proves nothing; remove its entry, and {AGAIN}"),
    "no integrity": (entry(integrity=None), f"it has no integrity; remove its entry, and {AGAIN}"),
    "short integrity": (entry(integrity="sha512-AAAA"), f"its integrity is no sha512 in base64; {AGAIN}"),
    "bad base64": (entry(integrity="sha512-****"), f"its integrity is no sha512 in base64; {AGAIN}"),
    "git": (entry(resolved="git+ssh://git@github.com/a/a.git#0123"), "it comes from git+ssh://git@github.com/a/a.git#0123, which no digest can pin; pack it with 'npm pack' into the tree, and depend on file:NAME.tgz"),
    "password": (entry(resolved="https://me:pw@example.org/a.tgz"), "its URL ('resolved') is malformed; write no password into it; those of ~/.netrc are used"),
    "backslash": (entry(resolved="https://example.org\\@evil.org/a.tgz"), "its URL ('resolved') is malformed; write no password into it; those of ~/.netrc are used"),
    "file above": (entry(resolved="file:../../a.tgz"), "file:../../a.tgz is outside the workspace; move it into the workspace"),
    "file of the machine": (entry(resolved="file:/etc/a.tgz"), "file:/etc/a.tgz is outside the workspace; move it into the workspace"),
    "version": (entry(version="1.0/../x"), f"'1.0/../x' is not a version; {AGAIN}"),
    "no version": ({"integrity": SHA512}, f"'' is not a version; {AGAIN}"),
    "types": (entry(version=1), f"version is not as npm writes it; {AGAIN}"),
    "types within": (entry(bin={"a": 1}), f"bin.a is not as npm writes it; {AGAIN}"),
    "no object": ([], f"it is not as npm writes it; {AGAIN}"),
    "alias": (entry(name="../x"), f"'../x' is not a package's name; {AGAIN}"),
    "command outside": (entry(bin={"a": "../../x"}), f"its command 'a' is '../../x', which is no file of the package; {AGAIN}"),
    "command of the machine": (entry(bin={"a": "/bin/sh"}), f"its command 'a' is '/bin/sh', which is no file of the package; {AGAIN}"),
    "command's name": (entry(bin={"../a": "x"}), f"'../a' is not a command's name; {AGAIN}"),
    "command as whiteout": (entry(bin={".wh.a": "x"}), f"'.wh.a' is not a command's name; {AGAIN}"),
    "link outside": ({"resolved": "../x", "link": True}, "it links to '../x', which is no folder of the project; move it below the project, or pack it with 'npm pack' and depend on file:NAME.tgz"),
    "does not fit": (entry(os=["win32"]), "it is needed, and does not fit linux x64 glibc; choose other platforms, or a package that fits"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_entries_that_are_refused(project, case):
    row, what = REFUSED[case]
    project.entries["node_modules/a"] = row
    assert project.refused() == (2, f"{AT}a: {what}")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x", ".bin", "@s", "a\0", "node_modules", "a b", "ä", "a\\b"])
def test_places_that_are_none(project, name):
    project.entries[f"node_modules/{name}"] = entry()
    status, err = project.refused()
    assert status == 2 and err.startswith("BUILD.toml:4:16: package-lock.json: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "a" 1}', f"package-lock.json:2:7: not JSON: Expecting ':' delimiter; {AGAIN}"),
        ("", f"package-lock.json:1:1: not JSON: Expecting value; {AGAIN}"),
        (b"\xff", f"package-lock.json:1:1: not JSON; {AGAIN}"),
        ("[" * 100_000, f"package-lock.json:1:1: not JSON; {AGAIN}"),
        ("[]", f"BUILD.toml:4:16: 'package-lock.json' has no table 'packages', as those of npm 6 and older; {AGAIN}"),
        ('{"lockfileVersion": 1, "dependencies": {}}', f"BUILD.toml:4:16: 'package-lock.json' has no table 'packages', as those of npm 6 and older; {AGAIN}"),
    ],
)  # fmt: skip
def test_files_that_are_no_lock(project, text, line):
    project.write()
    project.tree.write("package-lock.json", text)
    assert project.fails() == (2, line)


def test_a_lock_that_is_not_there(project):
    project.write()
    (project.tree.root / "package-lock.json").unlink()
    assert project.fails() == (2, "BUILD.toml:4:16: 'package-lock.json' cannot be read: No such file or directory; correct the path")


def test_a_lock_outside(project, tmp_path):
    project.write()
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": {}}))
    project.tree.write("BUILD.toml", '[workspace]\n[packages.m]\necosystem = "npm"\npackage_lock = "../package-lock.json"\n')
    assert project.fails() == (2, "BUILD.toml:4:16: '../package-lock.json' is outside the workspace; correct the path")


def test_all_that_it_reads_of_the_tree_is_witnessed(project):
    project.add("node_modules/a")
    project.write()
    assert project.tree.unwitnessed("//:m") == set()
