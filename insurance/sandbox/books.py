"""The sandbox's books: one SQLite file, one commit for each message, every change with what stood there before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Body = dict[str, Any]
Change = tuple[str, str, Body | None]

# The words by which queries of the platform look for things; kept beside the body so that they can be indexed.
MARKS = ("psn_no", "mdtrt_id", "setl_id")

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY, book TEXT NOT NULL, key TEXT NOT NULL,
    psn_no TEXT, mdtrt_id TEXT, setl_id TEXT, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON entry (book, key);
CREATE INDEX IF NOT EXISTS entry_psn_no ON entry (book, psn_no) WHERE psn_no IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_mdtrt_id ON entry (book, mdtrt_id) WHERE mdtrt_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_setl_id ON entry (book, setl_id) WHERE setl_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, msgid TEXT NOT NULL UNIQUE, infno TEXT NOT NULL, fixmedins_code TEXT NOT NULL,
    at TEXT NOT NULL, changes TEXT NOT NULL, reversed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS request (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, infno TEXT NOT NULL, msgid TEXT NOT NULL, opter TEXT NOT NULL,
    committed INTEGER NOT NULL, infcode TEXT NOT NULL, words TEXT NOT NULL, fault TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS file (
    number TEXT PRIMARY KEY, filename TEXT NOT NULL, owner TEXT NOT NULL, expires REAL NOT NULL,
    recipe TEXT NOT NULL, content BLOB);
"""


class Books:
    """Rows kept under (book, key), with a journal that allows reversal and looking back."""

    def __init__(self, path: str, synchronous: str = "NORMAL") -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute(f"PRAGMA synchronous={synchronous}")
        self.db.executescript(SCHEMA)
        self.changes: list[Change] = []

    def close(self) -> None:
        """Close the file; everything committed stays."""
        self.db.close()

    @contextmanager
    def transaction(self, keep: bool = True) -> Iterator[None]:
        """All or nothing; with keep False nothing at all, for looking at another state."""
        self.changes = []
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT" if keep else "ROLLBACK")

    def get(self, book: str, key: str) -> Body | None:
        """The row under this key, or None."""
        found = self.db.execute("SELECT body FROM entry WHERE book=? AND key=?", (book, key)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, book: str, key: str, body: Mapping[str, Any]) -> None:
        """Write the row under this key, in place of what stood there; must be inside a transaction."""
        self.changes.append((book, key, self.get(book, key)))
        self._store(book, key, body)

    def remove(self, book: str, key: str) -> None:
        """Take the row away; must be inside a transaction."""
        self.changes.append((book, key, self.get(book, key)))
        self.db.execute("DELETE FROM entry WHERE book=? AND key=?", (book, key))

    def lay(self, book: str, key: str, body: Mapping[str, Any]) -> None:
        """Write an opening row, without a journal."""
        self._store(book, key, body)

    def _store(self, book: str, key: str, body: Mapping[str, Any]) -> None:
        marks = [str(body[name]) if body.get(name) else None for name in MARKS]
        self.db.execute(
            "INSERT INTO entry (book, key, psn_no, mdtrt_id, setl_id, body) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (book, key) DO UPDATE SET psn_no=excluded.psn_no, mdtrt_id=excluded.mdtrt_id, "
            "setl_id=excluded.setl_id, body=excluded.body",
            (book, key, *marks, json.dumps(body, ensure_ascii=False)),
        )

    def rows(self, book: str, prefix: str = "", **marks: object) -> list[Body]:
        """Rows of a book in the order they came, narrowed by key prefix and by marks (psn_no, mdtrt_id, setl_id)."""
        return [body for _, body in self.items(book, prefix, **marks)]

    def items(self, book: str, prefix: str = "", **marks: object) -> list[tuple[str, Body]]:
        """As `rows`, with the keys."""
        where, values = ["book=?"], [book]
        for name, value in marks.items():
            if name not in MARKS:
                raise ValueError(f"not a mark: {name}")
            if value not in (None, ""):
                where.append(f"{name}=?")
                values.append(str(value))
        if prefix:
            where.append("key >= ? AND key < ?")
            values += [prefix, prefix + "\U0010ffff"]
        found = self.db.execute(f"SELECT key, body FROM entry WHERE {' AND '.join(where)} ORDER BY seq", values)
        return [(key, json.loads(body)) for key, body in found.fetchall()]

    def counts(self) -> dict[str, int]:
        """How many rows each book holds."""
        return dict(self.db.execute("SELECT book, count(*) FROM entry GROUP BY book ORDER BY book").fetchall())

    def number(self, name: str) -> int:
        """The next number of a counter, from 1; rolled back with its transaction."""
        found = self.db.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value=value+1 RETURNING value", (name,)
        ).fetchone()
        return int(found[0])

    def restore(self, changes: list[Change]) -> None:
        """Put back what stood there before these changes, newest first."""
        for book, key, before in reversed(changes):
            if before is None:
                self.remove(book, key)
            else:
                self.put(book, key, before)

    def clear(self) -> None:
        """Empty every book, ledger and file."""
        with self.transaction():
            for table in ("entry", "message", "request", "counter", "file"):
                self.db.execute(f"DELETE FROM {table}")
