"""Pages for what went wrong: Chinese, with what to do; the last of them needs no database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from portal.desk import views


def text(response: Any) -> str:
    return response.content.decode()


@pytest.mark.django_db
def test_unknown_address_keeps_the_menu(office: Client) -> None:
    answer = office.get("/nowhere/")
    assert answer.status_code == 404
    assert "没有这个页面" in text(answer)
    assert 'id="menu"' in text(answer)


@pytest.mark.django_db
def test_unknown_address_without_login_has_no_menu(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert 'id="menu"' not in text(answer)


@pytest.mark.django_db
def test_broken_page_says_what_to_do(office: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lists.room"
    office.raise_request_exception = False
    answer = office.get("/room/crash/")
    assert answer.status_code == 500
    assert "刚才的操作没有完成" in text(answer)
    assert "RuntimeError" not in text(answer)


@pytest.mark.django_db
def test_broken_piece_is_a_piece(office: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lists.room"
    office.raise_request_exception = False
    answer = office.get("/room/crash/", headers={"HX-Request": "true", "HX-Target": "drawer-body"})
    assert "刚才的操作没有完成" in text(answer)
    assert "<html" not in text(answer)


def test_broken_page_reads_no_database(rf: RequestFactory) -> None:
    # without the django_db mark any query fails the test
    answer = views.broken(rf.get("/"))
    assert answer.status_code == 500
    assert "系统出错" in text(answer)


@pytest.mark.parametrize(
    ("view", "status", "words"),
    [
        (views.bad_request, 400, "请求无法识别"),
        (views.forbidden, 403, "没有权限"),
        (views.not_found, 404, "没有这个页面"),
        (views.broken, 500, "系统出错"),
    ],
)
def test_pages_are_chinese_and_say_what_to_do(rf: RequestFactory, view: Any, status: int, words: str) -> None:
    answer = view(rf.get("/"))
    assert answer.status_code == status
    assert words in text(answer)
    assert text(answer).count("<li>") >= 2


@pytest.mark.django_db
def test_form_without_token_is_told_in_chinese(member: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member)
    answer = browser.post("/logout/")
    assert answer.status_code == 403
    assert "页面已过期" in text(answer)
    assert "CSRF" not in text(answer)


@pytest.mark.django_db
def test_host_that_is_not_ours_is_told_in_chinese(client: Client) -> None:
    answer = client.get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "请求无法识别" in text(answer)
