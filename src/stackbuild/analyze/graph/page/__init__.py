"""The page to look around in: one file, no network, nothing in it but what is put in here.

Whatever people named stands in it as data: as JSON in which no tag can begin, read by scripts that set text
and never markup. The content security policy allows these very scripts and this style, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

_SCRIPTS = "model dom layout folding steer map overview table focus main"


def page(document: dict[str, Any]) -> str:
    """The page for a graph's document."""
    script = "\n".join(_read(f"{name}.js") for name in _SCRIPTS.split())
    style = _read("page.css")
    filling = {
        "STYLE": style,
        "SCRIPT": script,
        "STYLE-HASH": _hash(style),
        "SCRIPT-HASH": _hash(script),
        "DATA": json.dumps(document, separators=(",", ":")).replace("<", "\\u003c"),
    }
    return re.sub(r"@([A-Z-]+)@", lambda found: filling[found[1]], _read("page.html"))


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """A source for a content security policy (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
