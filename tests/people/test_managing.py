"""系统 · 人员: services, their limits and their audit (三员分立), and the pages over them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings as portal
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.people import factor, services, throttle
from portal.people.actor import Actor, NotAllowed
from portal.people.models import LoginSession, Membership, Person, SecondFactor
from portal.people.roles import THREE_OFFICERS
from portal.people.standing import Delegation
from portal.system.people_sweeps import end_stale_logins, lock_silent
from tests.people.factories import PASSWORD, make_actor, make_institution, make_person

pytestmark = pytest.mark.django_db
STRANGE = "H99990000002"


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("id")


def test_one_makes_the_account_another_gives_the_role() -> None:
    system, security = make_actor("system_admin"), make_actor("security_admin")
    person = services.create_person(system, username="new", name="新人", password=PASSWORD)
    assert person.must_change_password
    assert not person.memberships.exists()
    assert last_event().subjects == [f"people.person:{person.pk}"]
    with pytest.raises(NotAllowed, match="人员 · 授权"):
        services.grant(system, person=person, role="cashier")
    with pytest.raises(NotAllowed, match="人员 · 管理"):
        services.create_person(security, username="other", name="新人", password=PASSWORD)
    services.grant(security, person=person, role="cashier", opter="0001", opter_name="新人")
    assert person.may("desk.view", security.institution)
    assert last_event().detail["role"] == "cashier"
    assert PASSWORD not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("username", "password", "said"),
    [
        ("weak", "12345", "密码至少 10 位"),
        ("plain", "abcdefghij12", "至少 3 种"),
        ("", PASSWORD, "此字段不能为空"),
        ("taken", PASSWORD, "已存在"),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said_in_chinese(username: str, password: str, said: str) -> None:
    make_person(username="taken")
    with pytest.raises(ValidationError) as caught:
        services.create_person(make_actor("system_admin"), username=username, name="甲", password=password)
    assert said in "".join(caught.value.messages)


@pytest.mark.parametrize("role", ["insurance_office", "it", "audit_admin"])
def test_who_may_not_manage_may_not(role: str) -> None:
    actor, person = make_actor(role), make_person("cashier")
    for act in (
        lambda: services.create_person(actor, username="x", name="x", password=PASSWORD),
        lambda: services.grant(actor, person=person, role="it"),
        lambda: services.set_password(actor, person=person, password=PASSWORD),
        lambda: services.lock_person(actor, person=person),
        lambda: services.rename_person(actor, person=person, name="x"),
        lambda: services.revoke(actor, membership=person.memberships.get()),
        lambda: services.set_operator(actor, membership=person.memberships.get(), opter="1", opter_name=""),
        lambda: factor.reset(actor, person=person),
    ):
        with pytest.raises(NotAllowed, match="「人员 · "):
            act()


def test_nobody_manages_another_institutions_people() -> None:
    there = make_institution(STRANGE, "另一院")
    person = make_person("cashier", there)
    system, security = make_actor("system_admin"), make_actor("security_admin")
    with pytest.raises(NotAllowed, match="不属于当前机构"):
        services.set_password(system, person=person, password="Another-one-2026")
    with pytest.raises(NotAllowed):
        services.grant(security, person=person, role="it", institution=there)
    with pytest.raises(NotAllowed, match="不属于当前机构"):
        services.set_operator(system, membership=person.memberships.get(), opter="1", opter_name="")
    with pytest.raises(NotAllowed, match="不属于当前机构"):
        factor.reset(security, person=person)


@pytest.mark.parametrize("first", sorted(THREE_OFFICERS))
@pytest.mark.parametrize("second", sorted(THREE_OFFICERS))
def test_nobody_is_two_of_the_three_officers_anywhere(first: str, second: str) -> None:
    here, there = make_institution(), make_institution(STRANGE, "另一院")
    person = make_person(first, there)
    Membership.objects.create(person=person, institution=here, role="cashier")
    person.forget()
    security = make_actor("security_admin", here)
    if first == second:
        services.grant(security, person=person, role=second)
        return
    with pytest.raises(NotAllowed, match="须由不同的人担任"):
        services.grant(security, person=person, role=second)
    assert set(person.memberships.values_list("role", flat=True)) == {first, "cashier"}


def test_nobody_changes_the_own_roles_or_locks_oneself_out() -> None:
    security, system = make_actor("security_admin"), make_actor("system_admin")
    make_person("security_admin")
    with pytest.raises(NotAllowed, match="自己的角色"):
        services.grant(security, person=security.person, role="manager")
    with pytest.raises(NotAllowed, match="自己的角色"):
        services.revoke(security, membership=security.person.memberships.get())
    with pytest.raises(NotAllowed, match="自己的"):
        factor.reset(security, person=security.person)
    for act in (services.lock_person,):
        with pytest.raises(NotAllowed, match="自己"):
            act(system, person=system.person)
    with pytest.raises(NotAllowed, match="自己的密码"):
        services.set_password(system, person=system.person, password="Another-one-2026")


@pytest.mark.parametrize("role", ["system_admin", "audit_admin"])
def test_the_last_of_an_officer_stays(role: str) -> None:
    security, officer = make_actor("security_admin"), make_person(role)
    system = make_actor("system_admin") if role != "system_admin" else None
    with pytest.raises(NotAllowed, match=f"唯一的{officer.memberships.get().get_role_display()}"):
        services.revoke(security, membership=officer.memberships.get())
    if system:
        with pytest.raises(NotAllowed, match="唯一的"):
            services.lock_person(system, person=officer)
    make_person(role, is_active=False)
    with pytest.raises(NotAllowed, match="唯一的"):
        services.revoke(security, membership=officer.memberships.get())
    make_person(role)
    services.revoke(security, membership=officer.memberships.get())
    assert not officer.memberships.exists()


def test_a_locked_persons_open_session_ends(client) -> None:
    person = make_person()
    client.force_login(person)
    assert client.get("/tasks/").status_code == 200
    system = make_actor("system_admin")
    services.lock_person(system, person=person, reason="离职")
    assert client.get("/tasks/").status_code == 302
    assert last_event().reason == "离职"
    services.unlock_person(system, person=person)
    assert Person.objects.get(pk=person.pk).is_active


def test_a_new_password_unlocks_and_must_be_changed() -> None:
    person = make_person()
    for _ in range(5):
        throttle.spend(person.username, "10.0.0.1")
    assert throttle.locked_until(person.username)
    services.set_password(make_actor("system_admin"), person=person, password="Another-one-2026")
    person.refresh_from_db()
    assert person.must_change_password
    assert person.check_password("Another-one-2026")
    assert throttle.locked_until(person.username) is None


def test_a_new_person_through_the_pages(client) -> None:
    client.force_login(make_person("system_admin"))
    form = {"username": "nurse", "name": "护士甲"}
    shown = client.post(reverse("system:person_new"), form)
    password = re.search(r"初始密码</dt>\s*<dd><code>([^<]+)", shown.content.decode()).group(1)
    assert "no-store" in shown["Cache-Control"]
    other = Client()
    assert other.post(reverse("people:login"), {"username": "nurse", "password": password}).status_code == 302
    assert other.get("/tasks/").url == reverse("people:password")
    assert "已有人使用" in client.post(reverse("system:person_new"), form).content.decode()
    assert "护士甲" in client.get(reverse("system:people"), {"tab": "initial"}).content.decode()


def test_roles_through_the_pages(client) -> None:
    client.force_login(make_person("security_admin", name="王安全"))
    person = make_person("cashier", name="收费甲")
    client.post(reverse("system:person_grant", args=[person.pk]), {"role": "reviewer"})
    assert set(person.memberships.values_list("role", flat=True)) == {"cashier", "reviewer"}
    member = person.memberships.get(role="cashier")
    revoke = reverse("system:person_revoke", args=[person.pk, member.pk])
    assert client.post(revoke, {"reason": ""}).status_code == 200
    assert person.memberships.count() == 2
    client.post(revoke, {"reason": "调岗"})
    last = person.memberships.get()
    client.post(reverse("system:person_operator", args=[person.pk, last.pk]), {"opter": "0815", "opter_name": "甲"})
    shown = client.get(reverse("system:person", args=[person.pk])).content.decode()
    for said in ("授予", "收回", "王安全", "调岗", "0815"):
        assert said in shown
    client.post(reverse("system:person_revoke", args=[person.pk, last.pk]), {"reason": "离职"})
    assert not person.memberships.exists()


def test_locks_through_the_pages(client) -> None:
    client.force_login(make_person("system_admin"))
    person = make_person("cashier", name="收费甲")
    client.post(reverse("system:person_act", args=[person.pk, "lock"]), {"reason": "离职"})
    assert not Person.objects.get(pk=person.pk).is_active
    assert "收费甲" in client.get(reverse("system:people"), {"tab": "off"}).content.decode()
    client.post(reverse("system:person_act", args=[person.pk, "unlock"]), {"reason": "返岗"})
    reset = reverse("system:person_reset", args=[person.pk])
    assert "初始密码" not in client.post(reset, {"reason": ""}).content.decode()
    assert "初始密码</dt>" in client.post(reset, {"reason": "忘记密码"}).content.decode()
    assert last_event().reason == "忘记密码"
    assert Person.objects.get(pk=person.pk).is_active
    client.post(reverse("system:person_name", args=[person.pk]), {"name": "收费乙"})
    assert Person.objects.get(pk=person.pk).name == "收费乙"
    assert client.post(reverse("system:person_act", args=[person.pk, "factor"]), {"reason": "丢失"}).status_code == 403


def test_another_institutions_person_is_not_there(client) -> None:
    client.force_login(make_person("system_admin"))
    strange = make_person("cashier", make_institution(STRANGE, "另一院"), name="外人甲")
    member = strange.memberships.get()
    for name, args in (
        ("person", [strange.pk]),
        ("person_name", [strange.pk]),
        ("person_act", [strange.pk, "lock"]),
        ("person_operator", [strange.pk, member.pk]),
    ):
        assert client.get(reverse(f"system:{name}", args=args)).status_code == 404
    assert client.post(reverse("system:person_reset", args=[strange.pk])).status_code == 404
    assert "外人甲" not in client.get(reverse("system:people"), {"tab": "all"}).content.decode()


@pytest.mark.parametrize("role", ["insurance_office", "manager", "cashier", "it", "audit_admin"])
@pytest.mark.parametrize("name", ["people", "person_new", "person_join", "logins"])
def test_others_do_not_see_the_pages(client, role: str, name: str) -> None:
    client.force_login(make_person(role))
    assert client.get(reverse(f"system:{name}")).status_code == 403
    assert client.get(reverse("system:person", args=[make_person("cashier").pk])).status_code == 403


def test_somebody_of_another_institution_joins_by_the_whole_login_name(client) -> None:
    here, there = make_institution(), make_institution(STRANGE, "另一院")
    strange = make_person("cashier", there, username="strange-one")
    client.force_login(make_person("security_admin", here))
    join = reverse("system:person_join")
    assert "没有这个登录名" in client.post(join, {"username": "strange", "role": "cashier"}).content.decode()
    given = {"username": "strange-one", "role": "cashier", "opter": "0007", "opter_name": ""}
    assert client.post(join, given).url == reverse("system:person", args=[strange.pk])
    assert strange.may("desk.view", here)
    assert client.get(reverse("system:person", args=[strange.pk])).status_code == 200
    assert strange.memberships.get(institution=there).opter == ""
    client.force_login(make_person("system_admin", here))
    assert client.get(join).status_code == 403


def test_the_role_filter_finds_who_holds_it_here_and_who_holds_none(client) -> None:
    client.force_login(make_person("security_admin"))
    make_person("cashier", name="收费甲")
    make_person(None, name="无角色乙", current_institution=make_institution())
    found = client.get(reverse("system:people"), {"role": "cashier"}).content.decode()
    assert "收费甲" in found
    assert "无角色乙" not in found
    found = client.get(reverse("system:people"), {"role": "none"}).content.decode()
    assert "无角色乙" in found
    assert "收费甲" not in found


@pytest.mark.parametrize("rows", [1, 12])
@pytest.mark.parametrize("name", ["people", "logins"])
def test_the_list_costs_the_same_for_any_number(client, django_assert_max_num_queries, name: str, rows: int) -> None:
    client.force_login(make_person("system_admin"))
    for _ in range(rows):
        Client().force_login(make_person("cashier"))
    with django_assert_max_num_queries(15):
        client.get(reverse(f"system:{name}"))


def test_a_login_is_ended_by_who_manages_accounts_here_only(client) -> None:
    victim, other = make_person("cashier"), Client()
    other.force_login(victim)
    login = LoginSession.objects.get(person=victim)
    client.force_login(make_person("system_admin", make_institution(STRANGE, "另一院")))
    assert client.post(reverse("system:login_end", args=[login.pk])).status_code == 404
    assert other.get("/tasks/").status_code == 200
    client.force_login(make_person("system_admin", name="王系统"))
    assert client.get(reverse("system:login_end", args=[login.pk])).status_code == 200
    client.post(reverse("system:login_end", args=[login.pk]))
    assert "由王系统结束" in other.get("/tasks/", follow=True).content.decode()
    assert last_event().action == "people.end_login"


def test_the_command_makes_the_first_of_each_officer_and_no_second(capsys) -> None:
    place = make_institution()
    call_command("person", "first", "第一人", "system_admin", institution=place.fixmedins_code)
    password = re.search("初始密码 ([^（]+)", capsys.readouterr().out).group(1)
    person = Person.objects.get(username="first")
    assert person.check_password(password)
    assert Membership.objects.get(person=person).role == "system_admin"
    assert AuditEvent.objects.filter(actor_name="命令行").count() == 2
    call_command("person", "second", "第二人", "security_admin", institution=place.fixmedins_code)
    with pytest.raises(CommandError, match="已有系统管理员"):
        call_command("person", "third", "第三人", "system_admin", institution=place.fixmedins_code)
    with pytest.raises(CommandError, match="没有机构"):
        call_command("person", "x", "x", "it", institution="H0")
    with pytest.raises(CommandError, match="已存在"):
        call_command("person", "first", "x", "it", institution=place.fixmedins_code)


def test_the_command_lets_the_only_officer_in_again(capsys) -> None:
    person = make_person("system_admin", username="only", is_active=False)
    SecondFactor.objects.create(person=person, secret="A" * 32, confirmed_at=timezone.now())
    call_command("person", "only", reset=True, institution=make_institution().fixmedins_code)
    password = re.search("初始密码 ([^（]+)", capsys.readouterr().out).group(1)
    person = Person.objects.get(pk=person.pk)
    assert person.check_password(password)
    assert person.is_active
    assert not factor.has_factor(person)


@pytest.fixture
def long_ago() -> Callable[[Person], None]:
    def move(person: Person) -> None:
        then = timezone.now() - timedelta(days=portal.ACCOUNT_SILENT_DAYS + 1)
        Person.objects.filter(pk=person.pk).update(created_at=then, enabled_at=then, last_login=then)

    return move


def test_silent_accounts_are_locked_with_a_word_but_not_the_last_officer(settings, long_ago) -> None:
    silent, officer, busy, back = (make_person(role) for role in ("cashier", "audit_admin", "cashier", "cashier"))
    for person in (silent, officer, back):
        long_ago(person)
    Person.objects.filter(pk=back.pk).update(enabled_at=timezone.now())
    lock_silent()
    states = {person.pk: Person.objects.get(pk=person.pk).is_active for person in (silent, officer, busy, back)}
    assert states == {silent.pk: False, officer.pk: True, busy.pk: True, back.pk: True}
    event = AuditEvent.objects.get(action="people.lock")
    assert (event.actor_name, event.person) == ("定时", None)
    assert "90 天" in event.reason
    settings.ACCOUNT_SILENT_DAYS = 0
    long_ago(busy)
    lock_silent()
    assert Person.objects.get(pk=busy.pk).is_active


def test_logins_whose_browser_never_came_back_end() -> None:
    Client().force_login(make_person())
    end_stale_logins()
    assert LoginSession.objects.get().ended is None
    LoginSession.objects.update(seen=timezone.now() - timedelta(minutes=portal.SESSION_IDLE_MINUTES + 1))
    end_stale_logins()
    assert "没有操作" in LoginSession.objects.get().why


def test_a_deputy_gives_no_roles_to_whom_they_stand_in_for() -> None:
    """代办 is never for one's own work: the absent security officer gets nothing by way of the deputy."""
    place = make_institution()
    absent, deputy = make_person("security_admin", place), make_person("manager", place)
    today = timezone.localdate()
    Delegation.objects.create(
        institution=place, absent=absent, deputy=deputy, starts_on=today, ends_on=today, reason="休假", made_by=absent
    )
    actor = Actor.of(deputy, place)
    services.grant(actor, person=make_person("it", place), role="pharmacy")
    with pytest.raises(NotAllowed, match="不能更改其本人的角色"):
        services.grant(actor, person=absent, role="insurance_office")
    assert not absent.memberships.filter(role="insurance_office").exists()
