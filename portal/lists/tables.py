"""The table of a list page."""

from __future__ import annotations

from typing import Any, ClassVar

import django_tables2 as tables
from django_tables2.data import TableListData

from portal.people.actor import Actor


class PageData(TableListData):
    """Records of one page, already in the database's order."""

    def order_by(self, aliases: Any) -> None:
        """Leave the order alone: sorting one page again in Python would only disagree with the database."""


class ListTable(tables.Table):
    """Base of all tables: small, bordered, sticky header; SelectColumn first and ActionsColumn last if there are any.

    `row_url(record)` is where a row leads; by default the record's `get_absolute_url()`. A column whose value is
    fetched after the page was cut must say `orderable=False`: the database sorts, not the page.
    """

    actor: Actor | None = None
    hidden_at_first: ClassVar[tuple[str, ...]] = ()
    """Columns that the column chooser offers and nobody sees before choosing them."""

    class Meta:
        """Looks shared by all tables. A subclass's Meta need not repeat or inherit them: see `__init__`."""

        attrs = {"class": "grid"}
        row_attrs = {"data-href": lambda record, table: table.row_url(record), "tabindex": "-1"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        looks = {name: getattr(self._meta, name) or getattr(ListTable.Meta, name) for name in ("attrs", "row_attrs")}
        super().__init__(*args, **{**looks, **kwargs})

    def row_url(self, record: Any) -> str:
        """Return the address of the record's own page, "" when it has none."""
        found = getattr(record, "get_absolute_url", None)
        return str(found()) if found else ""

    def may(self, action: str) -> bool:
        """Say whether the person may take `action`; kept, so that a row costs no query."""
        kept: dict[str, bool] = self.__dict__.setdefault("_may", {})
        if action not in kept:
            kept[action] = self.actor is not None and self.actor.may(action)
        return kept[action]
