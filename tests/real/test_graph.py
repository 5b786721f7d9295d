"""The graph as others see it: Graphviz, and a person's browser with five thousand targets."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from analyze.graph.many import many
from browser import DESK, HAND

pytestmark = pytest.mark.real

FOLDER = 'a"b & <b>&lt; {x|y} %N</script><script>window.bad = 1<'
HOSTILE = """
[files.f]
description = '''</script><script>window.bad = 1</script><!--<script> <img src=x onerror="window.bad = 1">'''
srcs = ["*.txt"]
to = "/x"
[image.i]
layers = [":f"]
"""


@pytest.fixture
def hostile(tree):
    """A folder and a file whose names are markup, built once, and again since the file has changed."""
    for text in ("before", "after"):
        tree.write(f"{FOLDER}/BUILD.toml", HOSTILE)
        tree.write(f"{FOLDER}/<img src=x onerror=alert(1)>.txt", text)
        tree.image("//...")
    return tree


@pytest.fixture
def page(tree, browse):
    """Write the page of all targets, and open it."""

    def open_page(size=DESK, colours="light"):
        status, _, err = tree.run("graph", "//...", "--html", "graph.html")
        assert (status, err) == (0, "")
        return browse(tree.root / "graph.html", size, colours)

    return open_page


@pytest.fixture
def crowd(tree):
    """A thousand folders of five targets, a team of which is built."""
    many(tree.root, 1000)
    tree.image("//team-03/...")
    return tree


def svg_of(dot: str) -> ElementTree.Element:
    done = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return ElementTree.fromstring(done.stdout)


def test_graphviz_draws_every_target_in_its_folder(tree, need):
    need("dot")
    many(tree.root, 3)
    svg = svg_of(tree.run("graph", "//...")[1])
    parts = [group.get("class") for group in svg.iter("{http://www.w3.org/2000/svg}g")]
    edges = len(re.findall("->", tree.run("graph", "//...")[1]))
    assert (parts.count("node"), parts.count("cluster"), parts.count("edge")) == (18, 4, edges)


def test_graphviz_shows_hostile_names_as_they_are(hostile, need):
    need("dot")
    svg = svg_of(hostile.run("graph", "//...")[1])
    words = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert words == {f"//{FOLDER}", "f", "files", "i", "image"}


def test_hostile_names_are_shown_and_not_obeyed(hostile, page):
    seen = page()
    for view in ("#view=overview", "#view=map", "#view=targets", "#view=layers"):
        seen.evaluate("view => { location.hash = view }", view)
        seen.wait_for_timeout(50)
    seen.get_by_role("link", name="Overview").click()
    seen.locator(".card").first.get_by_role("link", name=f"//{FOLDER}:f").click()
    assert seen.locator(".detail h2").inner_text() == f"//{FOLDER}:f"
    assert "file <img src=x onerror=alert(1)>.txt changed" in seen.locator(".detail").inner_text()
    assert '</script><script>window.bad = 1</script><!--<script> <img src=x onerror="window.bad = 1">' in seen.locator(".detail").inner_text()
    assert seen.evaluate("window.bad") is None and seen.locator("img").count() == 0


@pytest.mark.parametrize("size, colours", [(DESK, "light"), (HAND, "dark")])
def test_five_thousand_targets_are_found_folded_and_sorted(crowd, page, size, colours):
    seen = page(size, colours)
    assert "5,003" in seen.locator(".facts").inner_text()

    seen.keyboard.press("/")
    seen.keyboard.type("service-0900 img")
    assert seen.locator("#found li").all_inner_texts() == ["//team-36/service-0900:img\nimage"]
    seen.keyboard.press("Enter")
    seen.locator(".detail h2", has_text="//team-36/service-0900:img").wait_for()
    assert seen.locator(".box.target").count() == 9
    assert "unknown" in seen.locator(".detail").inner_text()

    seen.get_by_role("link", name="Map").click()
    seen.locator(".legend").wait_for()
    assert seen.locator(".box").count() < 40
    seen.locator("[data-key='team-00/']").press("Enter")
    inside = seen.locator("[data-key^='team-00/service-']")
    assert inside.count() == 16 and seen.get_by_role("button", name="9 more in //team-00; show some").count() == 1
    seen.get_by_role("button", name="Fold //team-00").click()
    assert inside.count() == 0

    seen.get_by_role("link", name="Targets", exact=True).click()
    seen.locator("table").wait_for()
    seen.get_by_role("button", name="Size").click()
    assert re.match("//team-03/service-....:img", seen.locator("tbody a").first.text_content())
    assert seen.locator("tbody tr").count() < 100
    assert seen.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_paths_between_two_targets(crowd, page):
    seen = page()
    seen.evaluate("location.hash = new URLSearchParams({target: '//team-03/service-0080:img'})")
    seen.get_by_label("Show the paths to another target").fill("base certificates")
    seen.locator(".detail").get_by_role("link", name="//base:certificates").last.click()
    seen.get_by_text("3 targets on the ways to").wait_for()
    assert seen.locator(".box .title").all_text_contents() == ["img", "os", "certificates"]


def test_where_nothing_was_built_the_page_says_how_to_begin(tree, page):
    many(tree.root, 1)
    seen = page()
    assert seen.locator(".card").all_inner_texts()[0].startswith("Nothing was built here yet")
    assert "0 B" not in seen.locator("main").inner_text()
