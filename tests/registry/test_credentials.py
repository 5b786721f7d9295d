"""Credentials where docker and podman keep them, and for nobody else."""

from __future__ import annotations

import base64
import json

import pytest

from stackbuild.errors import RegistryError
from stackbuild.registry.auth import parse_challenge
from stackbuild.registry.credentials import find


@pytest.fixture
def home(tmp_path):
    def write(path: str, document) -> dict[str, str]:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return {"HOME": str(tmp_path)}

    return write


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("file", [".docker/config.json", ".config/containers/auth.json"])
@pytest.mark.parametrize("name", ["example.com", "https://example.com", "https://example.com/v2/", "example.com/team", "example.com/team/app"])
def test_files(home, file, name):
    found = find("example.com", "team/app", home(file, {"auths": {name: auth("me:pass:word")}}))
    assert (found.username, found.password) == ("me", "pass:word")
    assert "word" not in repr(found)


@pytest.mark.parametrize("host", ["example.org", "example.com:5000", "sub.example.com", "ample.com"])
def test_another_host_gets_none(home, host):
    assert find(host, "team/app", home(".docker/config.json", {"auths": {"example.com": auth("me:x")}})) is None


def test_the_longest_name_wins(home):
    auths = {"example.com": auth("all:x"), "example.com/team": auth("team:x")}
    environment = home(".config/containers/auth.json", {"auths": auths})
    assert find("example.com", "team/app", environment).username == "team"
    assert find("example.com", "teams/app", environment).username == "all"


@pytest.mark.parametrize("name", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_many_names(home, name):
    assert find("docker.io", "library/x", home(".docker/config.json", {"auths": {name: auth("me:x")}})).username == "me"


def test_an_identity_token(home):
    found = find("example.com", "x", home(".docker/config.json", {"auths": {"example.com": {"identitytoken": "t"}}}))
    assert found.identity_token == "t" and found.secrets() == ["t"]


def test_the_environment_is_for_its_host_alone(home):
    environment = home("x", {}) | {
        "STACKBUILD_REGISTRY_HOST": "example.com", "STACKBUILD_REGISTRY_USERNAME": "me", "STACKBUILD_REGISTRY_PASSWORD": "x",
    }  # fmt: skip
    assert find("example.com", "x", environment).username == "me" and find("example.org", "x", environment) is None


def test_other_places(home, tmp_path):
    home("elsewhere/config.json", {"auths": {"example.com": auth("docker:x")}})
    home("auth.json", {"auths": {"example.com": auth("podman:x")}})
    assert find("example.com", "x", {"HOME": "/none", "DOCKER_CONFIG": str(tmp_path / "elsewhere")}).username == "docker"
    assert find("example.com", "x", {"HOME": "/none", "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}).username == "podman"


@pytest.fixture
def helper(tmp_path, monkeypatch):
    def install(script: str) -> None:
        program = tmp_path / "bin" / "docker-credential-test"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nread host\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


@pytest.mark.parametrize("config", [{"credsStore": "test"}, {"credHelpers": {"example.com": "test"}}])
def test_helpers(home, helper, config):
    helper('[ "$host" = example.com ] && echo \'{"Username":"me","Secret":"x"}\' || { echo credentials not found; exit 1; }')
    environment = home(".docker/config.json", config)
    assert find("example.com", "x", environment).username == "me" and find("example.org", "x", environment) is None


def test_a_helper_gives_an_identity_token(home, helper):
    helper('echo \'{"Username":"<token>","Secret":"x"}\'')
    assert find("example.com", "x", home(".docker/config.json", {"credsStore": "test"})).identity_token == "x"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "cannot be read"),
        ({"credsStore": "not-installed"}, "is not installed"),
        ({"credsStore": "../evil"}, "is not the name of a credential helper"),
        ({"auths": {"example.com": {"auth": "!"}}}, "is damaged"),
    ],
)
def test_what_cannot_be_used_is_said(home, config, words):
    with pytest.raises(RegistryError, match=words):
        find("example.com", "x", home(".docker/config.json", config))


def test_a_helper_that_prints_garbage_shows_nothing_of_it(home, helper):
    helper("echo canary-secret")
    with pytest.raises(RegistryError) as caught:
        find("example.com", "x", home(".docker/config.json", {"credsStore": "test"}))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"', ("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"})),
        ('bearer realm="https://a/t", service=s', ("bearer", {"realm": "https://a/t", "service": "s"})),
        ('Basic realm="x"', ("basic", {"realm": "x"})),
        ("Negotiate", None),
        ('Negotiate, Basic realm="x"', ("basic", {"realm": "x"})),
        ('Bearer realm="https://a/t, Basic realm=no",service="s", Basic realm="reg"', ("bearer", {"realm": "https://a/t, Basic realm=no", "service": "s"})),
        ("", None),
    ],
)  # fmt: skip
def test_challenges(header, expected):
    assert parse_challenge(header) == expected
