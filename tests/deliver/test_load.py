"""Which image an engine is given."""

from __future__ import annotations

import pytest

from stackbuild.deliver import load
from stackbuild.errors import RequestError

RESULT = {
    "images": [{"platform": name, "manifest": {}, "config": {}, "layers": []} for name in ("linux/amd64", "linux/arm64")]
}


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("arm64", "linux/arm64")])
def test_of_several_platforms_it_is_this_machines(monkeypatch, machine, expected):
    monkeypatch.setattr(load.platform, "machine", lambda: machine)
    assert load._fitting(RESULT, "//:x").platform == expected


def test_none_for_this_machine(monkeypatch):
    monkeypatch.setattr(load.platform, "machine", lambda: "s390x")
    with pytest.raises(RequestError, match="is not for linux/s390x, but for linux/amd64, linux/arm64"):
        load._fitting(RESULT, "//:x")


def test_the_only_one_is_taken_whatever_the_machine(monkeypatch):
    monkeypatch.setattr(load.platform, "machine", lambda: "s390x")
    assert load._fitting({"images": RESULT["images"][:1]}, "//:x").platform == "linux/amd64"


def test_a_container_that_is_only_about_to_start_is_stopped(tmp_path):
    """An engine that knows no such container yet, as podman for a moment, until it has made it."""
    engine = tmp_path / "engine"
    engine.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\ncase $1 in\n'
        "run) sleep 0.5; echo $$ > pid; exec sleep 1000 ;;\nstop) kill $(cat pid) ;;\nesac\n"
    )
    engine.chmod(0o755)
    container = load.Container(str(engine), "0123456789abcdef", (), ())
    container.stop()
    assert (tmp_path / "pid").exists()
    assert container._process.returncode is not None
    container.stop()
