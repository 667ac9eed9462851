"""The second factor: who must, when, each code once, recovery, reset, and signing in place."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.people import factor
from portal.people.actor import Actor, NotAllowed
from portal.people.login import CodeWanted, LoginRefused, authenticate_second
from portal.people.models import LoginSession, Membership, Person, RecoveryCode, SecondFactor
from portal.people.roles import ROLES
from tests.people.factories import PASSWORD, make_actor, make_institution, make_person

pytestmark = pytest.mark.django_db
STRICT = {"insurance_office", "reviewer", "manager", "system_admin", "security_admin", "audit_admin"}


def enrol(person: Person) -> pyotp.TOTP:
    """Give a person a factor that is switched on; return what the phone has."""
    secret = pyotp.random_base32()
    SecondFactor.objects.create(person=person, secret=secret, confirmed_at=timezone.now())
    return pyotp.TOTP(secret)


def code_at(phone: pyotp.TOTP, seconds: int = 0) -> str:
    return phone.at(timezone.now() + timedelta(seconds=seconds))


def words(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


def log_in(client: Client, person: Person) -> object:
    return client.post(reverse("people:login"), {"username": person.username, "password": PASSWORD})


def test_each_code_counts_once_and_one_step_aside() -> None:
    person = make_person()
    phone = enrol(person)
    assert not factor.check(person, code_at(phone, -90))
    assert not factor.check(person, code_at(phone, 90))
    now = code_at(phone)
    assert factor.check(person, f" {now[:3]} {now[3:]} ")
    assert not factor.check(person, now)
    assert not factor.check(person, code_at(phone, -30))
    assert factor.check(person, code_at(phone, 30))


@pytest.mark.parametrize("code", ["", "000000000", "abcdef", "１２３４５６", "12345", "²²²²²²", "'; drop"])
def test_what_is_no_code_is_refused(code: str) -> None:
    person = make_person()
    enrol(person)
    assert not factor.check(person, code)
    assert not factor.check(make_person(), code)


@pytest.mark.django_db(transaction=True)
def test_one_code_twice_at_the_same_moment_is_taken_once() -> None:
    person = make_person()
    code, taken = code_at(enrol(person)), []

    def give() -> None:
        taken.append(factor.check(person, code))
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


@pytest.mark.parametrize("role", sorted(ROLES))
def test_officers_approvers_and_who_asks_for_clear_data_give_a_code_each_time(role: str) -> None:
    person = make_person(role)
    assert factor.strict(person) == (role in STRICT)
    assert not factor.wanted(person, "10.0.0.1")
    enrol(person)
    assert factor.wanted(person, "10.0.0.1")
    LoginSession.objects.create(person=person, ip="10.0.0.1", seen=timezone.now(), factor_at=timezone.now())
    assert factor.wanted(person, "10.0.0.1") == (role in STRICT)
    assert factor.wanted(person, "10.0.0.2")
    LoginSession.objects.update(factor_at=timezone.now() - timedelta(hours=13))
    assert factor.wanted(person, "10.0.0.1")


def test_setting_it_up_through_the_page(client) -> None:
    person = make_person("cashier")
    client.force_login(person)
    shown = words(client.get(reverse("people:factor")))
    secret = re.search(r"密钥：<code>([A-Z2-7]{32})<", shown).group(1)
    assert 'src="data:image/svg+xml' in shown
    assert "不正确" in words(client.post(reverse("people:factor"), {"code": "000000"}))
    assert not factor.has_factor(person)
    kept = SecondFactor.objects.get(person=person)
    assert secret == kept.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM people_secondfactor")
        assert secret not in cursor.fetchone()[0]
    given = words(client.post(reverse("people:factor"), {"code": code_at(pyotp.TOTP(secret))}))
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", given)
    assert len(set(codes)) == 10
    assert factor.has_factor(person)
    assert AuditEvent.objects.filter(action="people.factor_on", person=person).exists()
    assert client.get(reverse("people:factor")).url == reverse("people:account")
    assert secret not in words(client.get(reverse("people:account")))
    assert factor.check(person, codes[0].upper().replace("-", " "))
    assert not factor.check(person, codes[0])
    assert factor.recovery_left(person) == 9
    assert not RecoveryCode.objects.filter(code_digest__contains=codes[1].replace("-", "")).exists()


def test_new_recovery_codes_need_a_code_and_void_the_old(client) -> None:
    person = make_person("cashier")
    phone = enrol(person)
    old = factor.renew_recovery(Actor.of(person, make_institution()), person=person)
    client.force_login(person)
    client.post(reverse("people:recovery"), {"code": "000000"})
    assert factor.recovery_left(person) == 10
    assert old[0] not in words(client.post(reverse("people:recovery"), {"code": code_at(phone)}))
    assert not factor.check(person, old[0])
    for _ in range(5):
        client.post(reverse("people:recovery"), {"code": "000000"})
    again = client.post(reverse("people:recovery"), {"code": code_at(phone, 30)}, follow=True)
    assert "已锁定" in words(again)


def test_a_login_waits_for_its_code(client) -> None:
    person = make_person("reviewer")
    phone = enrol(person)
    assert log_in(client, person).url == reverse("people:code")
    assert client.get("/tasks/").status_code == 302
    assert "还可以试 4 次" in words(client.post(reverse("people:code"), {"code": "000000"}))
    assert client.post(reverse("people:code"), {"code": code_at(phone)}).url == "/"
    assert client.get("/tasks/").status_code == 200
    assert LoginSession.objects.get(person=person).factor_at is not None
    client.post(reverse("people:logout"))
    assert log_in(client, person).url == reverse("people:code")


def test_a_right_password_does_not_give_back_the_tries_for_the_code(client) -> None:
    person = make_person("reviewer")
    phone = enrol(person)
    for left in (4, 3, 2, 1):
        log_in(client, person)
        assert f"还可以试 {left} 次" in words(client.post(reverse("people:code"), {"code": "000000"}))
    log_in(client, person)
    assert "锁定 15 分钟" in words(client.post(reverse("people:code"), {"code": "000000"}))
    assert "验证码连续输错" in words(client.post(reverse("people:code"), {"code": code_at(phone)}))
    assert "验证码" in AuditEvent.objects.get(action="people.locked_out").label


def test_the_step_of_the_code_does_not_wait_for_ever(client) -> None:
    person = make_person("reviewer")
    phone = enrol(person)
    assert client.get(reverse("people:code")).url == reverse("people:login")
    log_in(client, person)
    session = client.session
    session["pending"] = {**session["pending"], "until": 1.0}
    session.save()
    assert client.post(reverse("people:code"), {"code": code_at(phone)}).url == reverse("people:login")
    assert client.get("/tasks/").status_code == 302


def test_once_a_shift_for_the_rest(client) -> None:
    person = make_person("cashier")
    phone = enrol(person)
    log_in(client, person)
    client.post(reverse("people:code"), {"code": code_at(phone)})
    client.post(reverse("people:logout"))
    assert log_in(client, person).url == "/"
    assert log_in(Client(REMOTE_ADDR="10.0.0.9"), person).url == reverse("people:code")


def test_where_it_is_required_nothing_opens_without_it(client, settings) -> None:
    settings.FACTOR = "required"
    person = make_person("cashier")
    log_in(client, person)
    assert client.get("/tasks/").url == reverse("people:factor")
    assert client.get("/tasks/", headers={"HX-Request": "true"})["HX-Redirect"] == reverse("people:factor")
    assert "须先启用" in words(client.get(reverse("people:factor")))
    phone = pyotp.TOTP(SecondFactor.objects.get(person=person).secret)
    client.post(reverse("people:factor"), {"code": code_at(phone)})
    assert client.get("/tasks/").status_code == 200
    factor.reset(make_actor("security_admin"), person=person, reason="手机遗失")
    assert client.get("/tasks/").url.startswith(reverse("people:login"))
    log_in(client, person)
    assert client.get("/tasks/").url == reverse("people:factor")


def test_a_role_given_during_a_login_asks_for_the_factor_at_once(client, settings) -> None:
    settings.FACTOR = "required"
    person = make_person(None)
    log_in(client, person)
    assert client.get(reverse("people:account")).status_code == 200
    Membership.objects.create(person=person, institution=make_institution(), role="reviewer")
    assert client.get("/tasks/").url == reverse("people:factor")


def test_only_the_own_and_only_security_resets() -> None:
    person, actor = make_person("cashier"), make_actor("security_admin")
    with pytest.raises(NotAllowed, match="本人"):
        factor.confirm(actor, person=person, code="000000")
    with pytest.raises(NotAllowed):
        factor.reset(make_actor("system_admin"), person=person)
    enrol(person)
    factor.reset(actor, person=person, reason="手机遗失")
    assert not factor.has_factor(person)
    event = AuditEvent.objects.get(action="people.factor_off")
    assert (event.reason, event.subjects) == ("手机遗失", [f"people.person:{person.pk}"])


@pytest.fixture
def sign() -> Callable[..., Person]:
    def sign(person: Person, code: str = "", password: str = PASSWORD) -> Person:
        return authenticate_second(person.username, password, code, "10.0.0.1")

    return sign


def test_signing_in_place_asks_for_password_and_factor(settings, sign: Callable[..., Person]) -> None:
    person = make_person("cashier")
    assert sign(person) == person
    phone = enrol(person)
    LoginSession.objects.create(person=person, ip="10.0.0.1", seen=timezone.now(), factor_at=timezone.now())
    with pytest.raises(CodeWanted, match="动态验证码"):
        sign(person)
    with pytest.raises(LoginRefused, match="还可以试 4 次"):
        sign(person, "000000")
    code = code_at(phone)
    assert sign(person, code) == person
    with pytest.raises(LoginRefused, match="已用过"):
        sign(person, code)
    with pytest.raises(LoginRefused, match="登录名或密码不正确"):
        sign(person, code_at(phone, 30), "wrong")
    settings.FACTOR = "required"
    with pytest.raises(LoginRefused, match="还没有启用"):
        sign(make_person("reviewer"))
    with pytest.raises(LoginRefused, match="自己的密码"):
        sign(make_person("reviewer", must_change_password=True))
    assert LoginSession.objects.count() == 1


def test_who_must_change_an_old_password_does_not_sign_in_place(settings, sign: Callable[..., Person]) -> None:
    person = make_person("reviewer")
    Person.objects.filter(pk=person.pk).update(
        password_at=timezone.now() - timedelta(days=settings.PASSWORD_AGE_DAYS + 1)
    )
    with pytest.raises(LoginRefused, match="密码已到期"):
        sign(person)
