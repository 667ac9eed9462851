"""Chinese names of nodes, and the everyday words under which people look for a transaction (data/*.csv)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from insurance.exchange.masking import DATA
from insurance.specification.books import Book

KINDS = {
    "query": "查询",
    "download": "下载",
    "submit": "上传",
    "revoke": "撤销",
    "reversal": "冲正",
    "session": "签到签退",
    "file": "文件",
    "notification": "通知",
}


@dataclass(frozen=True)
class Choice:
    """One transaction as the list of all shows it; `words` is everything it can be found by, in lower case."""

    infno: str
    name: str
    kind: str
    group: str
    words: str
    recent: bool = False


@dataclass(frozen=True)
class Chapter:
    """The transactions of one chapter."""

    label: str
    choices: Sequence[Choice]


@lru_cache(maxsize=4)
def _table(name: str) -> Mapping[str, str]:
    with open(DATA / f"{name}.csv", encoding="utf-8", newline="") as file:
        return dict(list(csv.reader(file))[1:])


def node_label(name: str) -> str:
    """Return a node's Chinese name, "" where none is known."""
    return _table("nodes").get(name, "")


def everyday(infno: str) -> str:
    """Return the everyday words for a transaction; an A form is known by the words of its plain one."""
    words = _table("words")
    return words.get(infno) or words.get(infno.rstrip("AB"), "")


def choices(book: Book, recent: Sequence[str] = (), asked: str = "") -> list[Chapter]:
    """Return what can be sent, recent ones first, then by chapter; `asked` narrows by number, name, everyday words."""
    found = [_choice(book, infno) for infno in book.index if book.index[infno].cells["direction"] != "inbound"]
    wanted = asked.lower().split()
    found = [choice for choice in found if all(word in choice.words for word in wanted)]
    by_infno = {choice.infno: choice for choice in found}
    chapters = [Chapter("最近用过", [by_infno[infno] for infno in recent if infno in by_infno])]
    for label in dict.fromkeys(book.index[choice.infno].cells["chapter"] for choice in found):
        chapters.append(Chapter(label, [one for one in found if book.index[one.infno].cells["chapter"] == label]))
    return [chapter for chapter in chapters if chapter.choices]


def _choice(book: Book, infno: str) -> Choice:
    cells = book.index[infno].cells
    name, group = cells["name"], cells["group"]
    words = " ".join((infno, name, group, cells["chapter"], everyday(infno), KINDS.get(cells["effect"], ""))).lower()
    return Choice(infno, name, KINDS.get(cells["effect"], cells["effect"]), group, words)
