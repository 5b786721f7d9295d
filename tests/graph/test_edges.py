"""What a person types and what packages may say of each other: the cases that were once let through."""

from __future__ import annotations

import os

import pytest

LIB = '[files.f]\ndirs = ["/x"]\n'


@pytest.fixture
def packages(tree):
    for folder in ("app", "lib", "lib/deep", ".ci"):
        tree.write(f"{folder}/BUILD.toml", LIB)
    return tree


@pytest.mark.parametrize("away", ["-app:f", "-//app:f", "-//app/...", "-//app:all", "-app:all"])
def test_specs_are_taken_away_in_every_form(packages, away):
    status, out, err = packages.run("list", "//...", away)
    assert (status, out, err) == (0, "//lib:f\n//lib/deep:f\n", "")


@pytest.mark.parametrize("away", ["-//typo:x", "-//app:x", "-//typo/...", "-//typo:all"])
def test_a_misspelt_spec_takes_nothing_away_unseen(packages, away):
    status, out, err = packages.run("list", "//...", away)
    assert status == 2 and out == "" and len(err.splitlines()) == 1


def test_standing_in_a_hidden_folder(packages, monkeypatch):
    from stackbuild.cli.main import main

    monkeypatch.chdir(packages.root / ".ci")
    assert main(["list", ":all"]) == 0
    assert packages._capsys.readouterr().out == "//.ci:f\n"


def test_a_symlink_to_a_package_is_no_second_name_for_it(packages, tmp_path):
    (packages.root / "alias").symlink_to("lib")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "BUILD.toml").write_text(LIB)
    (packages.root / "ext").symlink_to(tmp_path / "outside")
    assert packages.run("image", "//alias:f")[2] == "//alias is a symlink to a folder, not a package; say //lib\n"
    assert "move it into the workspace" in packages.run("image", "//ext:f")[2]


@pytest.mark.parametrize("head", ["[workspace]", "[ workspace ]", "workspace = {}"])
def test_an_inner_workspace_keeps_its_targets_to_itself(packages, head):
    packages.write("inner/BUILD.toml", f"{head}\n")
    packages.write("inner/app/BUILD.toml", LIB)
    assert "//inner" not in packages.run("list", "//...")[1]
    assert packages.run("list", "//inner/app:f")[2] == "//inner/app belongs to the workspace in //inner; build it from there\n"


@pytest.mark.parametrize("spec", ["public", "lib:f", "//visibility:public"])
def test_visibility_that_means_nothing_is_refused(packages, spec):
    packages.write("lib/BUILD.toml", LIB + f'visibility = ["{spec}"]\n')
    status, _, err = packages.run("list", "//lib:f")
    assert status == 2 and err.startswith("lib/BUILD.toml:3:15: ") and len(err.splitlines()) == 1


def test_all_faults_of_a_target_are_found_at_once(packages):
    packages.write("app/BUILD.toml", '[files.f]\nsrcs = ["x", "//none:x"]\nmode = 3\n[image.i]\nlayers = ["//lib:nop"]\nentrypoint = "sh"\n')
    lines = packages.run("list", "//app:all")[2].splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"app/BUILD.toml:{place}" for place in ("2:14", "3:8", "5:11", "6:14")]


def test_every_knot_of_cycles_is_shown(packages):
    packages.write("app/BUILD.toml", "".join(f'[files.{a}]\nsrcs = [":{b}"]\n' for a, b in ("pq", "qp", "rs", "sr")))
    err = packages.run("list", "//app:all")[2]
    assert "//app:p -> //app:q -> //app:p" in err and "//app:r -> //app:s -> //app:r" in err


def test_an_array_of_tables_hides_no_other_targets_faults(packages):
    packages.write("app/BUILD.toml", "[files.f]\nsrcs = 1\n[[files.arr]]\nsrcs = []\n")
    lines = packages.run("list", "//app:all")[2].splitlines()
    assert len(lines) == 2 and lines[1].startswith("app/BUILD.toml:3:9: 'files.arr' should be a table")


def test_a_broken_package_that_speaks_of_workspaces_is_not_the_root(packages, monkeypatch):
    from stackbuild.cli.main import main

    packages.write("app/BUILD.toml", "# not a [workspace]\n[files.f\n")
    monkeypatch.chdir(packages.root / "app")
    assert main(["list", ":all"]) == 2
    assert packages._capsys.readouterr().err.startswith("app/BUILD.toml:2:")


def test_a_folder_that_no_address_can_name(packages):
    name = os.fsdecode(b"bad\xff")
    packages.write(f"{name}/BUILD.toml", LIB)
    status, _, err = packages.run("list", "//...")
    assert status == 2 and "no address can name it; rename it" in err


def test_paths_come_one_after_the_other(tree):
    text = '[files.x0]\ndirs = ["/x"]\n'
    for number in range(1, 25):
        below = f"x{number - 1}"
        text += "".join(f'[files.{side}{number}]\nsrcs = [":{below}"]\n' for side in "ab")
        text += f'[files.x{number}]\nsrcs = [":a{number}", ":b{number}"]\n'
    tree.write("p/BUILD.toml", text)
    import stackbuild
    from stackbuild.declare.address import Address
    from stackbuild.graph.query import paths

    with stackbuild.Workspace.open(tree.root) as workspace:
        workspace.select("//p:all")
        ways = paths(workspace.graph, Address("p", "x24"), Address("p", "x0"))
        assert len(next(ways)) == 49 and next(ways) != next(ways)


def test_a_byte_order_mark_is_called_by_its_name(packages):
    packages.write("app/BUILD.toml", b"\xef\xbb\xbf" + LIB.encode())
    assert packages.run("list", "//app:f")[2] == "app/BUILD.toml:1:1: the file begins with a byte-order mark; save it without\n"
