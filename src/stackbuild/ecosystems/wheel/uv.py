"""Runs uv, so that nothing of this machine decides what it says but the way to the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import BuildFailed, RegistryError, StackbuildError
from ...trace import traced

_KEPT = re.compile(
    r"HOME|USERPROFILE|NETRC|TMPDIR|TEMP|TMP|SYSTEMROOT|SSL_CERT_(FILE|DIR)|SSL_CLIENT_CERT|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)
_ALWAYS = (
    "--quiet",
    "--no-config",
    "--no-cache",
    "--no-header",
    "--no-build",
    "--no-python-downloads",
    "--system-certs",
    "--color=never",
    "--format=pylock.toml",
)
_NETWORK = re.compile(
    r"^Failed to fetch|error sending request|HTTP status|^Request failed|^Failed to download"
)
_TIMES = re.compile(r" after \d+ retries in [\d.]+m?s")
_CONCLUSION = re.compile(r",? we can conclude that your requirements are unsatisfiable\.?$")
_MOST = 600  # seconds


class Unresolvable(BuildFailed):
    """What was asked for cannot be had."""


@traced("uv")
def run(arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """The pylock document that `uv ARGUMENTS` prints, run in `folder`.

    Raises Unresolvable when there is none for what was asked, RegistryError when an index failed.
    """
    from uv import find_uv_bin

    environment = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    environment["UV_HTTP_RETRIES"] = "2"
    command = [find_uv_bin(), *arguments, *_ALWAYS, f"--python={sys.executable}"]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_MOST
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"uv cannot be run: {error}") from error
    if done.returncode:
        raise failure(done.stderr.decode("utf-8", "replace").replace(f"{folder}/", ""))
    try:
        return tomllib.loads(done.stdout.decode())
    except ValueError as error:
        raise BuildFailed(f"uv printed what is no pylock.toml: {error}") from error


def failure(text: str) -> StackbuildError:
    """What uv says went wrong, which takes it several lines and may hold times, as one error."""
    reasons = _paragraphs(text)
    if any(_NETWORK.search(reason) for reason in reasons):
        first = next((reason for reason in reasons if reason.startswith("Failed to ")), reasons[0])
        said = first if first == reasons[-1] else f"{first}: {reasons[-1]}"
        return RegistryError(said, hint="try again, or check the index and the way to it")
    if len(reasons) > 1 and reasons[0].startswith("No solution"):
        found = " ".join(reasons[1:]).removeprefix("Because ")
        return Unresolvable(f"no versions meet the requirements: {_CONCLUSION.sub('', found)}")
    return Unresolvable(": ".join(reasons).rstrip("."))


def _paragraphs(text: str) -> list[str]:
    """The error and its causes, each on one line; warnings and hints are left out."""
    found: list[str] = []
    kind, taking = "", False
    for line in text.splitlines():
        if head := re.match(r"\s*(error|cause|warning|hint)\s*:\s+(.*)", line):
            kind = head[1] if head[1] != "cause" else kind
            taking = kind == "error"
            found += [head[2]] if taking else []
        elif taking and line.strip():
            found[-1] += " " + line.strip()
    cleaned = [_TIMES.sub("", re.sub(r"(\w+://)[^/\s@]*@", r"\1", line)) for line in found]
    return cleaned or ["uv failed, and did not say why"]
