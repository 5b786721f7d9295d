"""What is in node_modules: commands, links to folders of the tree, bundled packages, layers."""

from __future__ import annotations

import json

from .conftest import integrity, member, package_json, tgz

CLI = member("package/cli.js", b"#!/usr/bin/env node\n")


def test_commands_are_links_beside_the_package(project):
    project.add("node_modules/a", CLI, bin={"a": "cli.js", "b": "./cli.js"})
    project.add("node_modules/@s/c", CLI, bin={"c": "cli.js"})
    project.add("node_modules/a/node_modules/d", CLI, bin={"d": "cli.js"})
    assert project.links() == {
        "app/node_modules/.bin/a": "../a/cli.js",
        "app/node_modules/.bin/b": "../a/cli.js",
        "app/node_modules/.bin/c": "../@s/c/cli.js",
        "app/node_modules/a/node_modules/.bin/d": "../d/cli.js",
    }
    assert project.files()["app/node_modules/a/cli.js"]["mode"] == "0755"


def test_a_command_whose_file_is_not_there_has_no_link(project):
    project.add("node_modules/a", bin={"a": "made/by/script.js"})
    assert project.links() == {}


def test_of_two_packages_with_one_command_the_first_by_name_has_it(project):
    project.add("node_modules/b", CLI, bin={"x": "cli.js"})
    project.add("node_modules/a", CLI, bin={"x": "cli.js"})
    assert project.links() == {"app/node_modules/.bin/x": "../a/cli.js"}


def test_a_package_in_two_places_and_two_versions(project):
    project.add("node_modules/a", version="1.0.0")
    project.add("node_modules/b/node_modules/a", version="2.0.0")
    project.add("node_modules/b")
    found = [path for path, file in project.files().items() if path.endswith("a/index.js") and file["size"] == 8]
    assert found == ["app/node_modules/a/index.js", "app/node_modules/b/node_modules/a/index.js"]


def test_an_alias_is_installed_under_its_own_name(project):
    project.add("node_modules/other", name="a")
    assert "app/node_modules/other/index.js" in project.files()


def test_folders_of_the_tree_are_links_and_their_files_are_not_touched(project):
    project.entries["node_modules/@s/lib"] = {"resolved": "packages/lib", "link": True}
    project.entries["packages/lib"] = {"name": "@s/lib", "version": "1.0.0", "bin": {"lib": "cli.js"}, "dependencies": {"a": "*"}}
    project.add("packages/lib/node_modules/a", CLI, bin={"a": "cli.js"})
    found = project.files()
    assert project.links() == {
        "app/node_modules/.bin/lib": "../@s/lib/cli.js",
        "app/node_modules/@s/lib": "../../packages/lib",
        "app/packages/lib/node_modules/.bin/a": "../a/cli.js",
    }
    assert {path for path, file in found.items() if file["kind"] == "folder"} == {
        "app/node_modules", "app/node_modules/.bin", "app/node_modules/@s", "app/packages/lib/node_modules",
        "app/packages/lib/node_modules/.bin", "app/packages/lib/node_modules/a",
    }  # fmt: skip


def test_what_a_package_bundles_comes_with_it(project):
    inner = [member("package/node_modules/b/package.json", b"{}"), member("package/node_modules/b/cli.js")]
    project.add("node_modules/a", *inner)
    project.entries["node_modules/a/node_modules/b"] = {"version": "3.0.0", "inBundle": True, "bin": {"b": "cli.js"}}
    assert project.links() == {"app/node_modules/a/node_modules/.bin/b": "../b/cli.js"}
    assert project.files()["app/node_modules/a/node_modules/b/cli.js"]["mode"] == "0755"


def test_what_the_project_bundles_is_fetched_as_everything_else(project):
    project.add("node_modules/a", inBundle=True)
    assert "app/node_modules/a/index.js" in project.files()


def test_no_file_of_npms_own_is_written(project):
    project.add("node_modules/a")
    assert "app/node_modules/.package-lock.json" not in project.files()


def test_layers(project):
    """Each layer has its packages with their commands, and the folders that it needs."""
    project.add("node_modules/a", CLI, bin={"a": "cli.js"})
    project.add("node_modules/b")
    project.add("node_modules/a/node_modules/c")
    layers = project.layers('split = "each"\n')
    assert [[path.removeprefix("app/node_modules") for path, file in layer.items() if file["kind"] != "folder"] for layer in layers] == [
        ["/.bin/a", "/a/cli.js", "/a/index.js", "/a/package.json"],
        ["/a/node_modules/c/index.js", "/a/node_modules/c/package.json"],
        ["/b/index.js", "/b/package.json"],
    ]  # fmt: skip
    assert [path for path, file in layers[1].items() if file["kind"] == "folder"] == [
        "app/node_modules", "app/node_modules/a", "app/node_modules/a/node_modules", "app/node_modules/a/node_modules/c",
    ]  # fmt: skip


