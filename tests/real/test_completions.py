"""The Tab key in real shells: each runs on a terminal of its own, and shows the words that a line has become."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time

import pytest

pytestmark = pytest.mark.real

SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETUP = {
    "bash": 'eval "$(stackbuild completions bash)"; bind "set enable-bracketed-paste off"',
    "zsh": "autoload -Uz compinit; compinit -u -D; unsetopt beep; source <(stackbuild completions zsh)",
    "fish": "stackbuild completions fish | source",
}


class Shell:
    """An interactive shell in a folder."""

    def __init__(self, name: str, folder, environment) -> None:
        master, slave = pty.openpty()
        self._process = subprocess.Popen(
            SHELLS[name], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # fish wants a terminal of its own
        )  # fmt: skip
        os.close(slave)
        self._master, self._seen = master, ""
        self.say(f"{SETUP[name]}; echo read''y\r")
        self.wait(r"ready\r?\n")

    def say(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait(self, pattern: str) -> re.Match[str]:
        """What the shell shows from now on, once it shows the pattern."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := re.search(pattern, self._seen):
                self._seen = self._seen[found.end() :]
                return found
            if select.select([self._master], [], [], 0.1)[0]:
                data = os.read(self._master, 65536).decode("utf-8", "replace")
                if "\x1b[c" in data or "\x1b[0c" in data:  # fish asks what the terminal is
                    self.say("\x1b[?62c")
                self._seen += data
        raise AssertionError(self._seen)

    def completed(self, typed: str) -> str:
        """The words of a line after Tab, as the program gets them: <one><two>."""
        self.say(f"{typed}\t")
        time.sleep(1)  # an early Enter would be read before the candidates are there
        quote = typed[typed.find(" \"") + 1] if " \"" in typed else ""
        self.say(f"x{quote}\x01show \r")
        return self.wait(r"(?:<[^>\r\n]*>)+(?=\r?\n)")[0]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture(params=SHELLS)
def shell(request, tree, need, tmp_path):
    need(request.param)
    tree.write("app/BUILD.toml", "[files.src]\nsrcs = ['x']\n[image.img]\n")
    tree.write("a b/BUILD.toml", "[files.spaced]\nsrcs = ['x']\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {
        "stackbuild": f'exec {sys.executable} -m stackbuild "$@"',
        "show": "printf '<%s>' \"$@\"; echo",
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "xterm", "PS1": "$ ", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    found = Shell(request.param, tree.root, environment)
    yield found
    found.close()


def test_the_tab_key(shell):
    for typed, expected in {
        "stackbuild lis": "<stackbuild><list><x>",
        "stackbuild list //app:i": "<stackbuild><list><//app:img><x>",
        "stackbuild list //ap": "<stackbuild><list><//appx>",  # more may follow, so no space does
        "stackbuild list app:s": "<stackbuild><list><app:src><x>",
        "stackbuild list -//app:s": "<stackbuild><list><-//app:src><x>",
        "stackbuild image --format=oci-": "<stackbuild><image><--format=oci-archive><x>",
        "stackbuild image --forma": "<stackbuild><image><--format><x>",
        "stackbuild list --type im": "<stackbuild><list><--type><image><x>",
        "stackbuild list //a\\ b:s": "<stackbuild><list><//a b:spaced><x>",
        "stackbuild list //nothing:": "<stackbuild><list><//nothing:x>",
    }.items():
        assert (typed, shell.completed(typed)) == (typed, expected)


def test_a_hostile_name_is_never_run(shell, tree):
    tree.write("bad$(touch run)/BUILD.toml", "[files.x]\nsrcs = ['x']\n")
    assert shell.completed("stackbuild list //bad") == "<stackbuild><list><//bad$(touch run)x>"
    shell.completed('stackbuild list "//bad')
    assert not (tree.root / "run").exists()
