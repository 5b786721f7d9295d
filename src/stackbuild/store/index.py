"""The embedded index: SQLite tables that make the store quick, and that can always be made again.

Nothing here is the truth: blobs speak for themselves by their digest, records lie beside the index as
files, and a forgotten fingerprint costs a hash. So damage is answered by starting the index anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..trace import traced

SCHEMA_VERSION = 5

_SCHEMA = """
CREATE TABLE record (key TEXT PRIMARY KEY, name TEXT NOT NULL, result TEXT NOT NULL, used INTEGER NOT NULL,
                     checksum TEXT NOT NULL);
CREATE TABLE latest (name TEXT PRIMARY KEY, key TEXT NOT NULL, before TEXT);
CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, inode INTEGER NOT NULL,
                   mtime INTEGER NOT NULL);
CREATE TABLE chunk (key TEXT PRIMARY KEY, blob TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,
                    raw_size INTEGER NOT NULL, raw_hash TEXT NOT NULL, packed_hash TEXT NOT NULL)
                    WITHOUT ROWID;
CREATE INDEX chunk_blob ON chunk (blob);
CREATE TABLE prefix (key TEXT PRIMARY KEY, blob TEXT NOT NULL, size INTEGER NOT NULL, raw_state BLOB NOT NULL,
                     blob_state BLOB NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX prefix_blob ON prefix (blob);
CREATE TABLE fingerprint (folder BLOB NOT NULL, algorithm TEXT NOT NULL, names BLOB NOT NULL,
                          rows BLOB NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (folder, algorithm));
CREATE TABLE look (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, key TEXT NOT NULL, records BLOB NOT NULL,
                   checksum TEXT NOT NULL);
"""


_AT_ONCE = 500  # values in one query; SQLite once allowed no more than 999
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
Rows = Iterable[Sequence[Any]]


class Index:
    """Two connections to the index, shared by threads under a lock each: who writes much, and waits for the
    disk, keeps nobody from reading.

    refill: gives (statement, rows) for new tables, from what lies beside; they are made and filled in one
    transaction. Raises StoreError when the file cannot be used.
    """

    def __init__(self, path: Path, refill: Callable[[], Iterable[tuple[str, Rows]]] = tuple) -> None:
        self.path, self._refill = path, refill
        self._writing, self._reading = threading.RLock(), threading.RLock()  # in this order, if both
        try:
            self._open()
        except sqlite3.Error as error:
            self._recover(error)

    def _open(self) -> None:
        self._db = self._connected()
        self._reader = self._connected()
        self.path.chmod(0o600)
        self._use_wal()
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
            for statement, rows in self._refill():
                self._db.executemany(statement, rows)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._db.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)

    def _use_wal(self) -> None:
        """Two that do this first at once do not wait for each other by themselves."""
        for last in (*[False] * 200, True):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(0.05)

    def _discard(self) -> None:
        """Forget a damaged index; other processes keep their open file and lose nothing but speed."""
        self._close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; damage found while reading empties the index and gives none."""
        with self._reading:
            reader = self._reader
            try:
                return reader.execute(query, values).fetchall()
            except sqlite3.Error as error:
                failed = error
        with self._writing, self._reading:
            if reader is self._reader:  # else another thread met the same damage, and all is new by now
                self._recover(failed)
        return []

    def rows_among(
        self, query: str, among: Sequence[Any], values: Sequence[Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a query that ends with IN, of however many values; values: of what is before it."""
        for start in range(0, len(among), _AT_ONCE):
            some = among[start : start + _AT_ONCE]
            yield from self.rows(f"{query} ({', '.join('?' * len(some))})", (*values, *some))

    @traced("write the index")
    def write(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row, in one transaction."""
        rows = list(rows)
        if not rows:
            return
        with self._writing:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(statement, rows)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._recover(error)
            except BaseException:  # an interruption, say: what comes after it must find no transaction open
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def _recover(self, error: sqlite3.Error) -> None:
        """Start anew after damage, and only then: a full disk or a lock is no reason to forget anything."""
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._db.execute("ROLLBACK")
        failed = StoreError(f"the store's index {self.path}: {error}", hint="free some space, or try again")
        undecodable = str(error).startswith("Could not decode")  # which has no code
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE and not undecodable:
            raise failed from error
        try:
            with self._writing, self._reading:
                self._discard()
                self._open()
        except (OSError, sqlite3.Error):
            raise failed from error

    def close(self) -> None:
        """Close the connections."""
        with self._writing, self._reading:
            self._close()

    def _close(self) -> None:
        self._reader.close()
        self._db.close()
