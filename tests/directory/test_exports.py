"""What leaves in files: real dates, the two formats."""

from __future__ import annotations

import csv
from datetime import datetime
from io import BytesIO, StringIO

import pytest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from openpyxl import load_workbook

from insurance.directory import services
from portal.people.actor import Actor
from portal.people.models import Person
from tests.directory.conftest import values
from tests.directory.test_pages import entered

pytestmark = pytest.mark.django_db


def test_days_leave_as_real_dates_and_a_time_of_day_is_not_lost(clerk: Actor, member: Person) -> None:
    services.create_department(clerk, values=values())
    timed = values("0102", begntime=parse_datetime("2021-02-03T08:30:00+08:00"))
    services.create_department(clerk, values=timed)
    answer = entered(member).post(reverse("directory:departments") + "?tab=all", {"export": "1"})
    rows = list(load_workbook(BytesIO(answer.content)).worksheets[0].iter_rows())
    place = [cell.value for cell in rows[0]].index("开始")
    cells = {str(row[0].value): row[place] for row in rows[1:]}
    assert cells["0101"].is_date
    assert cells["0101"].value == datetime(2020, 1, 1)
    assert cells["0102"].value == "2021-02-03 08:30:00"


def test_csv_is_a_choice_beside_export_and_needs_no_script(clerk: Actor, member: Person) -> None:
    services.create_department(clerk, values=values(hosp_dept_name="=1+1"))
    client, url = entered(member), f"{reverse('directory:departments')}?tab=all"
    page = client.get(url).content.decode()
    for form in ("xlsx", "csv"):
        assert f'<button type="submit" name="export" value="{form}" formaction=' in page
    answer = client.post(url, {"export": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(StringIO(answer.content.decode("utf-8-sig")))
    assert row["科室名称"] == "'=1+1"
    assert row["开始"] == "2020-01-01"
    assert client.post(url, {"export": "xlsx"}).content.startswith(b"PK")
    assert client.post(url, {"export": "1"}).content.startswith(b"PK")
