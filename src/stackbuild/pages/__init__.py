"""Pages that are one file: they ask no network, and nothing that people named can be markup in them.

Data stands in a page as JSON in which no tag can begin, read by scripts that set text and never markup. The
content security policy allows the page's own script and style, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from ..errors import one_line


def page(package: str, title: str, body: str, data: object, scripts: Sequence[str]) -> str:
    """A page of `package`, which holds its own page.css and scripts, as HTML.

    title: a text from anywhere; body: HTML, as of `filled`; data: what the scripts read as `data`; scripts:
    names of .js files, joined in this order after the script that all pages share.
    """
    script = "\n".join([part(__name__, "base.js"), *(part(package, f"{name}.js") for name in scripts)])
    style = part(__name__, "base.css") + part(package, "page.css")
    filling = {
        "TITLE": escaped(title),
        "STYLE": style,
        "STYLE-HASH": _hash(style),
        "SCRIPT": script,
        "SCRIPT-HASH": _hash(script),
        "BODY": body,
        "DATA": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    return filled(part(__name__, "frame.html"), filling)


def part(package: str, name: str) -> str:
    """The text of a file that a package holds."""
    return files(package).joinpath(name).read_text("utf-8")


def filled(template: str, filling: Mapping[str, str]) -> str:
    """The template with each @NAME@ replaced; what is put in is not looked at again."""
    return re.sub(r"@([A-Z-]+)@", lambda found: filling[found[1]], template)


def escaped(text: str) -> str:
    """A text from anywhere as HTML, for an element or a quoted attribute."""
    return html.escape(one_line(text))


def _hash(text: str) -> str:
    """A source for a content security policy (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
