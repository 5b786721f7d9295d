"""What check says of a command is what runc does with it; and of a base that others made."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .making import found, write

pytestmark = pytest.mark.real

DOCKERS = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
]
"""The capabilities that containers have by default."""


def program(path: str, mode: int = 0o755):
    return (Path(path).read_bytes(), mode)


def libraries(path: str) -> dict[str, str]:
    """Name -> path of everything that this machine's loader loads for a program, its loader too."""
    out = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"(?:(\S+) => )?(/\S+) \(0x", out)
    return {(name or at).rpartition("/")[2]: at for name, at in rows}


def starts(tree, tmp_path) -> bool:
    """Whether runc runs //:img to a good end."""
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    for folder in (layout, bundle):
        shutil.rmtree(folder, ignore_errors=True)
    tree.image("//:img", "--output", str(layout), "--tag", "latest")
    command = ["umoci", "unpack", "--keep-dirlinks", "--image", f"{layout}:latest", str(bundle)]
    if subprocess.run(command, capture_output=True).returncode:
        return False  # umoci looks users up
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["terminal"] = False
    kinds = ("bounding", "effective", "permitted") if config["process"]["user"]["uid"] == 0 else ("bounding",)
    config["process"]["capabilities"] = dict.fromkeys(kinds, DOCKERS)
    (bundle / "config.json").write_text(json.dumps(config))
    command = ["runc", "run", f"stackbuild-check-{os.getpid()}"]
    done = subprocess.run(command, cwd=bundle, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return done.returncode == 0


BUSYBOX = program("/bin/busybox") if Path("/bin/busybox").exists() else (b"", 0)
SH = {"/bin/busybox": BUSYBOX, "/bin/sh": "-> busybox", "/usr/bin/env": "-> ../../bin/busybox"}
OTHER_MACHINE = (BUSYBOX[0][:18] + b"\xb7" + BUSYBOX[0][19:], 0o755)
ACCOUNTS = {"/etc/passwd": "app:x:1000:1000::/:/bin/sh\n", "/etc/group": "app:x:1000:\nweb:x:7:app\n"}
RUN = 'entrypoint = ["/app/run"]\n'


def text(first: str, mode: int = 0o755) -> dict:
    return SH | {"/app/run": (f"{first}\nexit 0\n", mode)}


COMMANDS = {
    "a static program": ({"/bin/true": BUSYBOX}, 'cmd = ["/bin/true"]', None),
    "found in PATH": ({"/opt/true": BUSYBOX}, 'cmd = ["true"]\nenv = { PATH = "/bin:/opt" }', None),
    "not in PATH": ({"/opt/true": BUSYBOX}, 'cmd = ["true"]\nenv = { PATH = "/bin" }', "command-missing"),
    "from the working folder": ({"/opt/true": BUSYBOX}, 'cmd = ["./true"]\nworkdir = "/opt"', None),
    "first not executable in PATH": ({"/a/true": "x", "/b/true": BUSYBOX}, 'cmd = ["true"]\nenv = { PATH = "/a:/b" }', None),
    "through a link": ({"/opt/v1/true": BUSYBOX, "/app": "-> opt/v1"}, 'cmd = ["/app/true"]', None),
    "missing": ({"/opt/true": BUSYBOX}, 'cmd = ["/opt/false"]', "command-missing"),
    "a folder": ({"/opt/true/x": ""}, 'cmd = ["/opt/true"]', "command-missing"),
    "not executable": ({"/app/run": (BUSYBOX[0], 0o644)}, RUN, "command-denied"),
    "no program": ({"/app/run": ("exit 0\n", 0o755)}, RUN, "command-format"),
    "empty": ({"/app/run": ("", 0o755)}, RUN, "command-format"),
    "another machine": ({"/app/run": OTHER_MACHINE}, RUN, "command-machine"),
    "a script": (text("#!/bin/sh"), RUN, None),
    "a script by env": (text("#!/usr/bin/env sh"), RUN, None),
    "a script's interpreter is missing": (text("#!/bin/bash"), RUN, "command-interpreter"),
    "a script with Windows line ends": (text("#!/bin/sh\r"), RUN, "command-interpreter"),
    "a script whose env finds nothing": (text("#!/usr/bin/env bash"), RUN, "command-missing"),
    "a script whose env gets two words": (text("#!/usr/bin/env sh -e"), RUN, "command-missing"),
    "a script whose interpreter is for another machine": ({**text("#!/bin/other"), "/bin/other": OTHER_MACHINE}, RUN, "command-machine"),
    "a script of a user who may not read it": (text("#!/bin/sh", 0o711), RUN + 'user = "5"', "command-denied"),
    "a user who may not execute": (SH | {"/app/run": (BUSYBOX[0], 0o744)}, RUN + 'user = "5"', "command-denied"),
    "a user without a name": (text("#!/bin/sh"), RUN + 'user = "5:6"', None),
    "an unknown user": (text("#!/bin/sh") | ACCOUNTS, RUN + 'user = "nobody"', "unknown-user"),
    "a known user": (text("#!/bin/sh") | ACCOUNTS, RUN + 'user = "app:web"', None),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_check_and_runc_agree(tree, tmp_path, need, name):
    need("runc", "umoci", "/bin/busybox")
    entries, image, rule = COMMANDS[name]
    write(tree, entries, image=image)
    errors = [item["rule"] for item in found(tree) if item["level"] == "error"]
    assert (errors, starts(tree, tmp_path)) == ([rule] if rule else [], rule is None)


@pytest.mark.parametrize(("dir_mode", "owner", "fits"), [("0750", "0:7", True), ("0750", "0:8", False), ("0700", "1000:0", True), ("0770", "0:0", False)])
def test_folders_and_groups(tree, tmp_path, need, dir_mode, owner, fits):
    need("runc", "umoci", "/bin/busybox")
    write(tree, ACCOUNTS, image='entrypoint = ["/srv/true"]\nuser = "app"')
    tree.write("p/true", BUSYBOX[0])
    declared = (tree.root / "BUILD.toml").read_text().replace('[":l0"]', '[":l0", ":p"]')
    tree.write("BUILD.toml", declared + f'[files.p]\nsrcs = ["p/true"]\nstrip_prefix = "p"\nto = "/srv"\nmode = "0750"\nowner = "{owner}"\ndirs = ["/srv"]\ndir_mode = "{dir_mode}"\n')
    errors = {item["rule"] for item in found(tree) if item["level"] == "error"}
    assert (errors == set(), starts(tree, tmp_path)) == (fits, fits)


def dynamic(at: str) -> dict:
    """`id` with its loader where it belongs and its libraries in a folder."""
    known = libraries("/usr/bin/id")
    loader = next(name for name in known if name.startswith("ld-"))
    entries = {"/usr/bin/id": program("/usr/bin/id"), known.pop(loader): program(f"/lib64/{loader}")}
    return entries | {f"{at}/{name}": program(path) for name, path in known.items()}


CONF = {"/etc/ld.so.conf": "/usr/local/lib\n"}
LIBRARIES = {
    "the loader's own folders": ("/usr/lib/x86_64-linux-gnu", {}, "", True),
    "merged-usr": ("/usr/lib/x86_64-linux-gnu", {"/lib": "-> usr/lib"}, "", True),
    "elsewhere": ("/opt/lib", {}, "", False),
    "LD_LIBRARY_PATH": ("/opt/lib", {}, 'env = { LD_LIBRARY_PATH = "/opt/lib" }', True),
    "ld.so.conf without a cache": ("/usr/local/lib", CONF, "", False),
    "ld.so.conf with a cache": ("/usr/local/lib", CONF | {"/etc/ld.so.cache": b""}, "", True),
    "a library is gone": ("/usr/lib/x86_64-linux-gnu", {"libc.so.6": None}, "", False),
    "a library for another machine": ("/usr/lib/x86_64-linux-gnu", {"libc.so.6": b"\xb7"}, "", False),
    "the loader is gone": ("/usr/lib/x86_64-linux-gnu", {"ld-linux-x86-64.so.2": None}, "", False),
    "a user who may not read a library": ("/usr/lib/x86_64-linux-gnu", {"libc.so.6": 0o600}, 'user = "5"', False),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_loader_and_check_agree_on_libraries(tree, tmp_path, need, name):
    need("runc", "umoci", "ldd", "ldconfig", "/lib64/ld-linux-x86-64.so.2")
    at, more, image, fits = LIBRARIES[name]
    entries = dynamic(at)
    for key, value in more.items():
        if key.startswith("/"):
            entries[key] = value
            continue
        [path] = [path for path in entries if path.endswith(f"/{key}")]
        data, mode = entries.pop(path)
        if isinstance(value, bytes):
            entries[path] = (data[:18] + value + data[19:], mode)
        elif value is not None:
            entries[path] = (data, value)
    if "/etc/ld.so.cache" in entries:
        root = tmp_path / "root"
        for path, value in entries.items():
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / path[1:]).write_bytes(value[0] if isinstance(value, tuple) else value if isinstance(value, bytes) else value.encode())
        subprocess.run(["ldconfig", "-r", str(root)], check=True, capture_output=True)
        entries["/etc/ld.so.cache"] = (root / "etc/ld.so.cache").read_bytes()
    write(tree, entries, image=f'entrypoint = ["id"]\n{image}')
    errors = [item for item in found(tree) if item["level"] == "error"]
    assert (errors == [], starts(tree, tmp_path)) == (fits, fits), errors


def test_podman_puts_a_folder_in_the_place_of_a_link_that_is_written_through(tree, tmp_path, need):
    need("podman", "skopeo")
    write(tree, {"/usr/lib/a": "", "/lib": "-> usr/lib"}, {"/lib/mine": ""})
    assert "written-through-link" in [item["rule"] for item in found(tree)]
    tree.image("//:img", "--format", "docker-archive", "--output", str(tmp_path / "a.tar"), "--tag", "check:1")
    with tempfile.TemporaryDirectory() as short:  # podman refuses a long path
        podman = ["podman", "--root", str(tmp_path / "p"), "--runroot", short, "--storage-driver", "overlay"]

        def run(*words):
            done = subprocess.run([*podman, *words], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        run("load", "-q", "-i", str(tmp_path / "a.tar"))
        try:
            mounted = Path(run("image", "mount", "localhost/check:1"))
            assert [path.name for path in (mounted / "lib").iterdir()] == ["mine"]
        finally:
            run("image", "umount", "--all")
            run("rmi", "--all", "--force")


def test_a_debian_base_is_let_be_and_broken_by_a_folder_over_its_link(tree, tmp_path, need):
    need("mmdebstrap", "runc", "umoci", "skopeo")
    packed = tmp_path / "root.tar"
    quiet = ["--variant=essential", "--quiet", "--dpkgopt=path-exclude=/usr/share/doc/*"]
    made = subprocess.run(["mmdebstrap", *quiet, "bookworm", str(packed)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    layout = tree.root / "debian"
    subprocess.run(["umoci", "init", "--layout", str(layout)], check=True)
    subprocess.run(["umoci", "new", "--image", f"{layout}:latest"], check=True)
    subprocess.run(["umoci", "raw", "add-layer", "--image", f"{layout}:latest", str(packed)], check=True)
    tree.write("run.sh", "#!/usr/bin/env bash\nexit 0\n", 0o755)
    base = '[base.b]\npath = "debian"\n[image.img]\nbase = ":b"\nlayers = [":l"]\nentrypoint = ["/usr/lib/run.sh"]\nuser = "nobody"\n'
    for to, expected in (("/usr/lib", []), ("/lib", ["written-through-link"])):
        files = f'[files.l]\nsrcs = ["run.sh"]\nmode = "0755"\nto = "{to}"\n'
        tree.write("BUILD.toml", f"[workspace]\n{files}{base}")
        assert [item["rule"] for item in found(tree)] == expected
    assert starts(tree, tmp_path)  # umoci follows the link, as containerd does
    tree.write("BUILD.toml", f'[workspace]\n{files}dirs = ["/lib"]\n{base}')
    found_now = {item["rule"] for item in found(tree)}
    assert {"clobbered-folder", "command-interpreter", "command-missing"} & found_now and "clobbered-folder" in found_now
