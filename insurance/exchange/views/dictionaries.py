"""系统 · 字典: what the codes of the edition in force mean."""

from __future__ import annotations

from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from insurance.exchange.pages import dictionaries
from insurance.exchange.pages.links import link_in
from portal.people.guard import ActorRequest, needs

VIEW = "desk.view"


@require_GET
@needs(VIEW)
def index(request: ActorRequest) -> HttpResponseBase:
    """All dictionaries; what is asked for is looked up in their names, their users and their codes."""
    _, book = link_in(request)
    words = request.GET.get("words", "").replace("\0", "").strip()[:50]
    context = {
        "words": words,
        "edition": book.label,
        "dictionaries": dictionaries.fitting(book, words),
        "hits": dictionaries.hits(book, words),
        "most_hits": dictionaries.MOST_HITS,
    }
    return render(request, "exchange/dictionaries.html", context)


@require_GET
@needs(VIEW)
def detail(request: ActorRequest, code: str) -> HttpResponseBase:
    """One dictionary: its codes and who uses it. Unknown → 404."""
    _, book = link_in(request)
    found = dictionaries.one_of(book, code)
    if found is None:
        raise Http404
    codes = list(book.dictionary(code).items()) if found.size else []
    context = {"dictionary": found, "codes": codes, "edition": book.label}
    return render(request, "exchange/dictionary.html", context)
