"""Each required field of what we send is a column, a rename, or computed; and the message passes the check."""

from __future__ import annotations

import pytest
from django.utils.dateparse import parse_datetime

from insurance.directory.messages import PROJECTIONS, book_of, department_row, problems_of, route_node
from insurance.directory.models import (
    DEPARTMENT_COLUMNS,
    PRACTITIONER_COLUMNS,
    Department,
    InstitutionInfo,
    Practitioner,
)
from insurance.directory.services import create_department
from insurance.exchange.models import Connection
from insurance.specification.books import open_book
from insurance.specification.writing import write
from portal.people.actor import Actor
from portal.people.models import Institution
from tests.directory.conftest import values

COLUMNS = {field.name for field in Department._meta.get_fields()}


@pytest.mark.parametrize("purpose", sorted(PROJECTIONS))
def test_each_required_field_has_a_source(purpose: str) -> None:
    projection = PROJECTIONS[purpose]
    for code, field in route_node(open_book(), purpose).fields.items():
        named = code in projection.computed or projection.renames.get(code, code) in COLUMNS
        assert named or not field.required, f"{purpose}: {code} {field.label}"


def test_labels_are_those_of_the_specification() -> None:
    book = open_book()
    for model, columns, fields in (
        (Department, DEPARTMENT_COLUMNS, route_node(book, "department.add").fields),
        (Practitioner, PRACTITIONER_COLUMNS, book.transaction("5102").output.children["feedetail"].fields),
        (InstitutionInfo, ("uscc", "hosp_lv"), book.transaction("1201").output.children["medinsinfo"].fields),
    ):
        for column in columns:
            assert str(model._meta.get_field(column).verbose_name) == fields[column].label


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", sorted(PROJECTIONS))
def test_message_passes_and_is_written_as_it_travels(purpose: str, clerk: Actor) -> None:
    department = create_department(clerk, values=values(begntime=parse_datetime("2020-01-01T08:30:00+08:00")))
    book = book_of(clerk.institution)
    assert [p for p in problems_of(department, purpose, book) if p.level == "error"] == []
    route = book.route(purpose)
    sent = write(book.transaction(route.infno), {route.node: department_row(department, purpose, book)})[route.node]
    assert sent["begntime"] == ("2020-01-01" if purpose == "department.withdraw" else "2020-01-01 08:30:00")
    if purpose != "department.withdraw":
        assert sent["poolarea_no"] == "441700"
        assert str(sent["hi_crtf_bed_cnt"]) == "0", "an empty number travels as 0"


@pytest.mark.django_db
def test_another_edition_sends_rows_and_its_own_fields(clerk: Actor, hospital: Institution) -> None:
    department = create_department(clerk, values=values())
    Connection.objects.update(edition="guangzhou")
    book = book_of(hospital)
    assert book.edition != book_of(Institution(pk=0)).edition
    assert [p for p in problems_of(department, "department.add", book) if p.level == "error"] == []
