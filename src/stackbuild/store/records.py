"""Records: key -> result, with the recipe that explains the key."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import publish, temporary
from .index import Index

FORMAT = 1
_DAY = 86_400


@dataclass(frozen=True)
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

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[a-z0-9_]+:[0-9a-f]+", key):
            raise ValueError(f"malformed key {key!r}")
        return self.folder / (key.replace(":", "-") + ".json")

    def result(self, key: str) -> Any | None:
        """The result recorded for a key, or None."""
        rows = self._index.rows("SELECT result, used FROM record WHERE key = ?", (key,))
        if not rows:
            return None
        text, used = rows[0]
        now = int(time.time())
        if now - used > _DAY:
            self._index.write("UPDATE record SET used = ? WHERE key = ?", [(now, key)])
        return json.loads(text)

    def load(self, key: str) -> Record | None:
        """The whole record, or None when it is missing or damaged."""
        try:
            document = json.loads(self._path(key).read_bytes())
            if document["format"] != FORMAT or document["key"] != key:
                return None
            return Record(key, document["name"], document["recipe"], document["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, record: Record) -> None:
        """Keep a record, durable before the index names it. The blobs of its result come first."""
        document = {
            "format": FORMAT,
            "key": record.key,
            "name": record.name,
            "result": record.result,
            "recipe": record.recipe,
        }
        with temporary(self._temp) as (file, temp):
            file.write(json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode())
            publish(file, temp, self._path(record.key))
        self._insert(record, int(time.time()))
        self.mark_latest(record.name, record.key)

    def _insert(self, record: Record, used: int) -> None:
        self._index.write(
            "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)",
            [(record.key, record.name, json.dumps(record.result), used)],
        )

    def latest(self, name: str) -> str | None:
        """The key with which `name` was last built."""
        rows = self._index.rows("SELECT key FROM latest WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def before(self, name: str) -> str | None:
        """The key with which `name` was built before its latest, different, build."""
        rows = self._index.rows("SELECT before FROM latest WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def mark_latest(self, name: str, key: str) -> None:
        """Remember `key` as the newest build of `name`."""
        latest = self.latest(name)
        if latest != key:
            self._index.write("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", [(name, key, latest)])

    def forget(self, key: str) -> None:
        """Drop a record."""
        self._path(key).unlink(missing_ok=True)
        self._index.write("DELETE FROM record WHERE key = ?", [(key,)])

    def reindex(self) -> None:
        """Fill an empty index from the record files."""
        files = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in files:
            record = self.load(path.stem.replace("-", ":", 1))
            if record:
                self._insert(record, int(path.stat().st_mtime))
                self.mark_latest(record.name, record.key)

    def all(self) -> list[tuple[str, int, Any]]:
        """Every record: (key, time of last use in seconds, result)."""
        return [
            (key, used, json.loads(result))
            for key, used, result in self._index.rows("SELECT key, used, result FROM record ORDER BY key")
        ]
