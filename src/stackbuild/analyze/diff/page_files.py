"""The list of files on the page of a comparison: its place as HTML, and its data for the page's script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...pages import escaped
from .compare import Pair
from .files import TIME, Change
from .text import detail_text, path_text, shortened

STATUS = {"+": "added", "-": "removed", "~": "changed"}


def has_files(pair: Pair) -> bool:
    """Whether a platform has such a list."""
    return not pair.same and pair.files is not None and bool(pair.files.changes)


def files_section(pair: Pair, most: int | None) -> str:
    """The place of the list of files, which the page's script shows as far as it is searched for."""
    if not has_files(pair):
        return ""
    assert pair.files
    notes = []
    if most is not None and most < len(pair.files.changes):
        notes.append(f"The first {most:,} of {len(pair.files.changes):,} files are on this page.")
    if not pair.files.complete:
        notes.append("A ? marks what layers that both share, which were not read, may hold too.")
    note = "".join(f'<p class="soft small">{text}</p>' for text in notes)
    statuses = {"": "every change", **{name: name for name in STATUS.values()}, "time": "time only"}
    layers = {
        str(place): shortened(layer.name or "(unnamed)", 60)
        for place, layer in enumerate(pair.layers)
        if layer.files
    }
    return (
        '<noscript><p class="soft">The list of files needs JavaScript.</p></noscript>'
        '<section class="files" hidden><h3>Files</h3><div class="tools" role="search">'
        '<input type="search" aria-label="Part of a path" placeholder="Part of a path">'
        f"{_options('Status', statuses)}{_options('Layer', {'': 'every layer', **layers})}"
        f'<output class="soft"></output></div>{note}'
        '<div class="scroll" tabindex="0" role="region" aria-label="Files"><table class="stacks"><thead><tr>'
        '<th scope="col"></th><th scope="col">path</th><th scope="col">details</th></tr></thead>'
        '<tbody></tbody></table></div><div><button type="button" hidden>Show more</button></div></section>'
    )


def _options(label: str, options: Mapping[str, str]) -> str:
    found = "".join(f'<option value="{value}">{escaped(name)}</option>' for value, name in options.items())
    return f'<select aria-label="{label}">{found}</select>'


def files_data(pair: Pair, most: int | None) -> list[list[Any]]:
    """What the script reads of a platform's files, those that differ in time alone last to be there."""
    assert pair.files
    places = {
        item.layer.diff_id: place
        for place, layer in enumerate(pair.layers)
        for item in (layer.a, layer.b)
        if item
    }
    chosen = sorted(pair.files.changes, key=lambda change: change.differs == TIME)[:most]
    return [_file(change, places) for change in chosen]


def _file(change: Change, places: Mapping[str, int]) -> list[Any]:
    status = "time" if change.differs == TIME else change.status
    return [status, change.certain, path_text(change), detail_text(change), places.get(change.layer, -1)]
