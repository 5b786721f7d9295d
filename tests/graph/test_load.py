"""What is loaded for a request, and what specs and queries answer."""

from __future__ import annotations

import pytest

from stackbuild.api import Workspace
from stackbuild.cli.main import main


@pytest.fixture
def ws(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.root]\nsrcs = ["x"]\n')
    tree.write("lib/BUILD.toml", '[files.lib]\nsrcs = ["x"]\n[files.more]\nsrcs = [":lib"]\n')
    tree.write("app/BUILD.toml", '[image.img]\nlayers = ["//lib:more", "//lib"]\n[image.top]\nbase = ":img"\n')
    tree.write("app/in/BUILD.toml", '[image.in]\nbase = "//app:img"\n')
    return tree


def lines(tree, *arguments, status=0):
    found, out, err = tree.run(*arguments)
    assert found == status, err
    return out.splitlines() if status == 0 else err.splitlines()


ALL = ["//:root", "//app:img", "//app:top", "//app/in:in", "//lib:lib", "//lib:more"]


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (["//..."], ALL), (["//app:all"], ["//app:img", "//app:top"]), (["//lib"], ["//lib:lib"]),
        (["//app/..."], ["//app:img", "//app:top", "//app/in:in"]), (["//:all"], ["//:root"]), ([":root"], ["//:root"]),
        (["//...", "-//app/..."], ["//:root", "//lib:lib", "//lib:more"]), (["-//lib:lib", "//lib:all"], ["//lib:more"]),
        (["lib:more", "//lib:more"], ["//lib:more"]), (["app/in"], ["//app/in:in"]),
    ],
)  # fmt: skip
def test_specs(ws, specs, expected):
    assert lines(ws, "list", *specs) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (":img", ["//app:img"]), ("in", ["//app/in:in"]), ("../lib", ["//lib:lib"]), ("...", ["//app:img", "//app:top", "//app/in:in"]),
        (":all", ["//app:img", "//app:top"]), ("..:root", ["//:root"]), ("in/...", ["//app/in:in"]),
    ],
)  # fmt: skip
def test_plain_paths_start_where_one_stands(ws, monkeypatch, capsys, spec, expected):
    monkeypatch.chdir(ws.root / "app")
    assert main(["list", spec]) == 0
    assert capsys.readouterr().out.splitlines() == expected


def test_a_broken_file_matters_only_to_those_who_need_it(ws):
    ws.write("broken/BUILD.toml", "[files\n")
    assert lines(ws, "list", "//app:top") == ["//app:top"]
    (fault,) = lines(ws, "list", "//...", status=2)
    assert fault.startswith("broken/BUILD.toml:1:7: not TOML: ")
    ws.write("user/BUILD.toml", '[image.i]\nbase = "//broken:x"\n')
    found = lines(ws, "list", "//user:i", status=2)
    assert found[0].startswith("broken/BUILD.toml:1:7: ")


def test_only_needed_files_are_loaded(ws):
    with Workspace.open(ws.root) as workspace:
        workspace.select("//lib:more")
        assert sorted(map(str, workspace.graph.declarations)) == ["//lib:lib", "//lib:more"]
        workspace.select("//app:img")
        assert {address.folder for address in workspace.graph.declarations} == {"lib", "app"}


def test_inner_workspaces_dist_and_hidden_folders_are_not_entered(ws):
    for folder in ("dist/a", ".hidden", "example"):
        ws.write(f"{folder}/BUILD.toml", "[workspace]\n[image.no]\n")
    (ws.root / "link").symlink_to("app")
    assert lines(ws, "list", "//...") == ALL


def test_queries(ws):
    assert lines(ws, "deps", "//app:top") == ["//app:img"]
    assert lines(ws, "deps", "--transitive", "//app:top") == ["//app:img", "//lib:lib", "//lib:more"]
    assert lines(ws, "dependents", "//lib:more") == ["//app:img"]
    found = lines(ws, "dependents", "--transitive", "//lib:lib")
    assert found == ["//app:img", "//app:top", "//app/in:in", "//lib:more"]
    assert lines(ws, "deps", "--transitive", "--type", "files", "//app/in") == ["//lib:lib", "//lib:more"]
    assert lines(ws, "paths", "//app:top", "//lib:lib") == [
        "//app:top -> //app:img -> //lib:lib",
        "//app:top -> //app:img -> //lib:more -> //lib:lib",
    ]


@pytest.mark.parametrize(
    ("target", "why"), [("BUILD.toml", "Too many levels of symbolic links"), ("n" * 300, "File name too long")]
)
def test_a_build_file_that_is_a_link_to_what_cannot_be_followed_is_named(ws, target, why):
    (ws.root / "lib/BUILD.toml").unlink()
    (ws.root / "lib/BUILD.toml").symlink_to(target)
    assert f"the folder //lib cannot be read: {why}" in lines(ws, "list", "//...", status=2)[0]


def test_one_that_leads_nowhere_is_none(ws):
    (ws.root / "odd").mkdir()
    (ws.root / "odd/BUILD.toml").symlink_to("nowhere")
    assert lines(ws, "list", "//...") == ALL
