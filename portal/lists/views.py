"""The list page, once and for all. The module's package (`portal.lists`) shows how a room uses it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from portal.lists import tailoring
from portal.lists.addresses import address, condition_words, turned, without_blanks
from portal.lists.choices import Density
from portal.lists.counting import tab_counts
from portal.lists.exporting import CHUNK, ListColumn, columns_of, exporter
from portal.lists.filters import ListFilter
from portal.lists.guarding import ActionView
from portal.lists.layouts import SIZES, Appearance, all_names, appearance
from portal.lists.models import SavedView
from portal.lists.paging import LongPaginator
from portal.lists.parts import Batch, Button, Empty, Link, ShownTab, ShownView, Tab
from portal.lists.printing import printed
from portal.lists.queries import default_of, views_for
from portal.lists.tables import ListTable, PageData
from portal.people.guard import ActorRequest

__all__ = ["ActionView", "Batch", "Button", "Empty", "Link", "ListPage", "ShownTab", "Tab"]

NO_RIGHT = "您没有此操作的权限，请联系安全管理员授权。"


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
        """Fetch what the columns need besides, for the records of one page; ask `shows` where a query can be saved."""

    def context(self) -> dict[str, Any]:
        """Return what a room's own template adds."""
        return {}

    def get(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list; a request from the list's own htmx gets the card alone."""
        clean = without_blanks(request.GET)
        partial = bool(request.htmx) and request.htmx.target == "list-card"
        panel, paper = clean.pop("panel", [""])[-1], clean.pop("print", [""])[-1]
        target = self._landing(clean, partial)
        wanted = request.GET.urlencode() if panel or paper else target.urlencode()
        if not partial and wanted != request.GET.urlencode():
            return HttpResponseRedirect(address(request.path, target))
        request.GET = target  # type: ignore[assignment]  # what links are built from
        if panel in tailoring.PANELS:
            return tailoring.panel(self, panel)
        if paper:
            return printed(self, paper)
        response = self._answer(partial)
        patch_vary_headers(response, ("HX-Request", "HX-Target"))
        if partial:
            response["HX-Push-Url"] = address(request.path, target)
        return response

    def post(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Carry out a button of the list itself."""
        request.GET = without_blanks(request.GET)  # type: ignore[assignment]
        export = exporter()
        if "export" in request.POST and self.export_action and export is not None:
            request.actor.must(self.export_action)
            return export(request, self)
        return tailoring.act(self, request.POST) or HttpResponseRedirect(self.here())

    def out_columns(self) -> list[ListColumn]:
        """Return the person's chosen columns in order, as a file has them."""
        table = self.table_over([], self.look.names)
        return columns_of(table, self.look.names, self.rows().model)

    def out_count(self) -> int:
        """Return how many rows an export holds now."""
        return self.matching(self.query).count()

    def out_chunks(self, size: int = CHUNK) -> Iterator[list[Any]]:
        """Yield every row that the query finds, in the list's order, decorated; never more than `size` in memory."""
        chunk: list[Any] = []
        for record in self.ordered(self.matching(self.query)).iterator(chunk_size=size):
            chunk.append(record)
            if len(chunk) == size:
                self.decorate(chunk)
                yield chunk
                chunk = []
        if chunk:
            self.decorate(chunk)
            yield chunk

    def first(self, most: int) -> list[Any]:
        """Return the first rows that the query finds, decorated."""
        found = list(self.ordered(self.matching(self.query))[:most])
        self.decorate(found)
        return found

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
    def views(self) -> list[SavedView]:
        """The saved views that the person may use here, own ones first."""
        return views_for(self.request.actor, self.path())

    @cached_property
    def view(self) -> SavedView | None:
        """The saved view that is laid over the list now."""
        return self._view_of(self.query)

    @cached_property
    def look(self) -> Appearance:
        """Columns, page size and density as this person sees them now."""
        return appearance(self.table_class, self.path(), self.request.user, self.query, self.view)

    def shows(self, *names: str) -> bool:
        """Say whether any of these columns is visible now."""
        return any(name in self.look.names for name in names)

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
        return tab_counts(self.filter.qs, self.tabs) if self.filter.is_valid() else {tab.key: 0 for tab in self.tabs}

    @cached_property
    def page(self) -> Page[Any]:
        """The page shown; a number out of range gives the nearest one."""
        rows = self.filter.qs.filter(self.tab.rows) if self.filter.is_valid() else self.rows().none()
        return LongPaginator(self.ordered(rows), self.size, self.counts[self.tab.key]).get_page(self.query.get("page"))

    @property
    def size(self) -> int:
        """Rows a page."""
        return self.look.size

    def ordered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Sort by the columns asked for, always ending with the key so that pages do not overlap.

        The key runs the way of the last column, so that one index (institution, column, id) serves both ways.
        """
        columns = self.table_class.base_columns
        order: list[str] = []
        for part in self.query.getlist("sort"):
            column = columns.get(part.lstrip("-"))
            if column is None or column.orderable is False:
                continue
            names = column.order_by or (str(column.accessor or part.lstrip("-")).replace(".", "__"),)
            order += [turned(str(name)) if part.startswith("-") else str(name) for name in names]
        order = order or list(self.tab.order or self.order)
        last = order[-1]
        key = "-pk" if last.startswith("-") else "pk"
        return rows.order_by(*order, *([] if last.lstrip("-") in ("pk", "id") else [key]))

    @cached_property
    def records(self) -> list[Any]:
        """The records of the page, with what `decorate` adds."""
        found = list(self.page.object_list)
        self.decorate(found)
        return found

    def make_table(self) -> ListTable:
        """Return the table over the page's records."""
        return self.table_over(self.records, all_names(self.table_class, self.look.names))

    def table_over(self, records: list[Any], names: list[str]) -> ListTable:
        """Return the table with these columns, in this order."""
        rest = [name for name in self.table_class.base_columns if name not in names]
        sort = self.query.getlist("sort")
        table = self.table_class(PageData(records), order_by=sort, sequence=names, exclude=rest)
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

    def _landing(self, clean: QueryDict, partial: bool) -> QueryDict:
        """Return the address that is meant: a view spelled out, the default view where nothing was asked for."""
        if set(clean) == {"view"} and (view := self._view_of(clean)):
            return self._spelled(view)
        if clean or not (default := default_of(self.views)):
            return clean
        if not partial and not self.request.GET:
            return self._spelled(default)
        clean["tab"] = self.tabs[0].key  # an emptied query form means all rows, not the default view again
        return clean

    def _spelled(self, view: SavedView) -> QueryDict:
        found = QueryDict(view.query, mutable=True)
        found["view"] = str(view.pk)
        return found

    def _view_of(self, query: QueryDict) -> SavedView | None:
        return next((view for view in self.views if str(view.pk) == query.get("view")), None)

    def _answer(self, partial: bool) -> HttpResponse:
        total = self.counts[self.tab.key]
        context = {
            "page": self,
            "table": self.make_table(),
            "filter": self.filter,
            "tabs": [self._shown(tab) for tab in self.tabs],
            "total": total,
            "total_words": self.number_words(total),
            "sizes": SIZES,
            "densities": Density.choices,
            "kept": self.kept,
            "fold_key": f"query-{self.request.user.pk}",
            "unfolded": self.request.COOKIES.get(f"query-{self.request.user.pk}") == "open",
            "selection_query": self._query_string(per_page=None, view=None),
            "main_button": self._button(self.main) if self.main else None,
            "tool_buttons": [self._button(link) for link in self.tools],
            "batch_buttons": [self._batch(batch) for batch in self.batches],
            "export_button": self._export() if self.export_action and exporter() else None,
            "shown_views": [self._shown_view(view) for view in self.views],
            "empty_step": self._button(self.empty.step) if self.empty.step and not self.narrowed else None,
            "print_note": "，".join([*self.paper_words, f"共 {self.number_words(total)} 条", self.position]),
            **self.context(),
        }
        return render(self.request, "lists/card.html" if partial else self.template_name, context)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the query form carries along besides its own fields."""
        return [(name, str(self.query[name])) for name in ("tab", "sort", "per_page", "view") if name in self.query]

    @property
    def narrowed(self) -> bool:
        """Say whether the query form narrows the list."""
        return bool(self.filter.busy)

    @property
    def query_words(self) -> list[str]:
        """Tab and query in words, for the paper and the panel of 保存视图."""
        return self._words(masked=False)

    @property
    def paper_words(self) -> list[str]:
        """The same for paper, which leaves the house: a name or number that was typed is masked like the rows."""
        return self._words(masked=True)

    def _words(self, *, masked: bool) -> list[str]:
        parts = [self.tab.label] if len(self.tabs) > 1 else []
        bounds = (*self.filter.first, *self.filter.rest)
        return parts + [words for bound in bounds if (words := condition_words(bound, masked=masked))]

    @property
    def reset_url(self) -> str:
        """The list under the same tab without a query."""
        return f"{self.request.path}?{urlencode({'tab': self.tab.key})}"

    def here(self, **changes: str | None) -> str:
        """Return the list's address as it is now, with changes (None takes a parameter out)."""
        query = self.query.copy()
        for name, value in changes.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return address(self.request.path, query)

    @property
    def columns_url(self) -> str:
        """The column chooser."""
        return self.here(panel="columns")

    @property
    def save_url(self) -> str:
        """The panel of 保存视图."""
        return self.here(panel="save")

    @property
    def views_url(self) -> str:
        """The panel of 管理视图."""
        return self.here(panel="views")

    @property
    def print_url(self) -> str:
        """The list for paper."""
        return self.here(print="1", page=None)

    def _shown(self, tab: Tab) -> ShownTab:
        url = f"{self.request.path}?{self._query_string(tab=tab.key)}"
        return ShownTab(tab.label, self.number_words(self.counts[tab.key]), url, tab is self.tab)

    def _shown_view(self, view: SavedView) -> ShownView:
        current = view == self.view
        changed = current and tailoring.query_of(self.query) != QueryDict(view.query)
        url = address(self.request.path, self._spelled(view))
        return ShownView(view.name, view.holder, url, current, changed, view.default)

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
            url = f"{url}?{self._query_string(per_page=None, view=None)}"
        return Button(link.label, url, self._why_not(link.action), link.drawer)

    def _batch(self, batch: Batch) -> Button:
        reason = self._why_not(batch.action)
        if not reason and batch.tabs and self.tab.key not in batch.tabs:
            reason = batch.reason or f"「{self.tab.label}」中的记录不能{batch.label}。"
        return Button(batch.label, reverse(batch.url_name), reason)

    def _export(self) -> Button:
        total = self.counts[self.tab.key]
        reason = self._why_not(self.export_action) or ("" if total else "没有可以导出的记录。")
        label = f"导出 {self.number_words(total)} 条" if total else "导出"
        return Button(label, self.here(), reason)

    def _why_not(self, action: str) -> str:
        return "" if not action or self.request.actor.may(action) else NO_RIGHT
