"""Forms: all errors at once, in Chinese, at their fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.lists.filters import ListFilter
from portal.tasks.models import Task
from tests.lists.room import EveryField, RecordFilter

WRONG = {
    "text": "四个字啊", "whole": "甲", "amount": "12345.678", "day": "2026-13-40", "moment": "昨天", "hour": "25:99",
    "choice": "9", "several": ["9"], "mail": "甲", "address": "1.2.3", "link": "甲", "pattern": "1", "data": "{",
    "uuid": "甲", "record": "9", "records": ["甲"],
}  # fmt: skip
LATIN = re.compile(r"[A-Za-z]{3,}")
# words of the trade that the Chinese messages use themselves
KNOWN = {"JSON", "UUID", "URL", "IPv", "Email"}


def errors(form: EveryField) -> dict[str, list[str]]:
    return {name: [str(each) for each in found] for name, found in form.errors.items()}


def test_every_required_field_says_so_in_chinese() -> None:
    found = errors(EveryField({}))
    assert set(found) == set(EveryField.base_fields)
    assert {word for words in found.values() for word in words} == {"这个字段是必填项。"}


@pytest.mark.django_db
def test_every_wrong_value_is_told_in_chinese() -> None:
    empty = SimpleUploadedFile("a.csv", b"")
    found = errors(EveryField(WRONG, {"paper": empty}))
    assert set(found) == {*WRONG, "paper", "agree"}
    english = {
        name: words for name, words in found.items() for word in LATIN.findall(" ".join(words)) if word not in KNOWN
    }
    assert english == {}


@pytest.mark.django_db
def test_page_shows_all_errors_at_once_at_their_fields(office: Client) -> None:
    page = office.post("/room/new/", {"text": "四个字啊", "mail": "甲"}).content.decode()
    assert page.count('class="field-wrong"') == len(EveryField.base_fields)
    assert page.count("aria-invalid") >= len(EveryField.base_fields)
    assert 'aria-describedby="id_text_error"' in page
    assert 'id="id_text_error"' in page
    assert "---------" not in page


@pytest.mark.django_db
def test_day_is_a_native_input(office: Client) -> None:
    assert re.search(r'<input type="date" name="day"', office.get("/room/new/").content.decode())


@pytest.mark.django_db
def test_plain_form_works_once(office: Client) -> None:
    page = office.get("/room/new/").content.decode()
    key = re.search(r'name="intent" value="([^"]+)"', page)
    assert key
    sent: dict[str, Any] = {"intent": key[1], "text": "once"}
    first, second = (office.post("/room/new/", sent)["Location"] for _ in range(2))
    assert first == second
    assert Task.objects.filter(kind="room.made").count() == 1


def labels_of(kind: type[ListFilter]) -> list[str]:
    return [str(field.label) for field in kind({}, queryset=Task.objects.none()).form.fields.values()]


@pytest.mark.django_db
def test_query_fields_have_chinese_labels_and_choices(office: Client, records: Callable[..., list[Task]]) -> None:
    assert labels_of(RecordFilter) == ["编码、名称", "状态", "来源", "创建时间", "已请求取消"]
    records(1)
    form = office.get("/room/").content.decode().split('role="search"')[1].split("</form>")[0]
    words = re.findall(r">\s*([^<>]*[A-Za-z]{3,}[^<>]*)\s*<", form)
    assert words == []
