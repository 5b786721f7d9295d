"""BUILD.toml as an editor sees it: Taplo, with our schema, finds what `stackbuild list` finds, at the same lines."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from declare.cases import read_cases
from declare.test_schema import pages

pytestmark = pytest.mark.real

TAPLO = "@taplo/cli@0.7.0"
BEYOND = re.compile(
    "no target |no BUILD.toml in |targets depend on each other|is not visible to|which gives no |a second target|"
    "matches no|does not lie below|is not a file of|is no OCI layout|belongs in the workspace's root|"  # other files
    r"ids end at|unknown capability|a platform is named twice|'glibc-2\.5' is not|should hold tables of targets"
)
"""What no schema says; docs/how-to/set-up-your-editor.md lists it."""
FAULT = re.compile(r"^error: (.*)\n\s+┌─ (.*):(\d+):\d+$", re.MULTILINE)


@pytest.fixture
def taplo(tmp_path, need):
    """What Taplo says of files: file -> message -> the lines it marks; a table's fault marks all of the table."""
    need("npm", "node")
    folder = tmp_path / "taplo"
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, TAPLO], check=True, capture_output=True)

    def lint(schema: Path, files: list[Path]) -> dict[Path, dict[str, set[int]]]:
        command = [folder / "node_modules/.bin/taplo", "lint", "--schema", f"file://{schema}", *files]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
        assert done.returncode in (0, 1)
        found: dict[Path, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for message, path, line in FAULT.findall(done.stdout + done.stderr):
            found[Path(path)][message].add(int(line))
        assert bool(found) == bool(done.returncode), done.stderr
        return found

    return lint


@pytest.fixture
def schema(tree):
    file = tree.root / "schema.json"
    file.write_text(tree.run("schema")[1])
    assert json.loads(file.read_text())
    return file


def test_it_finds_the_same_mistakes_at_the_same_lines(taplo, schema, tmp_path):
    said: dict[Path, dict[int, str]] = defaultdict(dict)
    files = []
    for number, case in enumerate(read_cases(Path(__file__).parents[1] / "declare/bad")):
        if any("not TOML" in line for line in case.lines):
            continue
        for path, text in case.files.items():
            file = tmp_path / str(number) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            files += [file] if file.name == "BUILD.toml" else []
        for line in case.lines:
            if found := re.match(r"(\S*BUILD\.toml):(\d+):\d+: (.*)", line):
                said[tmp_path / str(number) / found[1]][int(found[2])] = found[3]
    marked = taplo(schema, files)
    wanted = [
        (file, line, message)
        for file, lines in said.items()
        for line, message in lines.items()
        if not BEYOND.search(message)
    ]
    missed = [
        f"{file}:{line}: {message}"
        for file, line, message in wanted
        if not any(line in found for found in marked[file].values())
    ]
    assert missed == []
    assert len(wanted) >= 290
    invented = [
        f"{file}: {message}"
        for file, messages in marked.items()
        for message, lines in messages.items()
        if not lines & said[file].keys() and 'is not of type "object"' not in message
    ]
    assert invented == []


def test_it_finds_nothing_wrong_where_nothing_is(taplo, schema, tmp_path):
    files = []
    for number, (_, text) in enumerate(pages()):
        files.append(tmp_path / f"{number}.toml")
        files[-1].write_text(text)
    assert taplo(schema, files) == {}
