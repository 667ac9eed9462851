"""A list outside of the browser: opened by its path, its columns as plain values, its rows in chunks.

    page = open_list("insurance.exchange.views.calls.CallList", actor, "infno=2201&state=refused")
    columns = page.out_columns()
    for records in page.out_chunks():
        rows = zip(*(column.values(records) for column in columns))

What writes files stands above the lists and hands over its function by `set_exporter`; the button 导出 of a page with
`export_action` posts to the list itself, which calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.module_loading import import_string

from portal.lists.columns import StateColumn
from portal.lists.reading import kind_of, many_reader, reader
from portal.lists.tables import ListTable
from portal.people.actor import Actor
from portal.people.guard import ActorRequest

if TYPE_CHECKING:
    from portal.lists.views import ListPage

CHUNK = 2000


@dataclass(frozen=True)
class ListColumn:
    """One column of a list as a file has it.

    `kind` is text, code, whole, number, money, date or datetime. `value` gives None for an empty cell, else str, int,
    Decimal, date, or a datetime as the hospital's clock shows it (without a zone); masked exactly as on the screen.
    `many` does the same for many records at once, where that can be had for less.
    """

    name: str
    label: str
    kind: str
    value: Callable[[Any], object]
    many: Callable[[Sequence[Any]], list[Any]] | None = None

    def values(self, records: Sequence[Any]) -> list[Any]:
        """Return the cells of these records, in their order."""
        return self.many(records) if self.many is not None else [self.value(record) for record in records]


Exporter = Callable[[ActorRequest, "ListPage"], HttpResponseBase]
_exporter: list[Exporter] = []


def set_exporter(function: Exporter) -> None:
    """Say who answers the button 导出; the last one given counts."""
    _exporter[:] = [function]


def exporter() -> Exporter | None:
    """Return who answers the button 导出, None where nobody writes files."""
    return _exporter[0] if _exporter else None


def open_list(path: str, actor: Actor, query: str, **kwargs: Any) -> ListPage:
    """Return a list page without a browser, for `actor`'s person. Raises NotAllowed, LookupError (no such list).

    `kwargs` are those of its address, where it has any.
    """
    kind = list_kind(path)
    actor.must(kind.action)
    page = kind()
    page.setup(quiet_request(actor, query), **kwargs)
    return page


def list_kind(path: str) -> type[ListPage]:
    """Return the class of a list page by its dotted path. Raises LookupError."""
    from portal.lists.views import ListPage

    try:
        kind = import_string(path)
    except ImportError:
        raise LookupError(f"no list page {path!r}") from None
    if not (isinstance(kind, type) and issubclass(kind, ListPage)):
        raise LookupError(f"no list page {path!r}")
    return kind


def quiet_request(actor: Actor, query: str = "", data: QueryDict | None = None) -> ActorRequest:
    """Return a request that no browser made. Raises ValueError for a system account: rows are a person's to see."""
    if actor.person is None:
        raise ValueError("a list is opened for a person")
    request = HttpRequest()
    request.method = "GET" if data is None else "POST"
    request.GET = QueryDict(query)
    request.POST = data if data is not None else QueryDict()  # type: ignore[assignment]
    request.user, request.actor, request.htmx = actor.person, actor, False  # type: ignore[attr-defined]
    return request  # type: ignore[return-value]  # with its actor it is one


def columns_of(table: ListTable, names: list[str], model: type[Model]) -> list[ListColumn]:
    """Return the named columns as a file has them; a state brings its second line as a column of its own."""
    found: list[ListColumn] = []
    for name in names:
        column = table.base_columns[name]
        if column.exclude_from_export:
            continue
        label = str(column.verbose_name or name)
        kind = "text" if isinstance(column, StateColumn) else kind_of(column, model, name)
        read = reader(table, name, model)
        found.append(ListColumn(name, label, kind, read, many_reader(table, name, model, read)))
        if isinstance(column, StateColumn) and column.extra:
            found.append(ListColumn(f"{name}_more", f"{label}说明", "text", _more(column)))
    return found


def _more(column: StateColumn) -> Callable[[Any], object]:
    return lambda record: column.more(record) or None
