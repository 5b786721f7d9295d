"""The page: one file in which nothing that people named can be markup."""

from __future__ import annotations

import json
import re

from stackbuild.analyze.graph.page import page

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
