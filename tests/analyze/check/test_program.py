"""What an image runs can start, or check says why not."""

import pytest

from .making import AARCH64, I386, LOADER, MUSL, SH, STATIC, elf, found, rules, write

RUN = 'entrypoint = ["/app/run"]\n'
GLIBC = {LOADER: (elf(soname="ld-linux-x86-64.so.2"), 0o755), "/usr/lib/x86_64-linux-gnu/libc.so.6": elf(soname="libc.so.6")}


def program(*needed, **more):
    return {"/app/run": (elf(LOADER, needed, **more), 0o755)}


def script(first, mode=0o755):
    return {"/app/run": (f"{first}\necho\n", mode)}


def test_a_static_program_starts(tree):
    write(tree, {"/app/run": (STATIC, 0o755)}, image=RUN)
    assert rules(tree) == []


def test_a_program_that_is_not_there(tree):
    write(tree, {"/app/other": (STATIC, 0o755)}, image=RUN)
    assert rules(tree) == [("command-missing", "")]
    status, out, _ = tree.run("check", "//:img", "--progress", "none")
    assert status == 1
    assert out == "BUILD.toml:8:14: error: [command-missing] //:img: '/app/run' is not in the image; add the layer that has it\n"


@pytest.mark.parametrize(("path", "fits"), [("/app", True), ("/opt:/app", True), ("/opt", False)])
def test_a_program_without_a_slash_is_looked_for_in_path(tree, path, fits):
    write(tree, {"/app/run": (STATIC, 0o755)}, image=f'entrypoint = ["run"]\nenv = {{ PATH = "{path}" }}')
    assert rules(tree) == ([] if fits else [("command-missing", "")])


def test_a_program_with_a_slash_is_looked_for_from_the_working_folder(tree):
    write(tree, {"/app/run": (STATIC, 0o755)}, image='cmd = ["./run"]\nworkdir = "/app"')
    assert rules(tree) == []
    write(tree, {"/app/run": (STATIC, 0o755)}, image='cmd = ["./run"]\nworkdir = "/"')
    assert rules(tree) == [("command-missing", "")]


def test_links_inside_the_image_are_followed(tree):
    write(tree, {"/opt/v1/run": (STATIC, 0o755), "/opt/current": "-> v1", "/app": "-> ../opt/current"}, image=RUN)
    assert rules(tree) == []
    write(tree, {"/app/run": "-> run2", "/app/run2": "-> run"}, image=RUN)
    assert rules(tree) == [("dangling-link", "/app/run"), ("dangling-link", "/app/run2"), ("command-missing", "")]


def test_a_folder_is_no_program(tree):
    write(tree, {"/app/run/x": ""}, image=RUN)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert (finding["rule"], finding["message"]) == ("command-missing", "'/app/run' is a folder")


def test_neither_program_nor_script(tree):
    write(tree, {"/app/run": ("echo\n", 0o755)}, image=RUN)
    assert rules(tree) == [("command-format", "/app/run")]


def test_a_program_without_an_execute_bit(tree):
    write(tree, {"/app/run": STATIC}, image=RUN)
    assert rules(tree) == [("command-denied", "/app/run")]


PASSWD = {"/etc/passwd": "app:x:1000:1000::/:/bin/sh\n", "/etc/group": "app:x:1000:\nweb:x:7:app\n"}


def denied(tree, user, mode, owner, dir_mode="0755"):
    write(tree, PASSWD, image=f'entrypoint = ["/srv/run"]\nuser = "{user}"')
    text = (tree.root / "BUILD.toml").read_text().replace('[":l0"]', '[":l0", ":p"]')
    tree.write("p/run", STATIC)
    more = f'[files.p]\nsrcs = ["p/run"]\nstrip_prefix = "p"\nto = "/srv"\nmode = "{mode}"\nowner = "{owner}"\ndirs = ["/srv"]\ndir_mode = "{dir_mode}"\n'
    tree.write("BUILD.toml", text + more)
    return rules(tree)


@pytest.mark.parametrize(
    ("user", "mode", "owner", "fits"),
    [
        ("app", "0700", "1000:0", True),
        ("app", "0700", "0:0", False),
        ("app", "0710", "0:1000", True),
        ("app", "0750", "0:7", True),  # a member of web
        ("app:app", "0750", "0:7", False),  # a group that is named is the only one
        ("app:web", "0750", "0:7", True),
        ("1000", "0750", "0:7", True),  # a number that passwd knows
        ("1001", "0755", "0:0", True),
        ("1001:7", "0750", "0:7", True),
        ("1001", "0750", "0:7", False),
        ("app", "0701", "1000:0", True),
        ("app", "0605", "1000:0", False),  # the owner's bits count for the owner
        ("", "0100", "5:5", True),
    ],
)
def test_whom_a_mode_lets_execute(tree, user, mode, owner, fits):
    assert denied(tree, user, mode, owner) == ([] if fits else [("command-denied", "/srv/run")])


