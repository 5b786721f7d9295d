"""The last build of a workspace: kept for people to look at, and never in the way."""

from __future__ import annotations

import os

import pytest

from stackbuild.store import Store
from stackbuild.store.builds import Build, Step
from stackbuild.store.collect import collect

BUILD = Build("/w", 12.5, 0.5, True, {"//:a (gzip)": Step("built", 0.1, "k", None), "//:b": Step("reused"), "//:c": Step("failed")})


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store") as store:
        yield store


def test_a_build_comes_back_as_it_was_and_gives_way_to_the_next(store):
    assert store.builds.last("/w") is None
    store.builds.save(BUILD)
    assert store.builds.last("/w") == BUILD and store.builds.last("/v") is None
    store.builds.save(Build("/w", 13, 1, False, {}))
    assert store.builds.last("/w").finished is False


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"format": 2, "build": {}}', b'{"format": 1, "build": {"workspace": "/w", "started": 1, "seconds": 1, "finished": true, "steps": {"a": {"status": "odd"}}}}', b"\xff"])
def test_a_damaged_one_is_none(store, data):
    store.builds.save(BUILD)
    [path] = (store.path / "builds").iterdir()
    path.write_bytes(data)
    assert store.builds.last("/w") is None


def test_gc_forgets_old_ones(store):
    store.builds.save(BUILD)
    [path] = (store.path / "builds").iterdir()
    collect(store, 3600)
    assert store.builds.last("/w") == BUILD
    os.utime(path, (0, 0))
    collect(store, 3600)
    assert store.builds.last("/w") is None
