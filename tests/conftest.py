"""A workspace to build in, for every test that builds."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from browser import browse, chromium  # noqa: F401  fixtures
from edits import full  # noqa: F401

from stackbuild import witness
from stackbuild.again import ask
from stackbuild.cli.main import main

hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")  # no test fails because a machine is busy


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("long") is None)  # so that no process is left with one at the end


_looked: list[list[tuple[str, str]]] = []


def _listen(event: str, arguments: tuple) -> None:
    if _looked and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | os.PathLike):
        for looked in _looked:
            looked.append((event, os.path.abspath(arguments[0])))  # noqa: PTH100  as it stands


sys.addaudithook(_listen)


def _witnessed(event: str, path: str, records: bytes) -> bool:
    """Whether records tell of a folder's names, or of a file by itself or in its folder."""
    folder, name = os.path.split(path)
    if event != "open":
        return f"L{path}\0".encode() in records or f"F{path}\0".encode() in records
    if f"S{path}\0".encode() in records:
        return True
    _, _, rest = records.partition(f"F{folder}\0".encode())
    return bool(rest) and name not in rest.split(b"\0")[0].decode().split("/")


class Tree:
    """A workspace on disk with a store of its own; `run` is the command line, in this process."""

    def __init__(self, root: Path, capsys) -> None:
        self.root, self._capsys = root, capsys
        root.mkdir()
        self.write("BUILD.toml", "[workspace]\n")

    def write(self, path: str, data: str | bytes = "", mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        file.chmod(mode)
        return file

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """(exit status, standard output, standard error)."""
        here = Path.cwd()
        os.chdir(self.root)
        try:
            self._capsys.readouterr()
            try:
                status = main(arguments)
            except SystemExit as stop:
                status = int(stop.code or 0)
            out, err = self._capsys.readouterr()
        finally:
            os.chdir(here)
        return status, out, err

    def image(self, *arguments: str) -> dict:
        """The first image of `stackbuild image --json`; fails the test when the build fails."""
        status, out, err = self.run("image", "--json", "--progress", "none", *arguments)
        assert status == 0, err
        return json.loads(out)["images"][0]

    def again(self, *arguments: str) -> tuple[bool, int, str, str]:
        """As a process of its own does it: (whether a saved answer did, exit status, output, error output)."""
        time.sleep(0.06)  # what was written less than that ago is not believed
        here, arguments = Path.cwd(), ("image", "--progress", "none", *arguments)
        os.chdir(self.root)
        try:
            self._capsys.readouterr()
            status = ask.answered(list(arguments))
            if status is not None:
                return True, status, *self._capsys.readouterr()
            return False, *self.run(*arguments)
        finally:
            ask.asked = None
            os.chdir(here)

    def unwitnessed(self, *arguments: str) -> set[str]:
        """Files that a build, by now without work, opens or lists unknown to its witness; and that it refused."""
        status, _, err = self.run("image", "--progress", "none", "--output", "none", *arguments)
        assert status == 0, err
        time.sleep(0.06)
        looked: list[tuple[str, str]] = []
        _looked.append(looked)
        try:
            with witness.recording() as seen:
                assert self.run("image", "--progress", "none", "--output", "none", *arguments)[0] == 0
        finally:
            _looked.remove(looked)
        below = {(event, path) for event, path in looked if path.startswith(f"{self.root}/") or path == str(self.root)}
        return {path for event, path in below if not _witnessed(event, path, seen.records())} | ({seen.refused} - {""})

    def statuses(self, *arguments: str) -> dict[str, str]:
        return {layer["target"]: layer["status"] for layer in self.image(*arguments)["layers"]}


@pytest.fixture
def tree(tmp_path, capsys, monkeypatch):
    for name in list(os.environ):
        if name.startswith("STACKBUILD_") and name not in ("STACKBUILD_REQUIRE_REAL", "STACKBUILD_PURE"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "store"))
    return Tree(tmp_path / "ws", capsys)


@pytest.fixture
def need():
    """Skip without a tool; where the real components are required, fail."""

    def check(*tools: str) -> None:
        for tool in tools:
            if not shutil.which(tool) and not Path(tool).exists():
                if os.environ.get("STACKBUILD_REQUIRE_REAL"):
                    pytest.fail(f"{tool} is required")
                pytest.skip(f"{tool} is not here")

    return check
