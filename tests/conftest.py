"""A workspace to build in, for every test that builds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import hypothesis
import pytest
from browser import browse, chromium  # noqa: F401  fixtures

from stackbuild.cli.main import main

hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")  # no test fails because a machine is busy


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
