"""Logins as rows, the locked screen, another operator at the same computer, and whose form it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pyotp
import pytest
from django.conf import settings as portal
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.people.browsers import browser_words
from portal.people.models import LoginSession, Membership, Person, UsedPassword
from tests.people.factories import PASSWORD, make_institution, make_person
from tests.people.test_factor import code_at, enrol

pytestmark = pytest.mark.django_db
LOCKED = 423


def enter(client: Client, person: Person) -> None:
    client.post(reverse("people:login"), {"username": person.username, "password": PASSWORD})


def words(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def rest(**ago: int) -> None:
    """Let every login's last act be so long ago."""
    LoginSession.objects.update(seen=timezone.now() - timedelta(**ago))


@pytest.fixture
def strict() -> Client:
    """A browser whose forms are checked as in life."""
    return Client(enforce_csrf_checks=True)


def token_of(page: str) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)


def strictly_in(browser: Client, person: Person) -> None:
    """Log a person in by the page's own form, over whoever is logged in."""
    page = words(browser.get(reverse("people:login"), follow=True))
    to = "people:operator" if "切换操作员" in page else "people:login"
    given = {"csrfmiddlewaretoken": token_of(page), "username": person.username, "password": PASSWORD}
    assert browser.post(reverse(to), given).status_code == 302


def test_a_login_is_a_row_with_address_and_browser(client) -> None:
    person = make_person()
    agent = "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 Chrome/109.0.0.0 Safari/537.36"
    client.post(
        reverse("people:login"), {"username": person.username, "password": PASSWORD}, headers={"User-Agent": agent}
    )
    login = LoginSession.objects.get()
    assert (login.person, login.ip, login.browser) == (person, "127.0.0.1", "Chrome 109，Windows 7")
    client.post(reverse("people:logout"))
    login.refresh_from_db()
    assert (login.ended is not None, login.why) == (True, "本人退出")
    assert AuditEvent.objects.filter(action="people.logout", person=person).exists()


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("", ""),
        ("curl/8", ""),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/120.0 Safari/537 Edg/120.0", "Edge 120，Windows 10/11"),
        ("Mozilla/5.0 (Windows NT 6.1; rv:109.0) Gecko/20100101 Firefox/115.0", "火狐 115，Windows 7"),
        ("Mozilla/5.0 (Windows NT 6.1) Chrome/86.0 Safari/537 QIHU 360SE", "360 浏览器，Windows 7"),
    ],
)
def test_browsers_have_names(agent: str, said: str) -> None:
    assert browser_words(agent) == said


def test_seen_is_written_once_a_minute_and_not_for_pages_that_ask_by_themselves(client) -> None:
    client.force_login(make_person())
    before = LoginSession.objects.get().seen
    client.get("/tasks/")
    assert LoginSession.objects.get().seen == before
    rest(minutes=5)
    before = LoginSession.objects.get().seen
    client.get("/tasks/", headers={"X-Portal-Idle": "290"})
    assert LoginSession.objects.get().seen == before
    client.get("/tasks/", headers={"X-Portal-Idle": "3"})
    assert LoginSession.objects.get().seen > before


