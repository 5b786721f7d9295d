"""A comparison as one page that needs nothing else: for a pull request, or whoever reviews an image."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files as resources
from string import Template
from typing import Any

from ...errors import one_line
from ...oci.model import ImageLayer
from ...sizes import size_text
from .compare import Comparison, Files, Pair
from .documents import FieldChange, PackageChange
from .files import TIME, Change
from .layers import LayerPair
from .text import SIGNS, count_text, detail_text, path_text, shortened, sign_of, value_text

_STATUS = {"+": "added", "-": "removed", "~": "changed"}
_SIDES = ("", "layer", "a", "b", "files")


def page(compared: Comparison, most: int | None) -> str:
    """The page, with at most `most` files of each platform."""
    style, script = (_resource(name) for name in ("page.css", "page.js"))
    body = [
        _alone(names, status) for names, status in ((compared.removed, "removed"), (compared.added, "added"))
    ]
    body += [_pair(pair, most) for pair in compared.pairs]
    return Template(_resource("page.html")).substitute(
        title=_safe(f"{compared.a} → {compared.b}"),
        a=_safe(compared.a),
        b=_safe(compared.b),
        body="\n".join(part for part in body if part),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _resource(name: str) -> str:
    return resources(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """A source of a content security policy (CSP level 3, "Hash usage"): nothing else runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _safe(text: str) -> str:
    """A text from outside, as HTML."""
    return html.escape(one_line(text))


def _alone(names: Sequence[str], status: str) -> str:
    return "".join(f"<p>The platform <code>{_safe(name)}</code> was {status}.</p>" for name in names)


def _pair(pair: Pair, most: int | None) -> str:
    title = f"<h2>{_safe(pair.platform)}</h2>"
    if pair.same:
        return f"{title}<p>The same.</p>"
    parts = [title, _facts(pair), _table("Layers", _SIDES, map(_layer, pair.layers))]
    parts.append(_table("Configuration", ("", "field", "a", "b"), map(_field, pair.config)))
    parts.append(_table("Annotations", ("", "annotation", "a", "b"), map(_field, pair.annotations)))
    parts.append(
        _table("Packages", ("", "ecosystem", "package", "a", "b"), map(_package, pair.packages or ()))
    )
    if pair.files and pair.files.changes:
        parts.append(_files(pair.files, pair.layers, most))
    return "\n".join(parts)


def _facts(pair: Pair) -> str:
    sizes = [size_text(sum(item.layer.size for item in image.layers)) for image in (pair.a, pair.b)]
    differing = sum(layer.status != "same" for layer in pair.layers)
    facts = [(f"{differing} of {len(pair.layers)}", "layers differ")]
    if pair.files:
        facts.append((count_text(pair.files.counts()), "files"))
    facts += [(str(len(items)), name) for items, name in _counted(pair) if items]
    facts += [(size_text(pair.pull[0]), "to pull"), (" → ".join(dict.fromkeys(sizes)), "size")]
    rows = "".join(f"<li><b>{_safe(value)}</b><span>{name}</span></li>" for value, name in facts)
    digests = "".join(
        f"<dt>{side}</dt><dd>{_safe(image.manifest['digest'])}</dd>"
        for side, image in (("a", pair.a), ("b", pair.b))
    )
    return f'<ul class="facts">{rows}</ul><dl class="sides">{digests}</dl>'


def _counted(pair: Pair) -> Iterable[tuple[Sequence[Any], str]]:
    return (
        (pair.config, "configuration"),
        (pair.annotations, "annotations"),
        (pair.packages or (), "packages"),
    )


_Row = tuple[str, Sequence[str]]  # the class, and cells as HTML


def _table(title: str, heads: Sequence[str], rows: Iterable[_Row]) -> str:
    lines = [
        f'<tr class="{name}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for name, cells in rows
    ]
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return (
        f'<h3>{title}</h3><div class="scroll" tabindex="0" role="region" aria-label="{title}">{table}</div>'
    )


def _layer(pair: LayerPair) -> _Row:
    cells = [
        SIGNS[pair.status],
        _safe(shortened(pair.name or "(unnamed)", 160)),
        _side(pair.a),
        _side(pair.b),
    ]
    return pair.status, [*cells, _safe(count_text(pair.files)) if pair.files else ""]


def _side(item: ImageLayer | None) -> str:
    if item is None:
        return ""
    digest = item.layer.digest
    return f'<span title="{_safe(digest)}">{_safe(digest[7:19])}</span> {size_text(item.layer.size)}'


def _field(change: FieldChange) -> _Row:
    sign = sign_of(change.a, change.b)
    names = (change.field if change.field != "annotations" else "", change.name)
    name = " ".join(part for part in names if part)
    return _STATUS[sign], [sign, _safe(name), *_two(value_text(change.a), value_text(change.b))]


def _package(change: PackageChange) -> _Row:
    sign = sign_of(change.a, change.b)
    versions = _two(", ".join(change.a), ", ".join(change.b))
    return _STATUS[sign], [sign, _safe(change.ecosystem), _safe(change.name), *versions]


def _two(a: str, b: str) -> tuple[str, str]:
    return f"<del>{_safe(a)}</del>", f"<ins>{_safe(b)}</ins>"


def _files(files: Files, layers: Sequence[LayerPair], most: int | None) -> str:
    """The list of files: data, which the page's script shows as far as it is searched for."""
    places = {
        item.layer.diff_id: place for place, pair in enumerate(layers) for item in (pair.a, pair.b) if item
    }
    chosen = sorted(files.changes, key=lambda change: change.differs == TIME)[:most]
    data = [_file(change, places) for change in chosen]
    island = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    notes = []
    if len(chosen) < len(files.changes):
        notes.append(f"The first {len(chosen)} of {len(files.changes)} files are on this page.")
    if not files.complete:
        notes.append("A ? marks what layers that both share, which were not read, may hold too.")
    note = "".join(f'<p class="note">{text}</p>' for text in notes)
    statuses = _options(
        "status", {"": "all", **{name: name for name in _STATUS.values()}, "time": "time only"}
    )
    named = {
        str(place): shortened(pair.name or "(unnamed)", 60) for place, pair in enumerate(layers) if pair.files
    }
    return (
        f'<h3>Files</h3><noscript><p class="note">The list of files needs JavaScript.</p></noscript>'
        f'<section class="files" hidden><form role="search">'
        f'<input type="search" aria-label="part of a path" placeholder="part of a path">'
        f"{statuses}{_options('layer', {'': 'all layers', **named})}</form>"
        f'<p class="note"><output></output></p>{note}'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Files"><table><thead><tr>'
        f'<th scope="col"></th><th scope="col">path</th><th scope="col">what differs</th></tr></thead>'
        f'<tbody></tbody></table></div><button type="button" hidden>Show more</button>'
        f'<script type="application/json">{island}</script></section>'
    )


def _options(label: str, options: dict[str, str]) -> str:
    found = "".join(f'<option value="{value}">{_safe(name)}</option>' for value, name in options.items())
    return f'<select aria-label="{label}">{found}</select>'


def _file(change: Change, places: dict[str, int]) -> list[Any]:
    sign = SIGNS[change.status] + ("" if change.certain else "?")
    status = "time" if change.differs == TIME else change.status
    return [sign, status, path_text(change), detail_text(change), places.get(change.layer, -1)]
