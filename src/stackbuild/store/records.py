"""Records: key -> result, with the recipe that explains the key."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ..again.answer import BELIEVED
from ..filetable import FileTable
from ..frozen import frozen
from ..keys import Text, digest
from ..trace import traced
from .blobs import PIECE
from .files import publish, temporary
from .index import Index

FORMAT = 3
_READ = (2, FORMAT)  # 2 had no tables
GRAIN = 3_600
"""Seconds by which the remembered time of a record's last use may lie behind the true one: what is not
remembered here, and what a saved answer uses without asking."""
_AT_ONCE = 100  # folders of a table that are made into text together
_KEY = re.compile(r"[a-z0-9_]+:[0-9a-f]+")
_INSERT = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)"
_LATEST = "INSERT OR REPLACE INTO latest VALUES (?, ?, ?)"


@frozen
class Record:
    """What a key stands for. name: what was built (an address and its configuration), for `explain`."""

    key: str
    name: str
    recipe: Any
    result: Any


class Records:
    """The records of one store: one JSON file each (the truth) and a row in the index (for speed)."""

    def __init__(self, folder: Path, temp: Path, index: Index) -> None:
        self.folder, self._temp, self._index = folder, temp, index
        self._used: set[str] = set()
        self._makers: dict[tuple[str, str], str] | None = None
        self._recalled: dict[str, Sequence[Any]] = {}  # key -> row of the index
        self._recalled_latest: dict[str, str] = {}

    @traced("recall records")
    def recall(self, names: Sequence[str]) -> None:
        """Read at once the keys and results of the latest builds of many names, each for one use."""
        self._recalled, self._recalled_latest = {}, {}
        query = (
            "SELECT latest.name, key, result, used, checksum FROM latest LEFT JOIN record USING (key) "
            "WHERE latest.name IN"
        )
        for name, key, *row in self._index.rows_among(query, names):
            self._recalled_latest[name] = key
            if row[0] is not None:
                self._recalled[key] = row

    def result(self, key: str) -> Any | None:
        """The result recorded for a key, or None when there is none, or a damaged one."""
        row = self._recalled.pop(key, None)
        if row is None:
            rows = self._index.rows("SELECT result, used, checksum FROM record WHERE key = ?", (key,))
            row = rows[0] if rows else None
        if row is None or row[2] != _checksum(key, row[0]):
            return None
        text, used, _ = row
        if time.time() - used > GRAIN - BELIEVED:
            self._used.add(key)
        return json.loads(text)

    def save_used(self) -> None:
        """Keep when records were last used."""
        now = int(time.time())
        self._index.write(
            "UPDATE record SET used = ? WHERE key = ?", [(now, key) for key in sorted(self._used)]
        )
        self._used.clear()

    def load(self, key: str) -> Record | None:
        """The whole record, or None when it is missing or damaged."""
        return _load(self.folder, key)

    @traced("keep the record")
    def save(self, record: Record) -> None:
        """Keep a record, durable before the index names it. The blobs of its result come first."""
        with temporary(self._temp) as (file, temp):
            file.write(_head("sha256:" + "0" * 64))
            start = file.tell()
            for piece in _pieces(record):  # megabytes, where a target has many files
                file.write(piece.encode())
            text = Text(file.tell() - start, lambda: _read_again(file, start))
            checksum = _checksum(record.key, text)
            file.write(b"}")
            file.seek(0)
            file.write(_head(checksum))
            publish(file, temp, _path(self.folder, record.key))
        self._index.write(_INSERT, [_row(record, time.time())])
        self.mark_latest(record.name, record.key)

    def latest(self, name: str) -> str | None:
        """The key with which `name` was last built."""
        if found := self._recalled_latest.pop(name, None):
            return found
        rows = self._index.rows("SELECT key FROM latest WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def before(self, name: str) -> str | None:
        """The key with which `name` was built before its latest, different, build."""
        rows = self._index.rows("SELECT before FROM latest WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def maker(self, name: str, result: Any) -> str | None:
        """The key of a build of `name` that gave a result, of those that were there when first asked."""
        if self._makers is None:
            rows = self._index.rows("SELECT name, result, key FROM record ORDER BY used")
            self._makers = {(name, text): key for name, text, key in rows}
        return self._makers.get((name, _text(result)))

    def mark_latest(self, name: str, key: str) -> None:
        """Remember `key` as the newest build of `name`."""
        latest = self.latest(name)
        if latest != key:
            self._index.write(_LATEST, [(name, key, latest)])

    def forget(self, key: str) -> None:
        """Drop a record."""
        _path(self.folder, key).unlink(missing_ok=True)
        self._recalled.pop(key, None)
        self._index.write("DELETE FROM record WHERE key = ?", [(key,)])

    def adopt(self) -> None:
        """Bring records into the index that some process wrote while it was out of use."""
        known = {key for key, _, _ in self.all()}
        rows = [
            _row(record, time.time())
            for key in keys_in(self.folder)
            if key not in known and (record := self.load(key))
        ]
        self._index.write(_INSERT, rows)

    def all(self) -> list[tuple[str, int, Any]]:
        """Every record: (key, time of last use in seconds, result; None when it is damaged)."""
        rows = self._index.rows("SELECT key, used, result, checksum FROM record ORDER BY key")
        return [
            (key, used, json.loads(result) if checksum == _checksum(key, result) else None)
            for key, used, result, checksum in rows
        ]


def keys_in(folder: Path) -> list[str]:
    """The key of every record that lies in a folder of records, sound or not."""
    keys = (path.stem.replace("-", ":", 1) for path in folder.glob("*.json"))
    return sorted(filter(_KEY.fullmatch, keys))


def refill(folder: Path) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """What an index made anew knows of the records that lie there; they count as used just now."""
    now = time.time()
    latest: dict[str, tuple[float, str]] = {}
    for key in keys_in(folder):
        if record := _load(folder, key):
            yield _INSERT, [_row(record, now)]
            written = _path(folder, key).stat().st_mtime
            latest[record.name] = max(latest.get(record.name, (0.0, "")), (written, key))
    yield _LATEST, [(name, key, None) for name, (_, key) in latest.items()]


def _path(folder: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"malformed key {key!r}")
    return folder / (key.replace(":", "-") + ".json")


def _load(folder: Path, key: str) -> Record | None:
    try:
        document = json.loads(_path(folder, key).read_bytes())
        sound = document["checksum"] == _checksum(key, _text(document["record"]))
        if not sound or document["format"] not in _READ:
            return None
        record = _record(**document["record"])
        return record if record.key == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _head(checksum: str) -> bytes:
    return f'{{"format":{FORMAT},"checksum":"{checksum}","record":'.encode()


def _read_again(file: BinaryIO, start: int) -> Iterator[str]:
    """What was written from a place on; the file ends there again."""
    file.seek(start)
    while piece := file.read(PIECE):
        yield piece.decode("ascii")


def _pieces(record: Record) -> Iterator[str]:
    """A record as JSON has it: the tables of its recipe stand beside it, by where they belong."""
    tables: list[tuple[list[str], FileTable]] = []

    def bare(value: Any, path: list[str]) -> Any:
        if isinstance(value, FileTable):
            tables.append((path, value))
            return None
        if isinstance(value, dict):
            return {name: bare(item, [*path, name]) for name, item in value.items()}
        return value

    yield _text({**vars(record), "recipe": bare(record.recipe, []), "tables": []})[: -len("]}")]
    for number, (path, table) in enumerate(tables):
        yield f"{',' if number else ''}[{_text(path)},["
        columns, comma = table.columns(), ""
        while some := list(itertools.islice(columns, _AT_ONCE)):
            yield comma + _text(some)[1:-1]
            comma = ","
        yield "]]"
    yield "]}"


def _record(tables: Sequence[tuple[list[str], Any]] = (), **document: Any) -> Record:
    """The record that has such a document. Raises TypeError, ValueError and KeyError where none has it."""
    for (*above, name), columns in tables:
        at = document["recipe"]
        for part in above:
            at = at[part]
        at[name] = FileTable.of(columns)
    return Record(**document)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _checksum(key: str, text: str | Text) -> str:
    """Ties a result to its key, so that neither bit rot nor a mix-up goes unseen."""
    return digest([key, text], "sha256")


def _row(record: Record, used: float) -> tuple[Any, ...]:
    text = _text(record.result)
    return record.key, record.name, text, int(used), _checksum(record.key, text)
