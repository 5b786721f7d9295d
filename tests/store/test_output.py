"""Every command that writes a file by name writes it alike."""

from __future__ import annotations

import os

import pytest

WRITERS = {
    "trace": ("image", "//:img", "--output", "none", "--trace"),
    "report": ("image", "//:img", "--output", "none", "--report"),
    "sbom": ("sbom", "//:img", "--output"),
    "graph": ("graph", "//:img", "--html"),
    "diff": ("diff", "//:img", "//:img", "--html"),
    "export": ("why", "//:img", "--export"),
}
each = pytest.mark.parametrize("command", WRITERS.values(), ids=list(WRITERS))


@pytest.fixture
def one(tree):
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["a"]\n[image.img]\nlayers = [":f"]\n')
    tree.write("a", "a")
    return tree


@each
@pytest.mark.parametrize("place", ["", "-", "folder.json", "pipe.json", "link.json", "nowhere.json"])
def test_only_a_file_is_written(one, command, place):
    """A link, as /dev/stdout is one, would be replaced by the file; a pipe too."""
    flag = command[-1]
    if flag == "--export" and place in ("", "-"):
        pytest.skip("is no name of a record")
    (one.root / "folder.json").mkdir()
    os.mkfifo(one.root / "pipe.json")
    (one.root / "link.json").symlink_to(one.write("file", "kept"))
    (one.root / "nowhere.json").symlink_to("none")
    before = sorted(one.root.iterdir())
    status, out, err = one.run(*command, place)
    assert (status, out) == (2, "")
    assert err == f"{flag}: '{place}' is no file; write the path of a file\n"
    assert sorted(one.root.iterdir()) == before, "and it is said before anything is built"
    assert (one.root / "link.json").is_symlink() and (one.root / "pipe.json").is_fifo()
    assert (one.root / "file").read_text() == "kept"


@each
def test_a_path_that_cannot_be_is_named_as_it_was_typed(one, command):
    for place, why in (("a/b.json", "a is no folder"), (f"{'x' * 300}.json", "File name too long")):
        status, out, err = one.run(*command, place)
        assert (status, out) == (2, "")
        assert err == f"{command[-1]}: cannot write '{place}': {why}; choose another path\n"


@each
def test_folders_that_lead_to_it_are_made(one, command):
    status, _, _ = one.run(*command, "new/folder/x.json")
    assert status == 0 and (one.root / "new/folder/x.json").stat().st_size > 100
