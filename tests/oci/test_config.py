"""The configuration is inherited as Docker inherits it."""

import pytest

from stackbuild.oci.config import Overrides, inherit, make_config
from stackbuild.oci.model import parse_platform, platform_text

BASE = {
    "Entrypoint": ["/entry"], "Cmd": ["serve"], "Env": ["PATH=/bin", "A=1"], "WorkingDir": "/srv", "User": "app",
    "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "Labels": {"a": "1", "b": "2"}, "StopSignal": "SIGQUIT",
}  # fmt: skip


def test_nothing_said_is_all_inherited():
    assert inherit(BASE, Overrides()) == BASE


def test_an_entrypoint_drops_the_bases_command():
    assert "Cmd" not in inherit(BASE, Overrides(entrypoint=["/mine"]))
    assert inherit(BASE, Overrides(entrypoint=["/mine"], cmd=["x"]))["Cmd"] == ["x"]
    assert inherit(BASE, Overrides(cmd=["x"]))["Entrypoint"] == ["/entry"]


def test_an_empty_entrypoint_takes_it_away():
    config = inherit(BASE, Overrides(entrypoint=[]))
    assert "Entrypoint" not in config and "Cmd" not in config


def test_variables_keep_their_place_and_new_ones_are_sorted():
    config = inherit(BASE, Overrides(env={"Z": "z", "A": "2", "B": "x=y"}))
    assert config["Env"] == ["PATH=/bin", "A=2", "B=x=y", "Z=z"]


def test_maps_are_joined():
    config = inherit(BASE, Overrides(ports=["53/udp", "443/tcp"], volumes=["/v"], labels={"b": "3", "c": "4"}))
    assert set(config["ExposedPorts"]) == {"80/tcp", "53/udp", "443/tcp"}
    assert set(config["Volumes"]) == {"/data", "/v"}
    assert config["Labels"] == {"a": "1", "b": "3", "c": "4"}


@pytest.mark.parametrize("history", [[], [{"created_by": "x"}], [{"created_by": "x"}] * 3, None])
def test_history_always_has_an_entry_for_each_layer(history):
    base = {"rootfs": {"diff_ids": ["sha256:a", "sha256:b"]}, "history": history}
    document = make_config(base, Overrides(), "linux/amd64", "1970-01-01T00:00:00Z", [("//a:b", "sha256:c")])
    filled = [item for item in document["history"] if not item.get("empty_layer")]
    assert len(filled) == len(document["rootfs"]["diff_ids"]) == 3
    assert filled[-1]["created_by"] == "stackbuild //a:b"


@pytest.mark.parametrize("text", ["linux/amd64", "linux/arm/v7", "windows/amd64"])
def test_platforms_read_as_they_are_written(text):
    assert platform_text(parse_platform(text)) == text


def test_arm64_has_one_name():
    assert platform_text(parse_platform("linux/arm64/v8")) == "linux/arm64"


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/", "Linux/amd64", "linux/amd64/", "a/b/c/d", "linux amd64"]
)
def test_what_is_no_platform_is_refused(text):
    with pytest.raises(ValueError):
        parse_platform(text)