@pytest.mark.parametrize(
    ("started", "seen", "why"), [(0, 31, "超过 30 分钟没有操作"), (60 * 8 + 1, 0, "登录已满 8 小时")]
)
def test_a_login_ends_after_a_time(client, started: int, seen: int, why: str) -> None:
    client.force_login(make_person())
    now = timezone.now()
    LoginSession.objects.update(started=now - timedelta(minutes=started), seen=now - timedelta(minutes=seen))
    answer = client.get("/tasks/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("people:login"))
    assert why in words(answer)
    assert LoginSession.objects.get().why == why
    assert client.get("/tasks/").status_code == 302


def test_only_so_many_at_a_time_the_oldest_goes() -> None:
    person = make_person()
    browsers = [Client() for _ in range(portal.LOGINS_AT_ONCE + 1)]
    for browser in browsers:
        enter(browser, person)
    assert [browser.get("/tasks/").status_code for browser in browsers] == [302] + [200] * portal.LOGINS_AT_ONCE


def test_ones_own_logins_are_listed_and_ended(client) -> None:
    person, other, stranger = make_person(), Client(), Client()
    client.force_login(person)
    other.force_login(person)
    stranger.force_login(make_person())
    shown = words(client.get(reverse("people:account")))
    assert shown.count("本次登录") == 1
    mine = LoginSession.objects.filter(person=person).latest("id")
    assert reverse("people:end_login", args=[mine.pk]) in shown
    strange = LoginSession.objects.exclude(person=person).get()
    assert client.post(reverse("people:end_login", args=[strange.pk])).status_code == 404
    client.post(reverse("people:end_login", args=[mine.pk]))
    assert other.get("/tasks/").status_code == 302
    assert stranger.get("/tasks/").status_code == 200


def test_an_old_password_must_be_changed_and_not_to_one_of_the_last_five(client) -> None:
    person = make_person()
    Person.objects.filter(pk=person.pk).update(password_at=timezone.now() - timedelta(days=91))
    client.force_login(Person.objects.get(pk=person.pk))
    assert client.get("/tasks/").url == reverse("people:password")
    assert "已到期" in words(client.get(reverse("people:password")))
    now = PASSWORD
    for number in range(6):
        new = f"Own-choice-{number}"
        given = {"old": now, "new": new, "again": new}
        assert client.post(reverse("people:password"), given).status_code == 302
        now = new
    assert client.get("/tasks/").status_code == 200
    assert UsedPassword.objects.filter(person=person).count() == 5
    again = {"old": now, "new": "Own-choice-1", "again": "Own-choice-1"}
    assert "最近 5 次" in words(client.post(reverse("people:password"), again))
    again = {"old": now, "new": PASSWORD, "again": PASSWORD}
    assert client.post(reverse("people:password"), again).status_code == 302


def test_the_old_password_is_not_guessed_at_an_open_screen(client) -> None:
    client.force_login(make_person())
    given = {"old": "wrong", "new": "Own-choice-2026", "again": "Own-choice-2026"}
    for _ in range(5):
        assert "现在的密码不正确" in words(client.post(reverse("people:password"), given))
    assert "已锁定" in words(client.post(reverse("people:password"), {**given, "old": PASSWORD}))


def test_an_initial_password_is_void_after_a_week(client) -> None:
    person = make_person(must_change_password=True, password_at=timezone.now() - timedelta(days=8))
    given = {"username": person.username, "password": PASSWORD}
    assert "已失效" in words(client.post(reverse("people:login"), given))
    assert "不正确" in words(client.post(reverse("people:login"), {**given, "password": "wrong"}))


def test_after_a_while_the_screen_is_locked_also_without_script(client) -> None:
    person = make_person(name="收费甲")
    client.force_login(person)
    rest(minutes=12)
    page = client.get("/tasks/?state=done")
    assert page.status_code == LOCKED
    assert "收费甲" in words(page)
    assert "任务中心" not in words(page)
    assert client.post(reverse("people:switch"), {"institution": "1"}).status_code == LOCKED
    piece = client.get("/tasks/", headers={"HX-Request": "true"})
    assert (piece.status_code, piece["HX-Trigger"], piece.content) == (204, "portal-locked", b"")
    wrong = client.post(reverse("people:unlock"), {"password": "wrong", "next": "/tasks/?state=done"})
    assert "密码不正确" in words(wrong)
    assert client.get("/tasks/").status_code == LOCKED
    right = client.post(reverse("people:unlock"), {"password": PASSWORD, "next": "/tasks/?state=done"})
    assert right.url == "/tasks/?state=done"
    assert client.get("/tasks/").status_code == 200


def test_the_lock_of_the_page_holds_on_the_server(client) -> None:
    client.force_login(make_person())
    ask = {"Accept": "application/json"}
    assert client.post(reverse("people:lock"), headers=ask).status_code == 204
    assert client.get("/tasks/").status_code == LOCKED
    assert client.post(reverse("people:alive")).json()["locked"]
    assert not client.post(reverse("people:unlock"), {"password": "wrong"}, headers=ask).json()["ok"]
    assert client.post(reverse("people:unlock"), {"password": PASSWORD}, headers=ask).json() == {"ok": True}
    assert client.get("/tasks/").status_code == 200


def test_unlocking_tries_are_counted_as_logins_are(client) -> None:
    client.force_login(make_person())
    client.post(reverse("people:lock"))
    for _ in range(5):
        client.post(reverse("people:unlock"), {"password": "wrong"})
    assert "已锁定" in words(client.post(reverse("people:unlock"), {"password": PASSWORD}))
    assert AuditEvent.objects.filter(action="people.locked_out").exists()


def test_unlocking_asks_for_the_code_where_a_login_would(client) -> None:
    person = make_person("reviewer")
    phone = enrol(person)
    client.force_login(person)
    client.post(reverse("people:lock"))
    ask = {"Accept": "application/json"}
    answer = client.post(reverse("people:unlock"), {"password": PASSWORD}, headers=ask).json()
    assert (answer["ok"], answer["code"]) == (False, True)
    given = {"password": PASSWORD, "code": code_at(phone)}
    assert client.post(reverse("people:unlock"), given, headers=ask).json() == {"ok": True}


def test_a_lock_that_lasts_too_long_becomes_a_login(client) -> None:
    client.force_login(make_person())
    client.post(reverse("people:lock"))
    rest(minutes=31)
    ask = {"Accept": "application/json"}
    answer = client.post(reverse("people:unlock"), {"password": PASSWORD}, headers=ask).json()
    assert (answer["ok"], answer["url"]) == (False, reverse("people:login"))


@pytest.mark.parametrize("locked", [False, True])
def test_another_operator_lands_at_home_and_the_former_is_out(client, locked: bool) -> None:
    former, following = make_person("cashier", name="收费甲"), make_person("cashier", name="收费乙")
    enter(client, former)
    if locked:
        client.post(reverse("people:lock"))
    bad = client.post(reverse("people:operator"), {"username": following.username, "password": "wrong"})
    assert "不正确" in words(bad)
    assert client.post(reverse("people:alive")).json()["locked"] is locked
    before = client.session.session_key
    answer = client.post(reverse("people:operator"), {"username": following.username, "password": PASSWORD})
    assert answer.url == reverse("desk:home")
    assert client.session.session_key != before
    shown = words(client.get("/", follow=True))
    assert re.search(r'class="top-person"[^>]*>收费乙', shown)
    ended = LoginSession.objects.get(person=former)
    assert (ended.ended is not None, ended.why) == (True, "切换操作员：收费乙")
    assert "收费甲（" in words(client.get(reverse("people:operator")))


def test_another_operator_gives_a_code_too(client) -> None:
    former, following = make_person("cashier"), make_person("reviewer")
    phone = enrol(following)
    enter(client, former)
    given = {"username": following.username, "password": PASSWORD}
    assert client.post(reverse("people:operator"), given).url == reverse("people:code")
    assert client.get("/tasks/").context["request"].user == former
    client.post(reverse("people:code"), {"code": code_at(phone)})
    assert client.get("/tasks/").context["request"].user == following


def test_a_form_sent_after_the_login_ended_leads_through_the_login_back_to_the_form(strict: Client) -> None:
    strictly_in(strict, make_person("system_admin"))
    page = reverse("system:person_new")
    given = {"csrfmiddlewaretoken": token_of(words(strict.get(page))), "username": "never", "name": "从未"}
    strict.cookies.clear()
    answer = strict.post(page, given, headers={"Referer": f"http://testserver{page}"})
    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('people:login')}?next={quote(page, safe='')}")
    assert not Person.objects.filter(username="never").exists()
    assert "没有执行" in words(strict.get(answer["Location"]))


