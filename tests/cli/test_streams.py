"""Standard streams that are closed or full."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["graph //...", "list //...", "schema", "fmt --diff", "why //..."])
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "| head -c 1"])
def test_a_reader_that_is_gone_is_no_fault(tree, command, redirection):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs=["a"]\n')
    tree.write("a", "a")
    line = f"{sys.executable} -m stackbuild {command} {redirection}"
    done = subprocess.run(["sh", "-c", line], cwd=tree.root, capture_output=True, text=True, check=False)
    full = redirection == ">/dev/full"
    assert done.stderr == ("stackbuild: No space left on device\n" if full else "")
    assert done.returncode == (1 if full else 0)
