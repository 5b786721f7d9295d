"""The shapes of well-known projects' Dockerfiles: what each becomes, what is said to be lost, and that it builds."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from .conftest import with_tarballs

HERE = Path(__file__).parent / "dockerfiles"
SHAPES = sorted(folder.name for folder in HERE.iterdir())


def translate(tree, shape: str, *more: str) -> tuple[str, list[str]]:
    """(BUILD.toml, lines on standard error) of a shape, in app/ of a workspace."""
    shutil.copytree(HERE / shape / "tree", tree.root / "app", dirs_exist_ok=True)
    given = HERE / shape / "arguments"
    arguments = given.read_text().split() if given.is_file() else []
    status, out, err = tree.run("init", "--from", "app/Dockerfile", *arguments, *more)
    assert status == 0, err
    assert "next: stackbuild image //app:img" in out
    return (tree.root / "app/BUILD.toml").read_text(), err.splitlines()


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_becomes_the_targets_that_it_should(tree, shape):
    text, lines = translate(tree, shape)
    assert text == (HERE / shape / "BUILD.toml.expected").read_text()
    assert lines == (HERE / shape / "untranslated.txt").read_text().splitlines()
    assert all(line.startswith("app/Dockerfile:") for line in lines)
    assert tree.run("list", "//...")[0] == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_is_lost_stands_in_the_build_file_too(tree, shape):
    text, lines = translate(tree, shape)
    comments = " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    made_elsewhere = ("RUN dotnet", "RUN go mod", "RUN CGO", "RUN npm run", "RUN bundle", "RUN composer", "RUN cargo")
    for line in lines:
        assert line in comments or any(start in line for start in made_elsewhere), line


@pytest.mark.real
@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_built(tree, base, workspace, shape):
    targets = tomllib.loads((HERE / shape / "BUILD.toml.expected").read_text())
    for target in targets.get("base", {}).values():
        base(target["image"])
    workspace(index=shape != "fastapi-uv")
    translate(tree, shape)
    if (lock := tree.root / "app/package-lock.json").is_file():
        with_tarballs(tree, lock)
    image = tree.image("//app:img")
    named = [layer["target"] for layer in image["layers"] if layer["status"] != "base"]
    assert named == [f"//app{name}" for name in targets["image"]["img"].get("layers", [])]
