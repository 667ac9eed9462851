"""Everything that changes persons and their rights; each act is audited."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils import timezone

from portal.people import logins, passwords, throttle
from portal.people.actor import Actor, NotAllowed
from portal.people.audited import record
from portal.people.models import Institution, LoginSession, Membership, Person
from portal.people.roles import ROLES, THREE_OFFICERS

# Without 0 O 1 l I, which are mistaken for each other when a password is read out or written down.
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def make_password(length: int = 12) -> str:
    """Return a random initial password that can be read out, of capitals, small letters and digits."""
    while True:
        made = "".join(secrets.choice(LETTERS) for _ in range(length))
        if passwords.kinds_of(made) >= passwords.KINDS:
            return made


@transaction.atomic
def create_person(
    actor: Actor,
    *,
    username: str,
    name: str,
    password: str,
    must_change_password: bool = True,
) -> Person:
    """Make a person who can log in; rights come by `grant`, from somebody else. Raises ValidationError (Chinese)."""
    actor.must("people.manage")
    person = Person(username=username.strip(), name=name.strip(), current_institution=actor.institution)
    validate_password(password, person)
    person.set_password(password)
    person.full_clean()
    passwords.keep(person, password, must_change=must_change_password)
    record(actor, "people.create", [person], label=f"新建人员 {person.username}")
    return person


@transaction.atomic
def rename_person(actor: Actor, *, person: Person, name: str) -> None:
    """Correct the name. Raises ValidationError."""
    actor.must("people.manage")
    _must_reach(actor, person)
    if person.name == name.strip():
        return
    person.name = name.strip()
    person.full_clean(exclude=["password"])
    person.save(update_fields=["name"])
    record(actor, "people.rename", [person], label=f"更正姓名 {person.username}")


@transaction.atomic
def grant(
    actor: Actor,
    *,
    person: Person,
    role: str,
    institution: Institution | None = None,
    opter: str = "",
    opter_name: str = "",
) -> Membership:
    """Give `person` a role in `institution` (default: the actor's own), or change its operator number.

    Raises NotAllowed: for oneself, and for a second one of 系统/安全/审计管理员 (三员分立), in whatever institution.
    """
    institution = institution or actor.institution
    _must_grant(actor, institution, person)
    if role not in ROLES:
        raise NotAllowed(f"没有「{role}」这个角色。")
    _must_stay_apart(person, role)
    member, made = Membership.objects.update_or_create(
        person=person, institution=institution, role=role, defaults={"opter": opter, "opter_name": opter_name}
    )
    person.forget()
    words = f"授予 {person.username}「{ROLES[role].label}」" if made else f"更改 {person.username} 的经办人编号"
    record(actor, "people.grant", [person], label=words, role=role, institution=institution.fixmedins_code, opter=opter)
    return member


@transaction.atomic
def set_operator(actor: Actor, *, membership: Membership, opter: str, opter_name: str) -> None:
    """Change the operator number and name (opter, opter_name) that a role of a person brings into messages."""
    if not (actor.may("people.manage") or actor.may("people.grant")):
        actor.must("people.manage")
    if actor.person is not None and membership.institution != actor.institution:
        raise NotAllowed("此任职不属于当前机构，不能在这里修改。")
    membership.opter, membership.opter_name = opter.strip(), opter_name.strip()
    membership.full_clean()
    membership.save(update_fields=["opter", "opter_name"])
    person = membership.person
    record(actor, "people.operator", [person], label=f"更改 {person.username} 的经办人编号", opter=membership.opter)


@transaction.atomic
def revoke(actor: Actor, *, membership: Membership, reason: str = "") -> None:
    """Take a role away. Raises NotAllowed for oneself, and for the last one who holds an officer's role here."""
    person, role = membership.person, membership.role
    _must_grant(actor, membership.institution, person)
    _must_not_be_last(person, role, membership.institution)
    membership.delete()
    person.forget()
    words = f"收回 {person.username}「{ROLES[role].label}」"
    record(actor, "people.revoke", [person], label=words, role=role, reason=reason)


@transaction.atomic
def set_password(actor: Actor, *, person: Person, password: str, reason: str = "") -> None:
    """Give a new initial password, to be changed at the next login; logs the person out everywhere and unlocks."""
    actor.must("people.manage")
    _must_reach(actor, person)
    if actor.person is not None and person == actor.person:
        raise NotAllowed("自己的密码请在「我的账号」中修改。")
    validate_password(password, person)
    passwords.keep(person, password, must_change=True)
    throttle.clear(person.username)
    logins.end_others(person, None, "密码被重置")
    record(actor, "people.set_password", [person], label=f"重置 {person.username} 的密码", reason=reason)


@transaction.atomic
def change_password(actor: Actor | None, *, person: Person, password: str, login: LoginSession | None = None) -> None:
    """Take a person's own new password (the old one was checked); all logins but `login` end.

    Raises ValidationError.
    """
    validate_password(password, person)
    passwords.keep(person, password, must_change=False)
    logins.end_others(person, login, "密码已修改")
    if actor:
        record(actor, "people.change_password", [person], label="修改自己的密码")


@transaction.atomic
def lock_person(actor: Actor, *, person: Person, reason: str = "") -> None:
    """Stop a person from logging in; open logins end with their next request."""
    actor.must("people.manage")
    _must_reach(actor, person)
    if person == actor.person:
        raise NotAllowed("不能停用自己的账号。")
    for member in person.all_memberships:
        _must_not_be_last(person, member.role, member.institution)
    person.is_active = False
    person.save(update_fields=["is_active"])
    logins.end_others(person, None, "账号停用")
    record(actor, "people.lock", [person], label=f"停用 {person.username}", reason=reason)


@transaction.atomic
def unlock_person(actor: Actor, *, person: Person, reason: str = "") -> None:
    """Let a person log in again: switched on, and the lock after wrong passwords lifted."""
    actor.must("people.manage")
    _must_reach(actor, person)
    person.is_active, person.enabled_at = True, timezone.now()
    person.save(update_fields=["is_active", "enabled_at"])
    throttle.clear(person.username)
    record(actor, "people.unlock", [person], label=f"启用 {person.username}", reason=reason)


@transaction.atomic
def switch_institution(actor: Actor, *, institution: Institution) -> None:
    """Make `institution` the one in which the actor's person works now. Raises NotAllowed for a place not theirs."""
    person = actor.person
    if person is None or not person.memberships_at(institution):
        raise NotAllowed("您在该机构没有任职，不能切换到那里。")
    person.current_institution = institution
    person.save(update_fields=["current_institution"])
    record(actor, "people.switch", [person], label=f"切换到 {institution}")


def holders(role: str, institution: Institution) -> list[Person]:
    """Return the active persons who hold a role in an institution."""
    return list(Person.objects.filter(memberships__role=role, memberships__institution=institution, is_active=True))


def _must_grant(actor: Actor, institution: Institution, person: Person) -> None:
    """Rights are given by the 安全管理员 of that institution, and never to oneself."""
    Actor(institution=institution, person=actor.person, name=actor.name).must("people.grant")
    actor.must("people.grant")
    if person == actor.person:
        raise NotAllowed("不能更改自己的角色，请由另一位安全管理员操作。")
    if any(person.pk == absent.pk for absent in actor.standing.absent):
        raise NotAllowed(f"您正代 {person.name}，不能更改其本人的角色，请由另一位安全管理员操作。")


def _must_stay_apart(person: Person, role: str) -> None:
    """Refuse a second officer's role. The person's row is locked, so that two grants at once see each other."""
    if role not in THREE_OFFICERS:
        return
    Person.objects.select_for_update().get(pk=person.pk)
    held = Membership.objects.filter(person=person, role__in=THREE_OFFICERS).exclude(role=role).first()
    if held is not None:
        words = f"{person.name} 已是{held.get_role_display()}，不能再任{ROLES[role].label}"
        raise NotAllowed(f"{words}：系统、安全、审计管理员须由不同的人担任。")


def _must_not_be_last(person: Person, role: str, institution: Institution) -> None:
    """Refuse to leave an institution without one of its officers: nobody could manage, grant or audit any more."""
    if role not in THREE_OFFICERS or not person.is_active:
        return
    holding = Membership.objects.select_for_update().filter(role=role, institution=institution)
    if not holding.filter(person__is_active=True).exclude(person=person).exists():
        raise NotAllowed(f"{person.name} 是本机构唯一的{ROLES[role].label}，请先让另一人担任，再收回或停用。")


def _must_reach(actor: Actor, person: Person) -> None:
    """An account may be changed where it belongs: by its roles, or, while it has none, where it was made."""
    places = {member.institution_id for member in person.all_memberships}
    if not places and person.current_institution_id is not None:
        places = {person.current_institution_id}
    if actor.person is not None and places and actor.institution.pk not in places:
        raise NotAllowed("此人员不属于当前机构，不能在这里修改。")