@pytest.mark.parametrize(("dir_mode", "fits"), [("0755", True), ("0711", True), ("0700", False)])
def test_folders_on_the_way_must_let_the_user_in(tree, dir_mode, fits):
    assert denied(tree, "1001", "0755", "0:0", dir_mode) == ([] if fits else [("command-denied", "/srv")])


def test_a_script_must_be_readable(tree):
    write(tree, SH, script("#!/bin/sh", 0o711), image=RUN + 'user = "5"')
    assert rules(tree) == [("command-denied", "/app/run")]
    write(tree, SH, script("#!/bin/sh", 0o755), image=RUN + 'user = "5"')
    assert rules(tree) == []


@pytest.mark.parametrize("user", ["nobody", "app:nobody", "1:nobody"])
def test_an_unknown_user(tree, user):
    write(tree, PASSWD, {"/app/run": (STATIC, 0o755)}, image=RUN + f'user = "{user}"')
    assert rules(tree) == [("unknown-user", "")]


def test_numbers_need_no_entry(tree):
    write(tree, {"/app/run": (STATIC, 0o755)}, image=RUN + 'user = "5:6"')
    assert rules(tree) == []


@pytest.mark.parametrize("machine", [AARCH64, 22])
def test_a_program_for_another_machine(tree, machine):
    write(tree, {"/app/run": (elf(machine=machine), 0o755)}, image=RUN)
    assert rules(tree) == [("command-machine", "/app/run")]


def test_machines_that_fit(tree):
    write(tree, {"/app/run": (elf(machine=I386), 0o755)}, image=RUN)
    assert rules(tree) == []  # a kernel for amd64 runs those, too
    write(tree, {"/app/run": (elf(machine=AARCH64), 0o755)}, image=RUN + 'platforms = ["linux/arm64"]')
    assert rules(tree) == []


def test_each_platform_is_checked_and_told_apart(tree):
    write(tree, {"/app/run": (STATIC, 0o755)}, image=RUN + 'platforms = ["linux/amd64", "linux/arm64"]')
    [finding] = [item for item in found(tree) if item["rule"] == "command-machine"]
    assert finding["platforms"] == ["linux/arm64"]
    assert rules(tree, "--platform", "linux/amd64") == []


@pytest.mark.parametrize("first", ["#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh", "#!/usr/bin/env -S A=1 sh -e"])
def test_scripts_whose_interpreter_is_there(tree, first):
    write(tree, SH | {"/usr/bin/env": (STATIC, 0o755)}, script(first), image=RUN)
    assert rules(tree) == []


@pytest.mark.parametrize(
    ("first", "rule", "said"),
    [
        ("#!/bin/bash", "command-interpreter", "its interpreter /bin/bash is not in the image"),
        ("#!/bin/sh\r", "command-interpreter", "it has Windows line ends"),
        ("#!", "command-interpreter", "nothing stands after its #!"),
        ("#!/usr/bin/env bash", "command-missing", "/app/run has env look for 'bash', which is not in PATH"),
        ("#!/usr/bin/env sh -e", "command-missing", "env look for 'sh -e'"),
    ],
)
def test_scripts_whose_interpreter_is_not(tree, first, rule, said):
    write(tree, SH | {"/usr/bin/env": (STATIC, 0o755)}, script(first), image=RUN)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert finding["rule"] == rule and said in finding["message"]


def test_scripts_whose_interpreters_are_scripts_without_end(tree):
    write(tree, script("#!/app/run"), image=RUN)
    assert rules(tree) == [("command-interpreter", "/app/run")]


def test_a_loader_that_is_there(tree):
    write(tree, GLIBC, program("libc.so.6"), image=RUN)
    assert rules(tree) == []


def test_a_loader_of_another_libc(tree):
    write(tree, GLIBC, {"/app/run": (elf(MUSL, ["libc.so"]), 0o755)}, image=RUN)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert finding["rule"] == "command-interpreter" and "build on a base with musl" in finding["hint"]


def test_a_library_that_is_missing(tree):
    write(tree, GLIBC, program("libx.so.1", "libc.so.6"), image=RUN)
    assert rules(tree) == [("command-library", "/app/run")]


def test_a_library_of_a_library(tree):
    lower = {"/usr/lib/libx.so.1": elf(needed=["liby.so.2"])}
    write(tree, GLIBC, lower, program("libx.so.1"), image=RUN)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert finding["message"] == "/usr/lib/libx.so.1 needs liby.so.2, which is not found"
    write(tree, GLIBC, lower | {"/lib/x86_64-linux-gnu/liby.so.2": elf()}, program("libx.so.1"), image=RUN)
    assert rules(tree) == []


