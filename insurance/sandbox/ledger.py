"""What the sandbox was sent: messages that took effect (with their journal), and every request that came in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from insurance.sandbox.books import Books, Change

# A message longer than this is logged without its content (files).
LOGGED_CHARACTERS = 60000


@dataclass
class Request:
    """One request as the log tells it; `committed` is None while it is still in work."""

    seq: int
    at: float
    infno: str
    msgid: str = ""
    opter: str = ""
    committed: bool | None = None
    infcode: str = ""
    words: str = ""
    fault: str = ""
    message: str = ""

    def shown(self) -> dict[str, Any]:
        """As the control API shows it, with the message's input read again."""
        return {
            "seq": self.seq,
            "at": self.at,
            "infno": self.infno,
            "msgid": self.msgid,
            "opter": self.opter,
            "committed": self.committed,
            "infcode": self.infcode,
            "err_msg": self.words,
            "fault": self.fault,
            "input": _input(self.message),
        }


def _request(row: tuple[Any, ...]) -> Request:
    seq, at, infno, msgid, opter, committed, infcode, words, fault, message = row
    return Request(seq, at, infno, msgid, opter, bool(committed), infcode, words, fault, message)


def _input(message: str) -> Any:
    try:
        return json.loads(message).get("input") if message else None
    except (ValueError, AttributeError):
        return None


class Ledger:
    """The log of requests and the list of messages that took effect."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.open: dict[int, Request] = {}
        self.last = int(books.db.execute("SELECT coalesce(max(seq), 0) FROM request").fetchone()[0])

    def receive(self, infno: str, at: float) -> Request:
        """Note that a request came in, before anything is done with it."""
        self.last += 1
        self.open[self.last] = Request(self.last, at, infno)
        return self.open[self.last]

    def finish(self, request: Request) -> None:
        """Write the request to the log; inside a transaction it is committed together with the work."""
        self.open.pop(request.seq, None)
        message = request.message if len(request.message) <= LOGGED_CHARACTERS else ""
        self.books.db.execute(
            "INSERT OR REPLACE INTO request VALUES (?,?,?,?,?,?,?,?,?,?)",
            (request.seq, request.at, request.infno, request.msgid, request.opter, int(bool(request.committed)),
             request.infcode, request.words, request.fault, message),
        )  # fmt: skip

    def requests(self, infno: str = "", since: int = 0, msgid: str = "") -> list[Request]:
        """The log from the first request on, those still in work last."""
        found = self.books.db.execute(
            "SELECT * FROM request WHERE seq > ? AND (? = '' OR infno = ?) AND (? = '' OR msgid = ?) ORDER BY seq",
            (since, infno, infno, msgid, msgid),
        ).fetchall()
        done = [_request(row) for row in found]
        waiting = [r for r in self.open.values() if r.seq > since and infno in ("", r.infno) and msgid in ("", r.msgid)]
        return done + waiting

    def known(self, msgid: str) -> bool:
        """Whether a message of this number took effect or was refused before."""
        return self.books.db.execute("SELECT 1 FROM message WHERE msgid=?", (msgid,)).fetchone() is not None

    def note(self, msgid: str, infno: str, fixmedins_code: str, at: str, changes: list[Change]) -> None:
        """Keep the message with its journal."""
        self.books.db.execute(
            "INSERT INTO message (msgid, infno, fixmedins_code, at, changes) VALUES (?,?,?,?,?)",
            (msgid, infno, fixmedins_code, at, json.dumps(changes, ensure_ascii=False) if changes else "[]"),
        )

    def message(self, msgid: str) -> dict[str, Any] | None:
        """A message with its journal: seq, infno, fixmedins_code, at, changes, reversed; or None."""
        names = ("seq", "infno", "fixmedins_code", "at", "changes", "reversed")
        row = self.books.db.execute(
            f"SELECT {', '.join(names)} FROM message WHERE msgid=?", (msgid,)
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        found["changes"] = [(book, key, before) for book, key, before in json.loads(found["changes"])]
        return found

    def touched_later(self, seq: int, changes: list[Change]) -> bool:
        """Whether a later message changed one of the same rows."""
        wanted = {(book, key) for book, key, _ in changes}
        later = self.books.db.execute("SELECT changes FROM message WHERE seq > ? AND changes <> '[]'", (seq,))
        return any((book, key) in wanted for (text,) in later for book, key, _ in json.loads(text))

    def mark_reversed(self, msgid: str) -> None:
        """A message can be reversed once."""
        self.books.db.execute("UPDATE message SET reversed=1 WHERE msgid=?", (msgid,))

    def latest_changes(self, count: int) -> list[Change]:
        """The changes of the last `count` messages that changed anything, oldest first."""
        found = self.books.db.execute(
            "SELECT changes FROM message WHERE changes <> '[]' ORDER BY seq DESC LIMIT ?", (count,)
        ).fetchall()
        return [(b, k, before) for (text,) in reversed(found) for b, k, before in json.loads(text)]
