"""The list page, once and for all. The module's package (`portal.lists`) shows how a room uses it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.forms import BoundField
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.decorators import classonlymethod
from django.views import View

from portal.lists.exporting import CHUNK, ListColumn, columns_of, exporter
from portal.lists.filters import ListFilter
from portal.lists.tables import ListTable, PageData
from portal.people.guard import ActorRequest, needs

SIZES = (20, 50, 100)
OWN_PARAMETERS = ("tab", "sort", "page", "per_page")


@dataclass(frozen=True)
class Tab:
    """One tab: its key in the address, its word, and the rows under it (an empty Q is all)."""

    key: str
    label: str
    rows: Q = field(default_factory=Q)
    empty: str = ""
    """Why it is empty, e.g. 没有待处理的科室。"""
    order: tuple[str, ...] = ()
    """Its own order, where the page's does not fit (what a person must see to first)."""


@dataclass(frozen=True)
class Link:
    """A button that opens a page. Without the right `action` it shows disabled and says so."""

    label: str
    url_name: str
    action: str = ""
    query: bool = False
    """Hand the list's query over (导出)."""
    drawer: bool = False


@dataclass(frozen=True)
class Batch:
    """A button that sends the chosen rows to a BatchPage. `tabs`: only under these, with `reason` said elsewhere."""

    label: str
    url_name: str
    action: str
    tabs: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Empty:
    """What an empty list says when nothing was asked for: why, and the next step as a button."""

    text: str
    step: Link | None = None


@dataclass(frozen=True)
class Button:
    """A Link or Batch as shown to this person."""

    label: str
    url: str
    reason: str = ""
    drawer: bool = False


@dataclass(frozen=True)
class ShownTab:
    """A Tab with its number of rows and its address."""

    label: str
    count: str
    url: str
    current: bool


