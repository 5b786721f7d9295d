"""Tags and markers of the Python in the image, whatever this machine is."""

from __future__ import annotations

import sys

import packaging.markers
import packaging.tags
import pytest

from stackbuild.ecosystems.wheel.environment import Environment
from stackbuild.ecosystems.wheel.fields import WheelFields


def environment(platform="linux/amd64", **fields) -> Environment:
    return Environment.of(WheelFields(ecosystem="wheel", install=["a"], **fields), platform)


@pytest.mark.parametrize(
    ("platform", "machine"),
    [
        ("linux/amd64", "x86_64"),
        ("linux/arm64", "aarch64"),
        ("linux/arm64/v8", "aarch64"),
        ("linux/arm/v7", "armv7l"),
        ("linux/386", "i686"),
        ("linux/ppc64le", "ppc64le"),
        ("linux/s390x", "s390x"),
        ("linux/riscv64", "riscv64"),
    ],
)
def test_each_platform_has_its_machine(platform, machine):
    found = environment(platform)
    assert found.markers()["platform_machine"] == machine
    tags = {str(tag) for tag in found.tags()}
    assert {f"cp312-cp312-manylinux_2_28_{machine}", f"cp39-abi3-manylinux2014_{machine}", "py3-none-any"} <= tags
    assert not any("musl" in tag or "manylinux_2_29_" in tag for tag in tags)


@pytest.mark.parametrize("platform", ["windows/amd64", "darwin/arm64", "linux/mips", "linux/arm/v6"])
def test_platforms_without_wheels_are_refused(platform):
    with pytest.raises(ValueError, match="no wheels are known"):
        environment(platform)


def test_musl_takes_no_manylinux():
    tags = {str(tag) for tag in environment(libc="musl-1.2").tags()}
    assert "cp312-cp312-musllinux_1_2_x86_64" in tags and "cp312-cp312-musllinux_1_1_x86_64" in tags
    assert not any("manylinux" in tag for tag in tags)


def test_the_newest_and_most_special_comes_first():
    tags = [str(tag) for tag in environment(libc="glibc-2.36").tags()]
    wanted = ["cp312-cp312-manylinux_2_36_x86_64", "cp312-cp312-manylinux2014_x86_64", "cp312-abi3-manylinux_2_36_x86_64"]
    assert [tag for tag in tags if tag in wanted] == wanted
    assert tags.index("cp312-cp312-manylinux1_x86_64") < tags.index("py3-none-any")


def test_no_marker_is_left_to_this_machine():
    assert set(packaging.markers.default_environment()) == set(environment().markers())
    assert environment(python="3.9").markers()["python_full_version"] == "3.9.0"
    assert environment(python="3.9.7").markers()["python_version"] == "3.9"


@pytest.mark.skipif(sys.platform != "linux", reason="asks this Python on Linux")
def test_for_this_machine_as_packaging_says():
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(__import__("platform").machine())
    if not machine or sys.implementation.name != "cpython":
        pytest.skip("another machine")
    here = [str(tag) for tag in packaging.tags.sys_tags()]
    glibc = max(int(tag.split("manylinux_2_")[1].split("_")[0]) for tag in here if "manylinux_2_" in tag)
    python = ".".join(map(str, sys.version_info[:2]))
    ours = [str(tag) for tag in environment(f"linux/{machine}", python=python, libc=f"glibc-2.{glibc}").tags()]
    assert set(ours) == set(here)
    # Where the tags without a libc stand among the others, versions of packaging differ.
    assert [tag for tag in ours if "-linux_" not in tag] == [tag for tag in here if "-linux_" not in tag]


@pytest.mark.parametrize(
    ("libc", "platform", "name"),
    [
        ("glibc-2.17", "linux/amd64", "x86_64-manylinux_2_17"),
        ("glibc-2.28", "linux/arm64", "aarch64-manylinux_2_28"),
        ("glibc-2.30", "linux/amd64", "x86_64-manylinux_2_28"),
        ("glibc-2.41", "linux/amd64", "x86_64-manylinux_2_40"),
        ("musl", "linux/arm64", "aarch64-unknown-linux-musl"),
        ("glibc", "linux/s390x", None),
    ],
)
def test_the_name_for_uv(libc, platform, name):
    assert environment(platform, libc=libc).uv_platform() == name
