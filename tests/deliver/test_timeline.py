"""--report: what the page holds, that it does what it should in a browser, and that nothing in it is run."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from browser import DESK, HAND

from stackbuild.build.plan import Node
from stackbuild.declare.address import Address
from stackbuild.deliver.timeline.collect import Collector, Seen
from stackbuild.deliver.timeline.page import page as make_page
from stackbuild.deliver.timeline.spans import nested, work
from stackbuild.targets.target import Variant
from stackbuild.trace import Span, recording, span

BUILD = """[workspace]
[files.low]
srcs = ["low/*"]
[files.top]
srcs = ["top/*"]
to = "/top"
[image.base]
layers = [":low"]
[image.img]
base = ":base"
layers = [":top"]
"""
HOSTILE = '</script><img src=x onerror="document.title=1"><b>'


@pytest.fixture
def filled(tree):
    tree.write("low/f", "low" * 1000)
    tree.write("top/f", "top")
    tree.write("BUILD.toml", BUILD)
    return tree


def report(tree, *arguments: str, status: int = 0) -> dict:
    """What a command's page shows."""
    found, _, err = tree.run(*arguments, "--report", "report.html", "--progress", "none")
    assert found == status, err
    [text] = re.findall('<script type="application/json" id="data">(.*?)</script>', page(tree).read_text(), re.S)
    return json.loads(text)


def page(tree) -> Path:
    return tree.root / "report.html"


def test_it_tells_what_was_built_and_why(filled):
    filled.image("//:img")
    filled.write("top/f", "changed")
    data = report(filled, "image", "//:img")
    targets = {target["name"]: target for target in data["targets"]}
    assert (data["command"], data["status"], data["errors"]) == ("stackbuild image //:img", "done", [])
    assert targets["//:low (gzip)"]["status"] == "reused" and targets["//:low (gzip)"]["causes"] == []
    assert targets["//:top (gzip)"]["status"] == "built" and targets["//:top (gzip)"]["causes"] == ["file top/f changed"]
    [image] = data["images"]
    assert [(layer["target"], layer["status"]) for layer in image["layers"]] == [("//:low", "reused"), ("//:top", "built")]


def test_the_critical_path_is_a_chain_of_needs(filled):
    data = report(filled, "image", "//:img")
    path = [data["targets"][index]["name"] for index in data["critical"]]
    assert path[-2:] == ["//:img (linux/amd64)", "//:img"] and path[0] in ("//:low (gzip)", "//:top (gzip)")
    assert sum(data["targets"][index]["time"] for index in data["critical"]) <= data["total"]


def test_a_failed_build_has_its_page(filled):
    filled.write("BUILD.toml", BUILD.replace('"top/*"', '"none/*"'))
    data = report(filled, "image", "//:img", status=2)
    assert data["status"] == "failed" and "BUILD.toml:5:9" in data["errors"][0]
    failed = [target for target in data["targets"] if target["status"] == "failed"]
    assert [target["name"] for target in failed] == ["//:top (gzip)"] and failed[0]["errors"] == data["errors"]


def test_wrong_build_files_have_one_too(filled):
    filled.write("BUILD.toml", BUILD.replace('":top"]', '":tip"]'))
    data = report(filled, "image", "//:img", status=2)
    assert data["targets"] == data["images"] == data["critical"] == [] and "no target //:tip" in data["errors"][0]


def test_time_is_counted_once():
    """The own time of work is without that of the work inside."""
    thread = ("t", 1)
    spans = []
    for name, start, end in (("a", 0, 100_000), ("b", 10_000, 40_000), ("c", 20_000, 30_000), ("b", 50_000, 60_000), ("a", 100_000, 0)):
        found = Span(name, {})
        found.start, found.end, found.thread = start, end, thread
        spans.append(found)
    items = nested(spans, now=110_000)[thread]
    assert [item.depth for item in items] == [0, 1, 2, 1, 0]
    assert work(items) == [["a", 2, 110, 70], ["b", 2, 40, 30], ["c", 1, 10, 10]]


def test_no_text_can_end_the_script(filled):
    filled.write(f"top/{HOSTILE.replace('/', '-')}", "x")
    filled.write("BUILD.toml", BUILD.replace('"top/*"', '"top/*", "!top/f"'))
    filled.image("//:img")
    filled.write(f"top/{HOSTILE.replace('/', '-')}", "y")
    data = report(filled, "image", "//:img")
    assert any(HOSTILE.replace("/", "-") in cause for target in data["targets"] for cause in target["causes"])
    text = page(filled).read_text()
    assert text.count("<script") == text.count("</script>") == 2 and "<img" not in text


@pytest.mark.real
def test_hostile_names_do_nothing_in_a_browser(filled, browse):
    name = HOSTILE.replace("/", "-")
    filled.write(f"top/{name}", "x")
    filled.image("//:img")
    filled.write(f"top/{name}", "y")
    report(filled, "image", "//:img")
    shown = browse(page(filled))
    assert shown.title() == "stackbuild image //:img – build report"
    assert name in shown.inner_text("#targets") and shown.locator("img").count() == 0


@pytest.mark.real
@pytest.mark.parametrize("size", [DESK, HAND])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_and_can_be_used_from_the_keyboard(filled, browse, size, colours):
    report(filled, "image", "//:img")
    shown = browse(page(filled), size, colours)
    assert shown.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert shown.inner_text("#found") == "5 of 5 targets"
    before = shown.inner_text("#window")
    shown.focus("#timeline")
    shown.keyboard.press("+")
    zoomed = shown.inner_text("#window")
    shown.keyboard.press("ArrowRight")
    assert len({before, zoomed, shown.inner_text("#window")}) == 3
    shown.keyboard.press("Home")
    assert shown.inner_text("#window") == before
    shown.fill("#find", "//:low")
    assert shown.locator("#targets tbody tr").count() == 1
    shown.focus("#targets button")
    shown.keyboard.press("Enter")
    assert shown.inner_text("#detail").startswith("target ·") and "//:low (gzip)" in shown.inner_text("#detail")


@pytest.mark.real
def test_five_thousand_targets_are_a_page(tmp_path, browse):
    collector = Collector()
    with recording() as recorder:
        for number in range(5000):
            node = Node(Address("p", f"t{number}"), Variant())
            collector.targets[node] = Seen(str(node), "files", time.monotonic_ns(), "built", 0.001, 100, 1, ["never built before"])
            with span("target", target=node):
                for name in ("prepare", "look up", "build", "write the layer", "compress", "keep the blob", "keep the record"):
                    with span(name, bytes=number):
                        pass
        (tmp_path / "page.html").write_bytes(make_page("stackbuild image //...", collector, recorder, None))
    shown = browse(tmp_path / "page.html")
    assert "25 of 5,000 targets" in shown.inner_text("#found")
    shown.fill("#find", "t4999")
    assert shown.locator("#targets tbody tr").count() == 1
    shown.focus("#targets button")
    shown.keyboard.press("Enter")
    assert "//p:t4999" in shown.inner_text("#detail")
