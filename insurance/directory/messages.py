"""Record → message: a message is a projection of the record onto the fields that the edition names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from insurance.directory.models import Department
from insurance.exchange.models import Connection
from insurance.specification.books import Book, open_book
from insurance.specification.checking import Problem, check
from insurance.specification.model import Node, Route, Transaction
from portal.people.models import Institution

Compute = Callable[[Department], Any]


@dataclass(frozen=True)
class Projection:
    """What differs between a record's columns and a transaction's fields."""

    renames: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, Compute] = field(default_factory=dict)


# 3403 knows begntime as a day, the record as a moment.
PROJECTIONS: dict[str, Projection] = {
    "department.add": Projection(),
    "department.change": Projection(),
    "department.withdraw": Projection(
        computed={"begntime": lambda department: timezone.localtime(department.begntime).date()}
    ),
}


def project(
    record: Department, fields: Iterable[str], renames: Mapping[str, str], computed: Mapping[str, Compute]
) -> dict[str, Any]:
    """Return field → Python value: computed, else the renamed or equal column, else what `extra` holds."""
    row = {}
    for code in fields:
        column = renames.get(code, code)
        if code in computed:
            row[code] = computed[code](record)
        elif hasattr(record, column):
            row[code] = getattr(record, column)
        else:
            row[code] = record.extra.get(code)
    return row


def book_of(institution: Institution) -> Book:
    """Return the specification that the institution's connection speaks."""
    connection = Connection.objects.filter(institution=institution).only("edition").first()
    return open_book(connection.edition if connection else settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)


def department_row(department: Department, purpose: str, book: Book) -> dict[str, Any]:
    """Return the row of one department for a purpose, under the route's node."""
    projection = PROJECTIONS[purpose]
    node = route_node(book, purpose)
    return project(department, node.fields, projection.renames, projection.computed)


def problems_of(department: Department, purpose: str, book: Book) -> list[Problem]:
    """Return everything that the specification finds wrong with the message of this department, saved or not."""
    route, transaction = _route(book, purpose)
    row: Any = department_row(department, purpose, book)
    return check(transaction, {route.node: [row] if route_node(book, purpose).many else row}, book)


def route_node(book: Book, purpose: str) -> Node:
    """Return the node that carries the row of a purpose."""
    route, transaction = _route(book, purpose)
    return transaction.input.children[route.node]


def _route(book: Book, purpose: str) -> tuple[Route, Transaction]:
    route = book.route(purpose)
    return route, book.transaction(route.infno)
