"""The page: one file in which nothing that people named can be markup."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from stackbuild.analyze.graph.page import page

TOP = Path(__file__).parents[3]
HOSTILE = '</script><script>alert(1)</script><!--<script>@SCRIPT@ \u2028"'


def document(**more) -> dict:
    return {"workspace": HOSTILE, "targets": [], "layers": [], "build": None, **more}


def test_the_data_ends_no_element_and_reads_as_it_was():
    text = page(document())
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert "<" not in data and json.loads(data) == document()
    assert len(re.findall("<script", text)) == 2


def test_the_page_asks_no_network():
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", page(document()).replace("http://www.w3.org/2000/svg", "")) == []
    assert "default-src 'none'" in page(document())


def test_a_wheel_holds_the_parts_of_the_page(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    held = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "analyze/graph/page/" in name}
    assert held == {path.name for path in (TOP / "src/stackbuild/analyze/graph/page").iterdir() if path.is_file()}
