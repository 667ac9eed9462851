"""打印: what the query finds, on paper, up to a limit; without script, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render

if TYPE_CHECKING:
    from portal.lists.views import ListPage

MOST_PRINTED = 1000
MOST_UPRIGHT = 7
WAYS = {"portrait": "纵向", "landscape": "横向"}


def printed(page: ListPage, way: str) -> HttpResponse:
    """Answer with the whole finding as a page for paper; `way` is portrait, landscape or anything (by the columns)."""
    records = page.first(MOST_PRINTED)
    names = page.look.names
    shown = way if way in WAYS else ("portrait" if len(names) <= MOST_UPRIGHT else "landscape")
    total = page.counts[page.tab.key]
    context: dict[str, Any] = {
        "page": page,
        "table": page.table_over(records, names),
        "way": shown,
        "ways": [(key, words, page.here(print=key)) for key, words in WAYS.items()],
        "back": page.here(print=None),
        "words": "；".join([*page.paper_words, f"共 {page.number_words(total)} 条"]),
        "cut": total > len(records),
        "most": MOST_PRINTED,
        "total_words": page.number_words(total),
    }
    return render(page.request, "lists/print.html", context)