@pytest.mark.parametrize(
    ("more", "at", "fits"),
    [
        ({"runpath": "$ORIGIN/../lib"}, "/lib/libx.so.1", True),
        ({"rpath": "${ORIGIN}/inner"}, "/app/inner/libx.so.1", True),
        ({"runpath": "/opt/$LIB"}, "/opt/lib64/libx.so.1", True),
        ({"runpath": "/opt"}, "/srv/libx.so.1", False),
    ],
)
def test_where_a_program_says_its_libraries_are(tree, more, at, fits):
    write(tree, GLIBC | {at: elf()}, program("libx.so.1", **more), image=RUN)
    assert rules(tree) == ([] if fits else [("command-library", "/app/run")])


def test_an_rpath_is_inherited_and_a_runpath_is_not(tree):
    inner = {"/opt/libx.so.1": elf(needed=["liby.so.1"]), "/opt/liby.so.1": elf()}
    write(tree, GLIBC | inner, program("libx.so.1", rpath="/opt"), image=RUN)
    assert rules(tree) == []
    write(tree, GLIBC | inner, program("libx.so.1", runpath="/opt"), image=RUN)
    assert rules(tree) == [("command-library", "/app/run")]


def test_ld_library_path_of_env(tree):
    write(tree, GLIBC | {"/srv/libx.so.1": elf()}, program("libx.so.1"), image=RUN + 'env = { LD_LIBRARY_PATH = "/opt:/srv" }')
    assert rules(tree) == []


def test_a_folder_of_ld_so_conf_counts_once_the_cache_has_it(tree):
    lib = {"/usr/local/lib/libx.so.1": elf(), "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n", "/etc/ld.so.conf.d/a.conf": "# own\n/usr/local/lib\n"}
    write(tree, GLIBC | lib, program("libx.so.1"), image=RUN)
    [finding] = [item for item in found(tree) if item["level"] == "error"]
    assert "it is in /usr/local/lib, but ldconfig did not write that into /etc/ld.so.cache" in finding["message"]
    cache = {"/etc/ld.so.cache": b"glibc-ld.so.cache1.1\0libx.so.1\0/usr/local/lib/libx.so.1\0"}
    write(tree, GLIBC | lib | cache, program("libx.so.1"), image=RUN)
    assert rules(tree) == []


def test_a_library_for_another_machine_is_none(tree):
    write(tree, GLIBC | {"/usr/lib/libx.so.1": elf(machine=AARCH64)}, program("libx.so.1"), image=RUN)
    [finding] = [item for item in found(tree) if item["rule"] == "command-library"]
    assert "/usr/lib/libx.so.1 is for arm64" in finding["message"]


def test_musl_looks_elsewhere_and_is_its_own_libc(tree):
    loader = {MUSL: (elf(), 0o755)}
    run = {"/app/run": (elf(MUSL, ["libc.musl-x86_64.so.1", "libx.so.1"]), 0o755)}
    write(tree, loader | {"/usr/local/lib/libx.so.1": elf()}, run, image=RUN)
    assert rules(tree) == []
    path = {"/etc/ld-musl-x86_64.path": "/opt\n"}
    write(tree, loader | path | {"/usr/local/lib/libx.so.1": elf()}, run, image=RUN)
    assert rules(tree) == [("command-library", "/app/run")]


def test_other_programs_are_warned_of(tree):
    write(tree, GLIBC, {"/opt/a": elf(LOADER, ["libx.so.1"]), "/opt/b": elf(machine=AARCH64)})
    assert rules(tree) == [("library", "/opt/a"), ("machine", "/opt/b")]
    assert tree.run("check", "//:img", "--progress", "none")[0] == 0
    assert tree.run("check", "//:img", "--progress", "none", "--fail-on", "warning")[0] == 1


def test_other_programs_may_be_told_where_by_whoever_starts_them(tree):
    write(tree, GLIBC, {"/opt/a": elf(LOADER, ["libx.so.1"]), "/opt/odd/libx.so.1": elf(), "/opt/module.o": elf(machine=AARCH64, kind=1)})
    assert rules(tree) == []


def test_programs_of_a_base_are_its_makers_business(tree):
    write(tree, {"/etc/x": ""}, base={"/opt/a": elf(LOADER, ["libx.so.1"]), "/opt/b": elf(machine=AARCH64)})
    assert rules(tree) == []


def test_a_damaged_program_is_none(tree):
    write(tree, {"/app/run": (STATIC[:40], 0o755), "/app/odd": elf(LOADER, ["x"])[:200]}, image=RUN)
    assert rules(tree) == [("command-format", "/app/run")]


def test_nothing_to_run_and_root_and_workdir_are_only_said(tree):
    write(tree, {"/a": ""}, image='workdir = "/w"')
    assert [(item["rule"], item["level"]) for item in found(tree)] == [("no-command", "info"), ("root", "info"), ("workdir-missing", "info")]
    assert tree.run("check", "//:img", "--progress", "none")[:2] == (0, "")
    write(tree, {"/w": "/", "/app/run": (STATIC, 0o755)}, image=RUN + 'workdir = "/w"\nuser = "7"')
    assert found(tree) == []
