"""The way to a registry: clear text, proxies, and what is closed."""

from __future__ import annotations

import pytest

from stackbuild.errors import RegistryError
from stackbuild.registry.auth import Authorizer
from stackbuild.registry.transport import Cancelled, Transport, is_local

from .faulty import Answer, FaultyRegistry


@pytest.fixture
def server():
    server = FaultyRegistry()
    yield server
    server.close()


def test_clear_text_is_for_this_machine_and_for_whom_it_was_allowed(server):
    assert Transport().scheme(server.host) == "http"
    assert Transport().scheme("registry.invalid") == Transport().scheme("registry.invalid:5000") == "https"
    assert Transport(["registry.invalid"]).scheme("registry.invalid:5000") == "http"
    assert Transport(["registry.invalid:5000"]).scheme("registry.invalid") == "https"


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost.example.com", False), ("10.0.0.1", False), ("127.evil.com", False), ("127.0.0.1.example.com", False), ("::ffff:10.0.0.1", False)]
)
def test_this_machine(host, expected):
    assert is_local(host) == expected


@pytest.mark.parametrize("location", ["http://192.0.2.1/x", "ftp://h/x", "http://[", "javascript:1", "file:///etc/passwd"])
def test_places_not_to_go(location):
    with pytest.raises(RegistryError):
        Transport().joined("https://example.com/a", location)


def test_only_this_machine_sends_to_this_machine(server):
    with pytest.raises(RegistryError, match="not https"):
        Transport().joined("https://example.com/a", f"http://{server.host}/x")
    assert Transport().joined(f"http://{server.host}/a", "http://127.0.0.1:1/x")


@pytest.mark.parametrize(
    ("registry", "server", "expected"),
    [
        ("example.com", "example.com", True),
        ("docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("registry.example.com", "auth.example.com", False),
        ("team.azurecr.io", "evil.azurecr.io", False),
        ("registry.co.uk", "evil.co.uk", False),
        ("10.0.0.5", "99.0.0.5", False),
    ],
)
def test_who_may_see_a_password(registry, server, expected):
    assert Authorizer(Transport(), lambda host, path: None)._may_see(registry, server, server) == expected


def test_a_proxy_is_asked_where_one_is_set(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://me:canary@{server.host}")
    monkeypatch.delenv("no_proxy", raising=False)
    transport = Transport(["registry.invalid"])
    transport.exchange("GET", "http://registry.invalid/v2/").close()
    [request] = server.seen
    assert request.path == "/v2/" and request.headers["host"] == "registry.invalid" and "proxy-authorization" in request.headers
    monkeypatch.setenv("no_proxy", "registry.invalid")
    with pytest.raises(RegistryError) as caught:
        Transport(["registry.invalid"], tries=1).exchange("GET", "http://registry.invalid/v2/")
    assert "canary" not in str(caught.value) and len(server.seen) == 1


def test_what_is_closed_ends_what_is_under_way(server):
    transport = Transport(backoff=60)
    server.before = lambda request: transport.close() or Answer(503)
    with pytest.raises(Cancelled):
        transport.exchange("GET", f"http://{server.host}/v2/")
    with pytest.raises(Cancelled):
        transport.exchange("GET", f"http://{server.host}/v2/")
