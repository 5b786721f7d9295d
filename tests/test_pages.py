"""Pages: one file each, which runs what is its own and takes the rest as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stackbuild.pages import escaped, filled, page

TOP = Path(__file__).parents[1]
SOURCE = TOP / "src"
HOSTILE = "</script></title><script>alert(1)</script><!--<script>@SCRIPT@ \u2028\"'\x1b\udcff"
WRITERS = {"stackbuild.analyze.graph.page": "main", "stackbuild.analyze.diff": "page", "stackbuild.deliver.timeline": "report"}


@pytest.mark.parametrize("package", WRITERS)
def test_the_policy_allows_the_script_and_the_style_that_are_there_and_no_other(package):
    text = page(package, "title", "<main></main>", {}, [WRITERS[package]])
    [policy] = re.findall('Content-Security-Policy" content="(.*?)"', text)
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    for part, tag in (("script-src", '<script type="module">(.*?)</script>'), ("style-src", "<style>(.*?)</style>")):
        [found] = re.findall(tag, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
        assert parts[part] == f"'sha256-{digest}'"
    assert parts["default-src"] == parts["base-uri"] == parts["form-action"] == "'none'"


def test_no_text_becomes_markup_and_the_data_reads_as_it_was():
    text = page("stackbuild.analyze.diff", HOSTILE, f"<p>{escaped(HOSTILE)}</p>", {HOSTILE: [HOSTILE]}, ["page"])
    assert text.count("<script") == text.count("</script>") == 2 and text.count("</title>") == 1 and "<!--" not in text
    [data] = re.findall('<script type="application/json" id="data">(.*?)</script>', text)
    assert "<" not in data and json.loads(data) == {HOSTILE: [HOSTILE]}
    assert text.encode() and "\x1b" not in text


def test_what_is_filled_in_is_not_filled_again():
    assert filled("@A@ and @B-C@, a@b", {"A": "@B-C@", "B-C": "@A@"}) == "@B-C@ and @A@, a@b"


def test_every_part_of_a_page_is_in_the_wheel(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    parts = {str(path.relative_to(SOURCE)) for kind in ("html", "css", "js") for path in SOURCE.rglob(f"*.{kind}")}
    assert len(parts) > 15 and parts <= set(zipfile.ZipFile(wheel).namelist())
