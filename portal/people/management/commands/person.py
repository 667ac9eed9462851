"""`manage.py person USERNAME NAME ROLE`: the first persons of an installation, or one more from the server room."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal.people import factor, services
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.people.roles import ROLES, THREE_OFFICERS


class Command(BaseCommand):
    """Makes a person with a role and prints the initial password once; `--reset` gives one back who is locked out.

    Of 系统/安全/审计管理员 it makes the first of each; further ones are made in 系统 · 人员 by two of them.
    """

    help = "新建人员并授予角色，打印一次初始密码；三员各建第一位，之后在「系统 · 人员」中办理"

    def add_arguments(self, parser: CommandParser) -> None:
        """Login name, name, role, institution."""
        parser.add_argument("username", help="登录名")
        parser.add_argument("name", nargs="?", default="", help="姓名")
        parser.add_argument(
            "role",
            nargs="?",
            choices=sorted(ROLES),
            help="角色；首次安装依次建 system_admin、security_admin、audit_admin（系统、安全、审计管理员）",
        )
        parser.add_argument("--institution", default=settings.INSTITUTION_CODE, help="定点医药机构编号")
        parser.add_argument(
            "--reset", action="store_true", help="重置此人的密码和动态验证码，用于唯一的管理员无法登录时"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the person, or give them back their login."""
        institution = _institution(options["institution"])
        actor, password = Actor.system(institution, "命令行"), services.make_password()
        try:
            with transaction.atomic():
                person = _reset(actor, options, password) if options["reset"] else _make(actor, options, password)
        except ValidationError as error:
            raise CommandError("；".join(error.messages)) from None
        except NotAllowed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"登录名 {person.username}，初始密码 {password}（首次登录须修改）")


def _institution(code: str) -> Institution:
    if code == settings.INSTITUTION_CODE:
        return Institution.objects.first_one()
    found = Institution.objects.filter(fixmedins_code=code).first()
    if found is None:
        raise CommandError(f"没有机构 {code}。")
    return found


def _make(actor: Actor, options: dict[str, Any], password: str) -> Person:
    role = options["role"]
    if not options["name"] or role is None:
        raise CommandError("须给出登录名、姓名和角色。")
    if role in THREE_OFFICERS and services.holders(role, actor.institution):
        raise CommandError(
            f"本机构已有{ROLES[role].label}。更多的请由系统管理员建账号、安全管理员授权（系统 · 人员）。"
        )
    person = services.create_person(actor, username=options["username"], name=options["name"], password=password)
    services.grant(actor, person=person, role=role)
    return person


def _reset(actor: Actor, options: dict[str, Any], password: str) -> Person:
    person = Person.objects.filter(username=options["username"]).first()
    if person is None:
        raise CommandError(f"没有登录名 {options['username']}。")
    services.set_password(actor, person=person, password=password)
    services.unlock_person(actor, person=person, reason="命令行重置")
    factor.reset(actor, person=person, reason="命令行重置")
    return person
