"""Cases of bad input in tests/declare/bad/*.txt.

=== NAME [| COMMAND]        the command is `list //...` unless said
--- PATH                    a file of the workspace, then its text
--- exit STATUS             then the exact lines on standard error
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Case:
    name: str
    command: list[str]
    files: dict[str, str] = field(default_factory=dict)
    status: int = 0
    lines: list[str] = field(default_factory=list)


def read_cases(folder: Path) -> Iterator[Case]:
    """Every case of every file of the folder."""
    for file in sorted(folder.glob("*.txt")):
        for text in file.read_text("utf-8").split("=== ")[1:]:
            head, *parts = text.split("--- ")
            name, _, command = head.strip().partition(" | ")
            case = Case(f"{file.stem}: {name}", (command or "list //...").split())
            for part in parts:
                title, _, body = part.partition("\n")
                if title.startswith("exit "):
                    case.status, case.lines = int(title.removeprefix("exit ")), body.strip().splitlines()
                else:
                    case.files[title] = body.removesuffix("\n")
            yield case