def test_a_form_sent_by_another_than_its_opener_does_nothing_and_says_so(strict: Client) -> None:
    opener = make_person("system_admin", name="王系统")
    following = make_person("system_admin", name="李系统")
    strictly_in(strict, opener)
    form = words(strict.get(reverse("system:person_new")))
    given = {"csrfmiddlewaretoken": token_of(form), "username": "never", "name": "从未"}
    strictly_in(strict, following)
    answer = strict.post(reverse("system:person_new"), given)
    assert answer.status_code == 409
    for said in ("王系统", "李系统", "没有执行"):
        assert said in words(answer)
    piece = strict.post(
        reverse("system:person_new"),
        {"username": "never", "name": "从未"},
        headers={"X-CSRFToken": given["csrfmiddlewaretoken"], "HX-Request": "true"},
    )
    assert (piece.status_code, "<html" in words(piece)) == (409, False)
    assert not Person.objects.filter(username="never").exists()
    fresh = token_of(words(strict.get(reverse("system:person_new"))))
    assert strict.post(reverse("system:person_new"), {**given, "csrfmiddlewaretoken": fresh}).status_code == 200
    assert Person.objects.filter(username="never").exists()


def test_the_own_form_of_an_earlier_login_or_another_institution_is_refused_too(strict: Client) -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    person = make_person("system_admin", here)
    Membership.objects.create(person=person, institution=there, role="system_admin")
    strictly_in(strict, person)
    old = token_of(words(strict.get(reverse("system:person_new"))))
    assert (
        strict.post(reverse("people:switch"), {"csrfmiddlewaretoken": old, "institution": there.pk}).status_code == 302
    )
    given = {"csrfmiddlewaretoken": old, "username": "never", "name": "从未"}
    answer = strict.post(reverse("system:person_new"), given)
    assert (answer.status_code, "现在的机构是「另一院」" in words(answer)) == (409, True)
    now = token_of(words(strict.get(reverse("system:person_new"))))
    strictly_in(strict, person)
    answer = strict.post(reverse("system:person_new"), {**given, "csrfmiddlewaretoken": now})
    assert (answer.status_code, "上一次登录" in words(answer)) == (409, True)
    assert not Person.objects.filter(username="never").exists()


