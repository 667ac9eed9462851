"""帮助: what people say and what it is called here, where it is, and the keys."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.desk.context import address
from portal.people.guard import ActorRequest, needs

DATA = Path(__file__).resolve().parent / "data" / "words.csv"
KEYS = (
    ("/", "到查询框"),
    ("↑ ↓", "上一行、下一行"),
    ("空格", "勾选当前行"),
    ("回车", "打开当前行；在查询框里是「查询」"),
    ("Esc", "关闭右侧的详情"),
    ("A / R", "审核页：通过 / 退回"),
)


@dataclass(frozen=True)
class Word:
    """An everyday word, what it means here, and the page it leads to ("" where that room is not installed)."""

    said: str
    means: str
    url_name: str

    @property
    def url(self) -> str:
        """Where it leads."""
        return address(self.url_name) if self.url_name else ""


@lru_cache(maxsize=1)
def everyday_words() -> Sequence[Word]:
    """Return the rows of data/words.csv."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return tuple(Word(row["said"], row["means"], row["url_name"]) for row in csv.DictReader(file))


@require_GET
@needs("desk.view")
def page(request: ActorRequest) -> HttpResponseBase:
    """Everyday words, the states and their colours, keys."""
    return render(request, "desk/help.html", {"words": everyday_words(), "keys": KEYS})