class ActionView(View):
    """A view behind a right: `action` is `room.verb`; the request has an Actor."""

    action: ClassVar[str]
    request: ActorRequest

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the guarded view."""
        return needs(cls.action)(super().as_view(**initkwargs))


class ListPage(ActionView, ABC):
    """Tabs, query form, toolbar, table, selection bar and pager over `rows()`."""

    title: ClassVar[str]
    purpose: ClassVar[str] = ""
    table_class: ClassVar[type[ListTable]]
    filter_class: ClassVar[type[ListFilter]]
    tabs: ClassVar[Sequence[Tab]] = (Tab("all", "全部"),)
    main: ClassVar[Link | None] = None
    tools: ClassVar[Sequence[Link]] = ()
    batches: ClassVar[Sequence[Batch]] = ()
    empty: ClassVar[Empty] = Empty("这里还没有记录。")
    order: ClassVar[Sequence[str]] = ("-pk",)
    export_action: ClassVar[str] = ""
    """The right to export; "" is a list without 导出."""
    template_name: ClassVar[str] = "lists/page.html"
    pager_template: ClassVar[str] = "lists/pager.html"
    moves: ClassVar[Sequence[str]] = ("page",)
    """Parameters that say where in the list one is; another tab or query starts at the beginning."""

    @abstractmethod
    def rows(self) -> QuerySet[Any]:
        """Return every row this person may see here, with what the columns show (select_related)."""

    def decorate(self, records: list[Any]) -> None:
        """Fetch what the columns need besides, for the records of one page (e.g. attach_latest)."""

    def context(self) -> dict[str, Any]:
        """Return what a room's own template adds."""
        return {}

    def get(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list; a request from the list's own htmx gets the card alone."""
        clean = _without_blanks(request.GET)
        partial = bool(request.htmx) and request.htmx.target == "list-card"
        if not partial and clean.urlencode() != request.GET.urlencode():
            return HttpResponseRedirect(_address(request.path, clean))
        request.GET = clean  # type: ignore[assignment]  # what links are built from
        response = self._answer(partial)
        patch_vary_headers(response, ("HX-Request", "HX-Target"))
        if partial:
            response["HX-Push-Url"] = _address(request.path, clean)
        return response

    def post(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Carry out a button of the list itself."""
        request.GET = _without_blanks(request.GET)  # type: ignore[assignment]
        export = exporter()
        if "export" in request.POST and self.export_action and export is not None:
            request.actor.must(self.export_action)
            return export(request, self)
        return HttpResponseRedirect(_address(request.path, request.GET))

    def out_columns(self) -> list[ListColumn]:
        """Return the person's chosen columns in order, as a file has them."""
        table = self.table_class(PageData([]))
        table.actor = self.request.actor
        return columns_of(table, list(self.table_class.base_columns), self.rows().model)

    def out_count(self) -> int:
        """Return how many rows an export holds now."""
        return self.matching(self.query).count()

    def out_chunks(self, size: int = CHUNK) -> Iterator[list[Any]]:
        """Yield every row that the query finds, in the list's order, decorated; never more than `size` in memory."""
        chunk: list[Any] = []
        for record in self._sorted(self.matching(self.query)).iterator(chunk_size=size):
            chunk.append(record)
            if len(chunk) == size:
                self.decorate(chunk)
                yield chunk
                chunk = []
        if chunk:
            self.decorate(chunk)
            yield chunk

    def matching(self, query: QueryDict) -> QuerySet[Any]:
        """Return the rows that a list's address means; none when its query form has an error."""
        form = self.filter_class(query, queryset=self.rows(), request=self.request)
        if not form.is_valid():
            return self.rows().none()
        found: QuerySet[Any] = form.qs.filter(self._tab_of(query).rows)
        return found

    def visible(self) -> QuerySet[Any]:
        """Return every row a person may tick, under whatever query."""
        return self.rows()

    @cached_property
    def query(self) -> QueryDict:
        """The address's query."""
        return self.request.GET

    @cached_property
    def filter(self) -> ListFilter:
        """The query form over all rows. It gets the request: some choices depend on the institution at hand."""
        return self.filter_class(self.query, queryset=self.rows(), request=self.request)

    @cached_property
    def tab(self) -> Tab:
        """The tab shown."""
        return self._tab_of(self.query)

    def _tab_of(self, query: QueryDict) -> Tab:
        return next((tab for tab in self.tabs if tab.key == query.get("tab")), self.tabs[0])

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many rows stand under each tab, in one query."""
        if not self.filter.is_valid():
            return {tab.key: 0 for tab in self.tabs}
        sums = {f"tab_{n}": Count("pk", filter=tab.rows or Q(pk__isnull=False)) for n, tab in enumerate(self.tabs)}
        found = self.filter.qs.order_by().aggregate(**sums)
        return {tab.key: found[f"tab_{n}"] for n, tab in enumerate(self.tabs)}

    @cached_property
    def page(self) -> Page[Any]:
        """The page shown; a number out of range gives the nearest one."""
        rows = self.filter.qs.filter(self.tab.rows) if self.filter.is_valid() else self.rows().none()
        paginator = Paginator(self._sorted(rows), self.size)
        paginator.count = self.counts[self.tab.key]
        return paginator.get_page(self.query.get("page"))

    @cached_property
    def size(self) -> int:
        """Rows a page."""
        wanted = self.query.get("per_page", "")
        return next((size for size in SIZES if str(size) == wanted), SIZES[0])

    def _sorted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Sort by the columns asked for, always ending with the key so that pages do not overlap."""
        columns = self.table_class.base_columns
        given = [part for part in self.query.getlist("sort") if part.lstrip("-") in columns]
        order: list[str] = []
        for part in given:
            column = columns[part.lstrip("-")]
            if column.orderable is False:
                continue
            names = column.order_by or (str(column.accessor or part.lstrip("-")).replace(".", "__"),)
            order += [_turned(str(name)) if part.startswith("-") else str(name) for name in names]
        order = order or list(self.tab.order or self.order)
        return rows.order_by(*order, *([] if order[-1].lstrip("-") in ("pk", "id") else ["-pk"]))

    @cached_property
    def records(self) -> list[Any]:
        """The records of the page, with what `decorate` adds."""
        found = list(self.page.object_list)
        self.decorate(found)
        return found

    def make_table(self) -> ListTable:
        """Return the table over the page's records."""
        table = self.table_class(PageData(self.records), order_by=self.query.getlist("sort"))
        table.actor = self.request.actor
        return table

    def number_words(self, number: int) -> str:
        """Return a number of rows as it is shown."""
        return f"{number:,}"

    @property
    def countable(self) -> bool:
        """Say whether all rows were counted, so that all of them can be chosen."""
        return True

    @property
    def position(self) -> str:
        """Where in the list this page is, for the paper."""
        return f"第 {self.page.number} / {self.page.paginator.num_pages} 页"

    def _answer(self, partial: bool) -> HttpResponse:
        context = {
            "page": self,
            "table": self.make_table(),
            "filter": self.filter,
            "tabs": [self._shown(tab) for tab in self.tabs],
            "total": self.counts[self.tab.key],
            "total_words": self.number_words(self.counts[self.tab.key]),
            "sizes": SIZES,
            "kept": self.kept,
            "fold_key": f"query-{self.request.user.pk}",
            "unfolded": self.request.COOKIES.get(f"query-{self.request.user.pk}") == "open",
            "selection_query": self._query_string(per_page=None),
            "main_button": self._button(self.main) if self.main else None,
            "tool_buttons": [self._button(link) for link in self.tools],
            "batch_buttons": [self._batch(batch) for batch in self.batches],
            "empty_step": self._button(self.empty.step) if self.empty.step and not self.narrowed else None,
            "print_note": self._print_note(),
            **self.context(),
        }
        return render(self.request, "lists/card.html" if partial else self.template_name, context)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the query form carries along besides its own fields."""
        return [(name, str(self.query[name])) for name in ("tab", "sort", "per_page") if name in self.query]

    @property
    def narrowed(self) -> bool:
        """Say whether the query form narrows the list."""
        return bool(self.filter.busy)

    @property
    def reset_url(self) -> str:
        """The list under the same tab without a query."""
        return f"{self.request.path}?{urlencode({'tab': self.tab.key})}"

    def _shown(self, tab: Tab) -> ShownTab:
        url = f"{self.request.path}?{self._query_string(tab=tab.key)}"
        return ShownTab(tab.label, self.number_words(self.counts[tab.key]), url, tab is self.tab)

    def _query_string(self, **changes: str | None) -> str:
        query = self.query.copy()
        query.setdefault("tab", self.tab.key)
        for name, value in (dict.fromkeys(self.moves) | changes).items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return query.urlencode()

    def _button(self, link: Link) -> Button:
        url = reverse(link.url_name)
        if link.query:
            url = f"{url}?{self._query_string(per_page=None)}"
        return Button(link.label, url, self._why_not(link.action), link.drawer)

    def _batch(self, batch: Batch) -> Button:
        reason = self._why_not(batch.action)
        if not reason and batch.tabs and self.tab.key not in batch.tabs:
            reason = batch.reason or f"「{self.tab.label}」中的记录不能{batch.label}。"
        return Button(batch.label, reverse(batch.url_name), reason)

    def _why_not(self, action: str) -> str:
        return "" if not action or self.request.actor.may(action) else "您没有此操作的权限，请联系信息科授权。"

    def _print_note(self) -> str:
        parts = [self.tab.label] if len(self.tabs) > 1 else []
        parts += [words for bound in (*self.filter.first, *self.filter.rest) if (words := _condition(bound))]
        total = self.number_words(self.counts[self.tab.key])
        return "，".join([*parts, f"共 {total} 条", self.position])


def _condition(bound: BoundField) -> str:
    """Return one condition of the query form in words, "" when it is not set."""
    value = bound.data
    if isinstance(value, list):
        words = " 至 ".join(str(part or "…") for part in value) if any(value) else ""
    else:
        choices = {str(code): str(word) for code, word in getattr(bound.field, "choices", [])}
        words = choices.get(str(value), str(value)) if value else ""
    return f"{bound.label}：{words}" if words else ""


def _without_blanks(query: QueryDict) -> QueryDict:
    clean = QueryDict(mutable=True)
    for name, values in query.lists():
        kept = [value for value in values if value.strip()]
        if kept and not (name == "page" and kept == ["1"]):
            clean.setlist(name, kept)
    return clean


def _address(path: str, query: QueryDict) -> str:
    return f"{path}?{query.urlencode()}" if query else path


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