def test_a_token_that_nobody_had_is_refused_as_before(strict: Client) -> None:
    strictly_in(strict, make_person())
    for token in ("x" * 64, "x", ""):
        answer = strict.post(reverse("people:lock"), {"csrfmiddlewaretoken": token})
        assert (answer.status_code, "页面已过期" in words(answer)) == (403, True)


@pytest.fixture
def keep(client: Client) -> Callable[..., object]:
    def keep(path: str, fields: str) -> object:
        return client.post(reverse("people:draft"), {"path": path, "fields": fields})

    return keep


def test_a_half_filled_form_comes_back_to_its_person_only(client, keep: Callable[..., object]) -> None:
    person, other = make_person(), Client()
    client.force_login(person)
    other.force_login(make_person())
    assert keep("/x/new/", '[["name", "李某某"], ["note", "半张"]]').status_code == 200
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM people_draft")
        assert "李某某" not in cursor.fetchone()[0]
    ask = {"path": "/x/new/"}
    assert client.get(reverse("people:draft"), ask).json()["fields"] == [["name", "李某某"], ["note", "半张"]]
    assert other.get(reverse("people:draft"), ask).json() == {"saved": None, "fields": []}
    assert client.get(reverse("people:draft"), {"path": "/y/"}).json()["fields"] == []
    person.refresh_from_db()
    there = make_institution("H99990000002", "另一院")
    Membership.objects.create(person=person, institution=there, role="cashier")
    Person.objects.filter(pk=person.pk).update(current_institution=there)
    assert client.get(reverse("people:draft"), ask).json()["fields"] == []
    Person.objects.filter(pk=person.pk).update(current_institution=None)
    client.post(reverse("people:lock"), {"draft_path": "/x/new/"})
    client.post(reverse("people:unlock"), {"password": PASSWORD})
    assert client.get(reverse("people:draft"), ask).json()["fields"] == []


@pytest.mark.parametrize("fields", ["{", "[1]", '[["a"]]', '[["a", 1]]', '{"a": 1}', "null"])
def test_what_is_no_form_is_not_kept(client, keep: Callable[..., object], fields: str) -> None:
    client.force_login(make_person())
    assert keep("/x/", fields).status_code == 400
    assert keep("/x/", f'[["a", "{"x" * 200_001}"]]').status_code == 400
    assert keep("/x/" + "y" * 400, '[["a", "b"]]').status_code == 400


def test_drafts_are_few_and_short_lived(client, keep: Callable[..., object]) -> None:
    from portal.people import drafts
    from portal.people.models import Draft

    client.force_login(make_person())
    for number in range(drafts.MOST + 3):
        keep(f"/x/{number}/", '[["a", "b"]]')
    assert Draft.objects.count() == drafts.MOST
    assert client.get(reverse("people:draft"), {"path": "/x/0/"}).json()["saved"] is None
    Draft.objects.update(saved_at=timezone.now() - timedelta(hours=25))
    assert client.get(reverse("people:draft"), {"path": "/x/9/"}).json()["saved"] is None
    assert drafts.prune() == drafts.MOST


def test_the_secret_of_the_phone_is_its_owners(client) -> None:
    """Nobody's page shows another's secret: the set-up page is always one's own."""
    person, other = make_person(), make_person()
    secret = pyotp.random_base32()
    from portal.people.models import SecondFactor

    SecondFactor.objects.create(person=other, secret=secret)
    client.force_login(person)
    assert secret not in words(client.get(reverse("people:factor")))
