"""A comparison as one page that needs nothing else: for a pull request, or whoever reviews an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...oci.model import ImageLayer
from ...pages import escaped, filled, part
from ...pages import page as write
from ...sizes import size_text
from .compare import Comparison, Pair
from .documents import FieldChange, PackageChange
from .layers import LayerPair
from .page_files import STATUS, files_data, files_section, has_files
from .text import shortened, sign_of, value_text


def page(compared: Comparison, most: int | None) -> str:
    """The page, with at most `most` files of each platform."""
    platforms = [
        _alone(names, status) for names, status in ((compared.removed, "removed"), (compared.added, "added"))
    ]
    platforms += [_pair(pair, most) for pair in compared.pairs]
    filling = {"A": escaped(compared.a), "B": escaped(compared.b), "PLATFORMS": "\n".join(platforms)}
    files = [files_data(pair, most) for pair in compared.pairs if has_files(pair)]
    body = filled(part(__package__, "body.html"), filling)
    return write(__package__, f"{compared.a} → {compared.b} – image comparison", body, files, ("page",))


def _alone(names: Sequence[str], status: str) -> str:
    return "".join(
        f"<section><h2>{escaped(name)}</h2><p>{_chip(status)} as a platform</p></section>" for name in names
    )


def _chip(status: str) -> str:
    return f'<span class="chip {status}">{status}</span>'


def _pair(pair: Pair, most: int | None) -> str:
    title = f"<section><h2>{escaped(pair.platform)}</h2>"
    if pair.same:
        return f"{title}<p>The same: nothing differs.</p>{_sides(pair)}</section>"
    return "\n".join(
        (
            title,
            _facts(pair),
            _sides(pair),
            _table("Layers", ("layer", "a", "b", "files"), map(_layer, pair.layers)),
            _table("Configuration", ("field", "a", "b"), map(_field, pair.config)),
            _table("Annotations", ("annotation", "a", "b"), map(_field, pair.annotations)),
            _table("Packages", ("package", "ecosystem", "a", "b"), map(_package, pair.packages or ())),
            files_section(pair, most),
            "</section>",
        )
    )


def _facts(pair: Pair) -> str:
    sizes = [size_text(sum(item.layer.size for item in image.layers)) for image in (pair.a, pair.b)]
    differing = sum(layer.status != "same" for layer in pair.layers)
    facts = [(f"{differing} of {len(pair.layers)}", f"layers differ{'s' if differing == 1 else ''}", "")]
    if pair.files:
        facts.append((*_differ(pair.files.changes, "file"), _counts(pair.files.counts())))
    named = (
        (pair.config, "configuration field"),
        (pair.annotations, "annotation"),
        (pair.packages or (), "package"),
    )
    facts += [(*_differ(items, name), "") for items, name in named if items]
    facts.append((" → ".join(dict.fromkeys(sizes)), "size, compressed", ""))
    facts.append((size_text(pair.pull[0]), "to pull b where a is at hand", ""))
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{value}{more and f'<small>{more}</small>'}</dd></div>"
        for value, name, more in facts
    )
    return f'<dl class="facts">{rows}</dl>'


def _differ(items: Sequence[Any], noun: str) -> tuple[str, str]:
    return f"{len(items):,}", f"{noun} differs" if len(items) == 1 else f"{noun}s differ"


def _sides(pair: Pair) -> str:
    rows = "".join(
        f"<dt>{side}</dt><dd><code>{escaped(image.manifest['digest'])}</code></dd>"
        for side, image in (("a", pair.a), ("b", pair.b))
    )
    return f'<dl class="sides">{rows}</dl>'


def _counts(counts: Mapping[str, int]) -> str:
    """Numbers of files by status, in words."""
    words = {"added": "added", "removed": "removed", "changed": "changed", "time_only": "in time only"}
    return ", ".join(f"{counts[status]:,} {word}" for status, word in words.items() if counts.get(status))


_Row = tuple[str, Sequence[str]]  # the status, and cells as HTML


def _table(title: str, heads: Sequence[str], rows: Iterable[_Row]) -> str:
    lines = [_line(status, heads, cells) for status, cells in rows]
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", *heads))
    table = f'<table class="stacks"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    return (
        f'<h3>{title}</h3><div class="scroll" tabindex="0" role="region" aria-label="{title}">{table}</div>'
    )


def _line(status: str, heads: Sequence[str], cells: Sequence[str]) -> str:
    name, *rest = cells
    others = (
        f'<td class="wide" data-label="{head}">{cell}</td>' if cell else "<td></td>"
        for head, cell in zip(heads[1:], rest, strict=True)
    )
    quiet = ' class="same"' if status == "same" else ""
    named = f'<td class="status">{_chip(status)}</td><td class="path">{name}</td>'
    return f"<tr{quiet}>{named}{''.join(others)}</tr>"


def _layer(pair: LayerPair) -> _Row:
    name = escaped(shortened(pair.name or "(unnamed)", 160))
    return pair.status, [name, _side(pair.a), _side(pair.b), _counts(pair.files)]


def _side(item: ImageLayer | None) -> str:
    if item is None:
        return ""
    digest = escaped(item.layer.digest)
    return f'{size_text(item.layer.size)} <code class="soft digest" title="{digest}">{digest[7:19]}</code>'


def _field(change: FieldChange) -> _Row:
    names = (change.field if change.field != "annotations" else "", change.name)
    name = " ".join(word for word in names if word)
    cells = _two(value_text(change.a), value_text(change.b))
    return STATUS[sign_of(change.a, change.b)], [escaped(name), *cells]


def _package(change: PackageChange) -> _Row:
    versions = _two(", ".join(change.a), ", ".join(change.b))
    status = STATUS[sign_of(change.a, change.b)]
    return status, [escaped(change.name), escaped(change.ecosystem), *versions]


def _two(a: str, b: str) -> list[str]:
    return [
        f"<{tag}><code>{escaped(text)}</code></{tag}>" if text else ""
        for tag, text in (("del", a), ("ins", b))
    ]
