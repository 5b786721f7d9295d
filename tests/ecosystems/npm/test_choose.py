"""Which packages are installed: kinds left out, and platforms, as npm has it."""

from __future__ import annotations

import pytest

from stackbuild.ecosystems.npm.choose import Machine
from stackbuild.ecosystems.npm.lock import Entry


def packages(project, fields="", *arguments):
    paths = project.files(fields, *arguments)
    return sorted(path.split("node_modules/", 1)[1].removesuffix("/index.js") for path in paths if path.endswith("/index.js"))


@pytest.mark.parametrize(
    ("omit", "left"),
    [
        ("", "both dev either needed optional peer"),
        ('"dev"', "either needed optional peer"),
        ('"optional"', "dev either needed peer"),
        ('"peer"', "both dev either needed optional"),
        ('"dev", "optional"', "needed peer"),
    ],
)
def test_omit(project, omit, left):
    """Of what is both dev and optional, either reason to leave it out is enough; of devOptional, both are needed."""
    project.add("node_modules/needed")
    project.add("node_modules/dev", dev=True)
    project.add("node_modules/optional", optional=True)
    project.add("node_modules/peer", peer=True)
    project.add("node_modules/both", dev=True, optional=True)
    project.add("node_modules/either", devOptional=True)
    assert packages(project, f"omit = [{omit}]\n") == left.split()


def test_what_nobody_needs_any_more_is_left_out(project):
    project.add("node_modules/a", extraneous=True)
    project.add("node_modules/b")
    assert packages(project) == ["b"]


PLATFORMS = {"x64": {"cpu": ["x64"]}, "arm64": {"cpu": ["arm64"]}, "mac": {"os": ["darwin"]}, "unix": {"os": ["!win32"]},
             "musl": {"os": ["linux"], "libc": ["musl"]}, "glibc": {"libc": ["glibc"]}, "any": {"os": ["any"]}, "word": {"os": "linux"}}  # fmt: skip


@pytest.mark.parametrize(
    ("platform", "libc", "left"),
    [
        ("linux/amd64", "glibc", "any glibc unix word x64"),
        ("linux/amd64", "musl", "any musl unix word x64"),
        ("linux/arm64", "glibc", "any arm64 glibc unix word"),
        ("linux/arm/v7", "glibc", "any glibc unix word"),
    ],
)
def test_what_is_optional_and_does_not_fit_is_left_out(project, platform, libc, left):
    for name, limits in PLATFORMS.items():
        project.add(f"node_modules/{name}", optional=True, **limits)
    project.write()
    project.tree.write("BUILD.toml", f'[workspace]\nplatforms = ["{platform}"]\n[packages.m]\necosystem = "npm"\npackage_lock = "package-lock.json"\nlibc = "{libc}"\n')
    status, out, err = project.tree.run("inspect", "--files", "//:m")
    assert status == 0, err
    assert {name for name in PLATFORMS if f"/node_modules/{name}/index.js" in out} == set(left.split())


@pytest.mark.parametrize(
    ("platform", "words"),
    [("linux/386", "linux ia32 glibc"), ("linux/ppc64le", "linux ppc64 glibc"), ("linux/s390x", "linux s390x glibc"),
     ("linux/riscv64", "linux riscv64 glibc"), ("linux/arm/v6", "linux arm glibc"), ("windows/amd64", "win32 x64")],
)  # fmt: skip
def test_platforms_in_words_of_npm(platform, words):
    assert str(Machine.of(platform, "glibc")) == words


@pytest.mark.parametrize(("os", "fits"), [(["linux", "!x"], True), (["!linux", "linux"], False), (["!a", "!b"], True), ([], True), (["!a", "b"], False)])
def test_lists_with_exceptions(os, fits):
    assert Machine("linux", "x64", "glibc").fits(Entry(os=os)) is fits


def test_with_a_package_goes_what_needs_it_and_what_only_that_needed(project):
    """root -> app; app -(optional)-> native -> binary (does not fit), native -> helper, native -> shared; app -> shared."""
    project.add("node_modules/app", optionalDependencies={"native": "*"}, dependencies={"shared": "*"})
    project.add("node_modules/native", optional=True, dependencies={"binary": "*", "helper": "*", "shared": "*"})
    project.add("node_modules/native/node_modules/helper", optional=True)
    project.add("node_modules/binary", optional=True, os=["darwin"])
    project.add("node_modules/shared")
    project.entries[""]["dependencies"] = {"app": "*"}
    assert packages(project) == ["app", "shared"]


def test_two_that_do_not_fit_and_share_what_they_need(project):
    for name in "ab":
        project.add(f"node_modules/{name}", optional=True, os=["darwin"], dependencies={"shared": "*"})
    project.add("node_modules/shared", optional=True)
    project.entries[""]["optionalDependencies"] = {"a": "*", "b": "*"}
    project.add("node_modules/c")
    assert packages(project) == ["c"]


def test_what_is_left_out_is_not_fetched(project):
    entry = project.add("node_modules/a", optional=True, os=["darwin"])
    entry["resolved"] = "https://127.0.0.1:1/a.tgz"
    project.add("node_modules/b")
    assert packages(project) == ["b"]
