"""References as `docker pull` reads them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.registry import Reference, Repository

SHA = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "path", "tag", "digest"),
    [
        ("python", "docker.io", "library/python", "latest", ""),
        ("python:3.12-slim", "docker.io", "library/python", "3.12-slim", ""),
        ("bitnami/redis", "docker.io", "bitnami/redis", "latest", ""),
        ("docker.io/python", "docker.io", "library/python", "latest", ""),
        ("index.docker.io/library/python:3", "docker.io", "library/python", "3", ""),
        ("ghcr.io/a/b/c:v1", "ghcr.io", "a/b/c", "v1", ""),
        ("localhost/x", "localhost", "x", "latest", ""),
        ("localhost:5000/x:1", "localhost:5000", "x", "1", ""),
        ("127.0.0.1:5000/x", "127.0.0.1:5000", "x", "latest", ""),
        ("[::1]:5000/x", "[::1]:5000", "x", "latest", ""),
        ("Example.COM/x", "example.com", "x", "latest", ""),
        (f"quay.io/a/b@{SHA}", "quay.io", "a/b", "", SHA),
        (f"quay.io/a/b:1@{SHA}", "quay.io", "a/b", "1", SHA),
        ("a/b__c-d.e--f", "docker.io", "a/b__c-d.e--f", "latest", ""),
    ],
)
def test_forms(text, host, path, tag, digest):
    found = Reference.parse(text)
    assert (found.repository.host, found.repository.path, found.tag, found.digest) == (host, path, tag, digest)
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", ":1", "a:", "a@", "a@sha256:12", f"a@{SHA}0", f"a@{SHA.upper()}", "docker.io/A", "A/b", "LOCALHOST/x", "a//b", "/a", "a/", "a b", "a:b c",
     "a:" + "x" * 129, "a/../b", "a/.b", "a/b-", "a___b", "x" * 256, "ex ample.com/a", "example.com:port/a", "a\n", "user@example.com/a"],
)  # fmt: skip
def test_what_is_none(text):
    with pytest.raises(ValueError, match="is not"):
        Reference.parse(text)


@given(st.text(max_size=40) | st.text("aA0/:@.-_[]", max_size=30))
def test_whatever_is_read_reads_back(text):
    with contextlib.suppress(ValueError):
        found = Reference.parse(text)
        assert Reference.parse(str(found)) == found
        assert ".." not in found.repository.path and Repository.parse(str(found.repository)) == found.repository
