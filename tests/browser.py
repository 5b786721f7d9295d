"""Debian's Chromium, driven by playwright, for tests of the pages that are written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

DESK, HAND = (1280, 800), (400, 800)


@pytest.fixture(scope="module")
def chromium():
    """A running browser; of one module only, as playwright's event loop would be in others' way."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        # Root, as which CI runs, has no sandbox.
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browse(need, request):
    """Open a file as a page: browse(path, size=DESK, colours="light").

    A page that complains, fails, or asks the network for anything fails the test.
    """
    need("chromium")
    chromium = request.getfixturevalue("chromium")
    complaints: list[str] = []
    contexts = []

    def open_page(path: Path, size: tuple[int, int] = DESK, colours: str = "light"):
        contexts.append(chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=colours))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
        page.goto(path.absolute().as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
