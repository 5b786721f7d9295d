"""The embedded index: SQLite tables that make the store quick, and that can always be made again.

Nothing here is the truth: blobs speak for themselves by their digest, records lie beside the index as
files, and a forgotten fingerprint costs a hash. So damage is answered by starting the index anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import StoreError

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE record (key TEXT PRIMARY KEY, name TEXT NOT NULL, result TEXT NOT NULL, used INTEGER NOT NULL);
CREATE TABLE latest (name TEXT PRIMARY KEY, key TEXT NOT NULL, before TEXT);
CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, inode INTEGER NOT NULL,
                   mtime INTEGER NOT NULL);
CREATE TABLE chunk (key TEXT PRIMARY KEY, blob TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,
                    raw_size INTEGER NOT NULL, raw_hash TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX chunk_blob ON chunk (blob);
CREATE TABLE fingerprint (path BLOB PRIMARY KEY, stat TEXT NOT NULL, seen INTEGER NOT NULL,
                          hash TEXT NOT NULL) WITHOUT ROWID;
"""


class Index:
    """One connection to the index, shared by threads under a lock.

    fresh is True when the tables were just made, so the caller should fill them from what lies beside.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self.fresh = False
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
            self._discard()
            self._open()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
        self.path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA_VERSION:
            self._db.execute("SELECT count(*) FROM latest").fetchone()
            return
        self._db.execute("BEGIN IMMEDIATE")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            for (table,) in self._db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
                self._db.execute(f'DROP TABLE "{table}"')
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            self.fresh = True
        self._db.execute("COMMIT")

    def _discard(self) -> None:
        """Forget a damaged index; other processes keep their open file and lose nothing but speed."""
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; damage found while reading empties the index and gives none."""
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._recover(error)
                return []

    def write(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row, in one transaction."""
        rows = list(rows)
        if not rows:
            return
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(statement, rows)
                self._db.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                self._recover(error)

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise StoreError(f"the store's index {self.path}: {error}", hint="free some space, or try again")
        self._discard()
        self._open()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()