def test_an_empty_project(project):
    assert project.files() == {}


def test_a_package_that_did_not_change_is_not_read_again(project):
    project.add("node_modules/a")
    project.add("node_modules/b")
    before = project.files()
    for file in (project.tree.root / "tarballs").iterdir():
        file.unlink()  # what is in the store is enough
    project.add("node_modules/c")
    assert project.files().items() > before.items()


def test_a_command_that_comes_makes_its_file_executable(project):
    entry = project.add("node_modules/a", CLI)
    assert project.files()["app/node_modules/a/cli.js"]["mode"] == "0644"
    entry["bin"] = {"a": "cli.js"}
    assert project.files()["app/node_modules/a/cli.js"]["mode"] == "0755"


def test_the_license_of_a_package_changes_the_list_and_no_layer(project):
    entry = project.add("node_modules/a", license="MIT")
    before = project.files()
    entry["license"] = "ISC"
    project.write()
    assert "what is said of its packages changed" in project.tree.run("explain", "//:m")[1]
    assert project.files() == before


def test_why_names_the_packages_that_moved(project):
    project.add("node_modules/a")
    project.add("node_modules/b")
    project.files()
    project.add("node_modules/a", version="2.0.0")
    project.add("node_modules/c")
    project.write()
    assert [line for line in project.tree.run("why", "//:m")[1].splitlines() if not line.startswith(" ")] == [
        "//:m is to be built:", "package node_modules/a 1.0.0 -> 2.0.0", "package node_modules/c 1.0.0 added",
    ]  # fmt: skip


def test_scripts_are_not_run_and_that_is_said(project):
    project.add("node_modules/a", member("package/binding.gyp"), hasInstallScript=True)
    project.add("node_modules/b/node_modules/a", hasInstallScript=True)
    project.add("node_modules/c", hasInstallScript=True, dev=True)
    project.write('omit = ["dev"]\n')
    said = "warning: //:m (gzip): install scripts are not run: a 1.0.0"
    assert said in project.tree.run("image", "--progress", "plain", "//:m")[2].splitlines()
    _, out, err = project.tree.run("image", "--progress", "plain", "--explain", "//:m")
    assert "warning" not in err and "    warning: install scripts are not run: a 1.0.0" in out.splitlines()


def test_time_is_source_date_epoch(project, monkeypatch):
    project.add("node_modules/a")
    digests = set()
    for epoch in ("0", "7"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        project.write()
        digests.add(project.tree.image("//:m")["layers"][0]["diff_id"])
    assert len(digests) == 2


def test_the_machines_settings_of_npm_change_nothing(project, monkeypatch, tmp_path):
    project.add("node_modules/a", license="MIT")
    project.write()
    before = project.tree.image("//:m")["layers"]
    project.tree.write(".npmrc", "registry=https://127.0.0.1:1/\nomit=dev\nignore-scripts=false\n")
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.setenv(name, "https://127.0.0.1:1/")
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "other"))
    after = project.tree.image("//:m")["layers"]
    assert [layer["digest"] for layer in after] == [layer["digest"] for layer in before]


def test_the_list_names_every_package(project, tmp_path):
    data = tgz(package_json("@s/a"))
    project.add("node_modules/@s/a", data=data, license="MIT", dependencies={"b": "*"})
    project.add("node_modules/b")
    project.write()
    layer = project.tree.image("//:m")["layers"][0]["digest"]
    documents = [file.read_bytes() for file in (tmp_path / "store").rglob("*") if file.is_file() and file.stat().st_size < 5000]
    (listed,) = [json.loads(text) for text in documents if text.startswith(b'[{"depends"')]
    assert listed[0] == {
        "ecosystem": "npm", "name": "@s/a", "version": "1.0.0", "purl": "pkg:npm/%40s/a@1.0.0", "license": "MIT",
        "path": "node_modules/@s/a", "layer": layer, "depends": ["node_modules/b"],
        "url": "//" + project.entries["node_modules/@s/a"]["resolved"].removeprefix("file:"),
        "digest": "sha512:" + __import__("base64").b64decode(integrity(data)[7:]).hex(),
    }  # fmt: skip
