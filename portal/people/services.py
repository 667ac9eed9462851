"""Everything that changes persons and their rights; each act is audited."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from portal.audit.services import record
from portal.people import throttle
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Membership, Person
from portal.people.roles import ROLES

# Without 0 O 1 l I, which are mistaken for each other when a password is read out or written down.
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def make_password(length: int = 12) -> str:
    """Return a random initial password that can be read out."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


@transaction.atomic
def create_person(
    actor: Actor,
    *,
    username: str,
    name: str,
    password: str,
    must_change_password: bool = True,
) -> Person:
    """Make a person who can log in; rights come by `grant`. Raises ValidationError (Chinese words)."""
    actor.must("people.manage")
    person = Person(username=username.strip(), name=name.strip(), must_change_password=must_change_password)
    validate_password(password, person)
    person.set_password(password)
    person.full_clean()
    person.save()
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
    """Give `person` a role in `institution` (default: the actor's own), or change its operator number."""
    institution = institution or actor.institution
    _must_manage(actor, institution)
    if role not in ROLES:
        raise NotAllowed(f"没有「{role}」这个角色。")
    member, made = Membership.objects.update_or_create(
        person=person, institution=institution, role=role, defaults={"opter": opter, "opter_name": opter_name}
    )
    person.forget()
    words = f"授予 {person.username}「{ROLES[role].label}」" if made else f"更改 {person.username} 的经办人编号"
    record(actor, "people.grant", [person], label=words, role=role, institution=institution.fixmedins_code, opter=opter)
    return member


@transaction.atomic
def revoke(actor: Actor, *, membership: Membership, reason: str = "") -> None:
    """Take a role away. Raises NotAllowed for one's own last right to manage persons: nobody could give it back."""
    _must_manage(actor, membership.institution)
    person, role = membership.person, membership.role
    if person == actor.person and ROLES[role].grants("people.manage"):
        raise NotAllowed("不能收回自己的人员管理权限，请由另一位有此权限的人员操作。")
    membership.delete()
    person.forget()
    words = f"收回 {person.username}「{ROLES[role].label}」"
    record(actor, "people.revoke", [person], label=words, role=role, reason=reason)


@transaction.atomic
def set_password(actor: Actor, *, person: Person, password: str) -> None:
    """Give a new initial password, to be changed at the next login; logs the person out everywhere and unlocks."""
    actor.must("people.manage")
    _must_reach(actor, person)
    validate_password(password, person)
    person.set_password(password)
    person.must_change_password = True
    person.save(update_fields=["password", "must_change_password"])
    throttle.clear(person.username)
    record(actor, "people.set_password", [person], label=f"重置 {person.username} 的密码")


@transaction.atomic
def change_password(actor: Actor | None, *, person: Person, password: str) -> None:
    """Take a person's own new password (the old one was checked). Raises ValidationError."""
    validate_password(password, person)
    person.set_password(password)
    person.must_change_password = False
    person.save(update_fields=["password", "must_change_password"])
    if actor:
        record(actor, "people.change_password", [person], label="修改自己的密码")


@transaction.atomic
def lock_person(actor: Actor, *, person: Person, reason: str = "") -> None:
    """Stop a person from logging in; open sessions end with their next request."""
    actor.must("people.manage")
    _must_reach(actor, person)
    if person == actor.person:
        raise NotAllowed("不能停用自己的账号。")
    person.is_active = False
    person.save(update_fields=["is_active"])
    record(actor, "people.lock", [person], label=f"停用 {person.username}", reason=reason)


@transaction.atomic
def unlock_person(actor: Actor, *, person: Person, reason: str = "") -> None:
    """Let a person log in again: switched on, and the lock after wrong passwords lifted."""
    actor.must("people.manage")
    _must_reach(actor, person)
    person.is_active = True
    person.save(update_fields=["is_active"])
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


def _must_manage(actor: Actor, institution: Institution) -> None:
    """Rights are given where one may manage persons oneself."""
    there = Actor(institution=institution, person=actor.person, name=actor.name)
    there.must("people.manage")


def _must_reach(actor: Actor, person: Person) -> None:
    """An account may be changed by those who manage an institution it belongs to, or when it belongs to none."""
    places = {member.institution_id for member in person.all_memberships}
    if actor.person is not None and places and actor.institution.pk not in places:
        raise NotAllowed("此人员不属于当前机构，不能在这里修改。")
