"""The control API under /_sandbox/: look into the books and the log, put faults in force. Only from this machine."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from insurance.sandbox.faults import UnknownFault, read_fault
from insurance.sandbox.platform import Platform
from insurance.sandbox.reply import Reply, json_reply
from insurance.sandbox.rooms import departments, institutions, mappings, staff
from insurance.sandbox.seeds.items import KINDS
from insurance.sandbox.shelf import CHANGES

LOCAL = ("127.", "::1", "::ffff:127.")
KEYS_OF = {
    "departments": departments.key_of,
    "institutions": institutions.key_of,
    "staff": staff.key_of,
    "mappings": mappings.key_of,
}
Row = dict[str, Any]


class BadControl(ValueError):
    """A control request that cannot be done; its words tell why."""


def control(platform: Platform, method: str, target: str, body: bytes, peer: str) -> Reply:
    """Answer one control request."""
    if not peer.startswith(LOCAL):
        return json_reply({"error": "控制接口只能从本机使用"}, 403)
    address = urlsplit(target)
    parts = [unquote(part) for part in address.path.split("/")[2:] if part]
    query = {name: values[-1] for name, values in parse_qs(address.query).items()}
    try:
        given = json.loads(body) if body.strip() else {}
        return json_reply(_route(platform, method, parts, query, given))
    except (BadControl, UnknownFault) as wrong:
        return json_reply({"error": str(wrong)}, 400)
    except ValueError:
        return json_reply({"error": "请求内容不是有效的JSON"}, 400)


def _route(platform: Platform, method: str, parts: list[str], query: Row, given: Any) -> Any:
    name = parts[0] if parts else ""
    if method == "GET" and name in ("", "books", "log", "faults"):
        return {"": _home, "books": _books, "log": _log, "faults": _faults}[name](platform, parts[1:], query)
    if method == "POST" and name in ("faults", "put", "remove", "reset", "review", "publish"):
        acts = {"faults": _add_faults, "put": _put, "remove": _remove, "reset": _reset}
        acts |= {"review": _review, "publish": _publish}
        return acts[name](platform, given)
    if method == "DELETE" and name == "faults":
        gone = platform.faults.clear(int(parts[1]) if parts[1:] else None)
        platform.obey_standing()
        return {"cleared": len(gone)}
    raise BadControl(f"没有这个控制请求：{method} /_sandbox/{'/'.join(parts)}")


def _home(platform: Platform, parts: list[str], query: Row) -> Any:
    options = platform.options
    return {
        "sandbox": True,
        "seed": options.seed,
        "edition": options.edition,
        "now": platform.clock.text(),
        "books": platform.books.counts(),
        "requests": platform.ledger.last,
        "faults": len(platform.faults.all),
    }


def _books(platform: Platform, parts: list[str], query: Row) -> Any:
    if not parts:
        return platform.books.counts()
    marks = {name: query[name] for name in ("psn_no", "mdtrt_id", "setl_id") if name in query}
    found = platform.books.items(parts[0], prefix=query.get("prefix", ""), **marks)
    return [{**row, "_key": key} for key, row in found]


def _log(platform: Platform, parts: list[str], query: Row) -> Any:
    found = platform.ledger.requests(query.get("infno", ""), int(query.get("since", 0)), query.get("msgid", ""))
    return [request.shown() for request in found]


def _faults(platform: Platform, parts: list[str], query: Row) -> Any:
    return [fault.shown() for fault in platform.faults.all]


def _add_faults(platform: Platform, given: Any) -> Any:
    wanted = [read_fault(one) for one in (given if isinstance(given, list) else [given])]
    added = [platform.faults.add(fault).shown() for fault in wanted]
    platform.obey_standing()
    return added


def _put(platform: Platform, given: Any) -> Any:
    """Put a row into a book as if done on the bureau's own website."""
    book, row = given.get("book"), dict(given.get("row") or {})
    if not book or not row:
        raise BadControl("请给出 book 与 row")
    row.setdefault("fixmedins_code", platform.options.institution_code)
    if book == mappings.BOOK:
        row = mappings.complete(row, platform.clock, platform.books.counts().get(book, 0) + 1)
    key = str(given.get("key") or (KEYS_OF[book](row) if book in KEYS_OF else ""))
    if not key:
        raise BadControl(f"账簿[{book}]需要给出 key")
    with platform.books.transaction():
        platform.books.put(book, key, row)
        _journal(platform, "put")
    return {"key": key, "row": row}


def _remove(platform: Platform, given: Any) -> Any:
    """Take a row out of a book as if done on the bureau's own website."""
    with platform.books.transaction():
        platform.books.remove(str(given.get("book")), str(given.get("key")))
        _journal(platform, "remove")
    return {"removed": True}


def _journal(platform: Platform, word: str) -> None:
    number = platform.books.number("control")
    platform.ledger.note(f"_{word}{number}", "", "", platform.clock.text(), platform.books.changes)


def _reset(platform: Platform, given: Any) -> Any:
    platform.reset()
    return {"reset": True}


def _review(platform: Platform, given: Any) -> Any:
    """Decide on mappings by hand: {"keys": [...] or "all", "chk_stas": "1", "words": "…"}."""
    chk_stas, words = str(given.get("chk_stas", "1")), str(given.get("words", ""))
    with platform.books.transaction():
        count = mappings.review(platform.books, given.get("keys", "all"), chk_stas, words, platform.clock.text())
        _journal(platform, "review")
    return {"reviewed": count}


def _publish(platform: Platform, given: Any) -> Any:
    """Publish a new version of a catalogue: {"infno": "1301", "rows": 20}, or told in detail (shelf.publish)."""
    infno, rows = str(given.get("infno")), int(given.get("rows", 5))
    wanted = {name: value for name, value in given.items() if name not in ("infno", "rows")}
    unknown = sorted(set(wanted) - {*CHANGES, "successors", "effective"})
    if infno not in KINDS or rows < 0 or (rows < 1 and not wanted):
        raise BadControl(f"没有目录[{infno}]，或行数不是正数")
    if unknown:
        raise BadControl(f"不认识的参数：{'、'.join(unknown)}")
    try:
        with platform.books.transaction():
            edition = platform.catalogues.publish(infno, rows, **wanted)
            _journal(platform, "publish")
    except ValueError as wrong:
        platform.catalogues.forget()
        raise BadControl(str(wrong)) from None
    return edition
