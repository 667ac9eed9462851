"""Logging in: throttle, lock, first password, sessions, no English."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config import settings as deployed
from portal.audit.models import AuditEvent
from portal.people import throttle
from portal.people.models import Membership, Throttle
from tests.people.factories import PASSWORD, make_institution, make_person

pytestmark = pytest.mark.django_db
ENGLISH = re.compile(
    r">[^<>{}]*\b(error|invalid|password|required|forbidden|please|this field)\b[^<>]*<", re.IGNORECASE
)


def try_login(client: Client, username: str, password: str = PASSWORD, **more: str) -> object:
    return client.post(reverse("people:login"), {"username": username, "password": password, **more})


def words(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def test_the_right_password_lets_in_and_goes_where_one_wanted(client) -> None:
    person = make_person()
    response = try_login(client, person.username, next="/tasks/?state=done")
    assert (response.status_code, response.url) == (302, "/tasks/?state=done")
    event = AuditEvent.objects.get(action="people.login")
    assert (event.person, event.ip) == (person, "127.0.0.1")


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_nobody_is_sent_elsewhere(client, wanted: str) -> None:
    assert try_login(client, make_person().username, next=wanted).url == "/"


def test_a_wrong_password_is_told_in_chinese_and_tells_nothing_more(client) -> None:
    person = make_person()
    wrong = words(try_login(client, person.username, "wrong"))
    nobody = words(try_login(client, "nobody-like-this", "wrong"))
    assert "登录名或密码不正确" in wrong
    assert re.findall("登录名或密码不正确[^<]*", wrong) == re.findall("登录名或密码不正确[^<]*", nobody)
    assert not ENGLISH.search(wrong)


def test_empty_fields_are_told_in_chinese(client) -> None:
    shown = words(try_login(client, "", ""))
    assert "这个字段是必填项" in shown
    assert not ENGLISH.search(shown)


def test_five_wrong_ones_lock_the_account_for_a_quarter_of_an_hour(client) -> None:
    person = make_person()
    for left in (4, 3, 2, 1):
        assert f"还可以试 {left} 次" in words(try_login(client, person.username, "wrong"))
    assert "锁定 15 分钟" in words(try_login(client, person.username, "wrong"))
    assert "已锁定" in words(try_login(client, person.username))
    assert "已锁定" in words(try_login(Client(REMOTE_ADDR="10.0.0.9"), person.username))
    assert AuditEvent.objects.get(action="people.locked_out").person == person
    Throttle.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    Throttle.objects.update(first_failure_at=timezone.now() - timedelta(minutes=16))
    assert try_login(client, person.username).status_code == 302


def test_an_address_alone_is_never_locked(client) -> None:
    for number in range(30):
        try_login(client, f"nobody{number}", "wrong")
    assert try_login(client, make_person().username).status_code == 302


def test_the_right_password_forgets_the_wrong_ones(client) -> None:
    person = make_person()
    for _ in range(2):
        for _ in range(4):
            try_login(client, person.username, "wrong")
        assert try_login(client, person.username).status_code == 302
        client.logout()


def test_one_account_from_one_address_has_a_pace(client) -> None:
    for _ in range(10):
        throttle.spend("busy", "10.0.0.1")
        throttle.clear("busy")
    with pytest.raises(throttle.TooMany, match="太频繁"):
        throttle.spend("busy", "10.0.0.1")
    throttle.spend("busy", "10.0.0.2")
    Throttle.objects.update(refilled_at=timezone.now() - timedelta(seconds=4))
    throttle.spend("busy", "10.0.0.1")


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_moment_do_not_slip_past(db) -> None:
    passed: list[int] = []

    def body() -> None:
        with suppress(throttle.TooMany):
            passed.append(throttle.spend("target", "10.0.0.1"))
        connection.close()

    threads = [threading.Thread(target=body) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [0, 1, 2, 3, 4]


def test_what_was_typed_as_a_name_is_kept_nowhere(client, caplog) -> None:
    typed = "MySecretPasswordTypedInTheWrongBox"
    try_login(client, typed, "x")
    assert typed not in caplog.text
    assert not Throttle.objects.filter(key__icontains="Secret").exists()


def test_a_person_switched_off_is_not_let_in(client) -> None:
    person = make_person(is_active=False)
    assert "登录名或密码不正确" in words(try_login(client, person.username))


def test_the_session_changes_at_login_and_ends_at_logout(client) -> None:
    person = make_person()
    client.get(reverse("people:login"))
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies["sessionid"] = session.session_key
    before = session.session_key
    try_login(client, person.username)
    assert client.session.session_key != before
    assert client.get(reverse("people:logout")).status_code == 405
    client.post(reverse("people:logout"))
    assert client.get(reverse("tasks:list")).url.startswith(reverse("people:login"))


def test_an_initial_password_must_be_changed_first(client) -> None:
    person = make_person(must_change_password=True)
    try_login(client, person.username)
    assert client.get(reverse("tasks:list")).url == reverse("people:password")
    piece = client.get(reverse("tasks:list"), headers={"HX-Request": "true"})
    assert piece["HX-Redirect"] == reverse("people:password")
    assert "请先设置自己的密码" in words(client.get(reverse("people:password")))
    bad = {"old": PASSWORD, "new": "123", "again": "124"}
    shown = words(client.post(reverse("people:password"), bad))
    assert "密码至少 10 位" in shown
    assert "密码只包含数字" in shown
    assert not ENGLISH.search(shown)
    good = {"old": PASSWORD, "new": "Own-choice-2026", "again": "Own-choice-2026"}
    assert client.post(reverse("people:password"), good).status_code == 302
    assert client.get(reverse("tasks:list")).status_code == 200
    assert AuditEvent.objects.filter(action="people.change_password", person=person).exists()


@pytest.mark.parametrize(
    ("new", "said"),
    [("password12", "太常见"), ("tester-alike", "太相似"), (PASSWORD, "不能与现在的密码相同"), ("", "必填")],
)
def test_weak_passwords_are_refused_in_chinese(client, new: str, said: str) -> None:
    person = make_person(username="tester-alike")
    client.force_login(person)
    shown = words(client.post(reverse("people:password"), {"old": PASSWORD, "new": new, "again": new}))
    assert said in shown
    assert not ENGLISH.search(shown)


def test_other_computers_are_logged_out_by_a_new_password(client) -> None:
    person, other = make_person(), Client()
    client.force_login(person)
    other.force_login(person)
    new = {"old": PASSWORD, "new": "Own-choice-2026", "again": "Own-choice-2026"}
    client.post(reverse("people:password"), new)
    assert client.get(reverse("tasks:list")).status_code == 200
    assert other.get(reverse("tasks:list")).status_code == 302


def test_passwords_rest_as_argon2(settings) -> None:
    settings.PASSWORD_HASHERS = deployed.PASSWORD_HASHERS
    assert make_person().password.startswith("argon2$argon2id$")


def test_a_form_without_its_token_is_refused_in_chinese() -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(reverse("people:login"), {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "页面已过期" in words(response)
    assert not ENGLISH.search(words(response))


def test_switching_the_institution(client) -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    person = make_person(institution=here)
    Membership.objects.create(person=person, institution=there, role="manager")
    client.force_login(person)
    before = client.session.session_key
    assert client.get("/tasks/").context["request"].actor.institution == here
    client.post(reverse("people:switch"), {"institution": there.pk})
    assert client.get("/tasks/").context["request"].actor.institution == there
    assert client.session.session_key != before
    strange = make_institution("H99990000003", "无关院")
    assert client.post(reverse("people:switch"), {"institution": strange.pk}).status_code == 404
    assert client.post(reverse("people:switch"), {"institution": "x"}).status_code == 404


def test_leaving_an_institution_ends_being_there(client) -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    person = make_person(institution=here, current_institution=there)
    client.force_login(person)
    assert client.get("/tasks/").context["request"].actor.institution == here


@pytest.mark.parametrize(
    ("count", "forwarded", "seen"),
    [
        (0, "1.2.3.4", "127.0.0.1"),
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (1, "", "127.0.0.1"),
        (1, "not-an-address", None),
    ],
)
def test_a_forwarded_address_is_believed_only_as_far_as_our_own_proxies(
    client, settings, count: int, forwarded: str, seen: str | None
) -> None:
    settings.PROXY_COUNT = count
    person = make_person()
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    client.post(reverse("people:login"), {"username": person.username, "password": PASSWORD}, headers=headers)
    assert AuditEvent.objects.get(action="people.login").ip == seen
