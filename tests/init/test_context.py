"""The context of a build, less what .dockerignore takes away."""

from __future__ import annotations

import pytest

from stackbuild.init.dockerfile.context import Context, literal


@pytest.fixture
def context(tmp_path):
    def make(ignore: str = "", *paths: str) -> Context:
        (tmp_path / ".dockerignore").write_text(ignore)
        for path in paths or ("a.txt", "b.md", "src/a.py", "src/deep/c.md", "node_modules/x/y.js", ".git/config"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text("")
        return Context(tmp_path)

    return make


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ("", {".dockerignore", "a.txt", "b.md", "src/a.py", "src/deep/c.md", "node_modules/x/y.js"}),
        ("*.md\nnode_modules\n.dockerignore", {"a.txt", "src/a.py", "src/deep/c.md"}),
        ("**/*.md\n/node_modules/\n.dockerignore", {"a.txt", "src/a.py"}),
        ("*\n!src", {"src/a.py", "src/deep/c.md"}),
        ("*\n!src\nsrc/deep", {"src/a.py"}),
        ("# *\n\n*\n!a.txt\n", {"a.txt"}),
        ("src\n!src/deep/c.md\n.dockerignore\nnode_modules", {"a.txt", "b.md", "src/deep/c.md"}),
    ],
)
def test_the_last_rule_that_means_a_path_counts(context, ignore, left):
    assert set(context(ignore).modes) == left


def test_globs_say_the_same_as_the_rules(context):
    assert context("*.md\nnode_modules").globs("") == (["**", "!*.md", "!node_modules"], [])
    assert context("*\n!src\n!a.txt").globs("") == (["src/**", "a.txt"], [])
    assert context("**/*.md\n!b.md").globs("") == (["**", "!**/*.md"], ["b.md"])
    assert context("*.md\nother").globs("src") == (["src/**"], [])


@pytest.mark.parametrize("path", ["a[1].txt", "what?", "st*r", "!bang", ":colon", "plain"])
def test_a_literal_path_is_a_glob_that_means_it_alone(path):
    from stackbuild.declare.glob import matches

    assert matches(literal(path), path)
    assert not literal(path).startswith(("!", ":"))
