"""`base`: an image from outside."""

from __future__ import annotations


def test_alone_it_is_for_the_first_platform_of_the_workspace(tree):
    """And for another one when that is another: the same fields give another image then."""
    declared = "[workspace]\nplatforms = ['linux/{}', 'linux/{}']\n[files.f]\nsymlinks = {{ a = 'b' }}\n[image.img]\nlayers = [':f']\n[base.b]\npath = 'layout'\n"
    tree.write("BUILD.toml", declared.format("amd64", "arm64"))
    tree.image("//:img", "--output", "layout")
    assert tree.image("//:b")["platforms"] == ["linux/amd64"]
    tree.write("BUILD.toml", declared.format("arm64", "amd64"))
    assert tree.image("//:b")["platforms"] == ["linux/arm64"]
