"""`manage.py person USERNAME NAME ROLE`: the first person of an installation, or one more from the server room."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal.people import services
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.people.roles import ROLES


class Command(BaseCommand):
    """Makes a person with a role and prints the initial password once."""

    help = "新建人员并授予角色，打印一次初始密码"

    def add_arguments(self, parser: CommandParser) -> None:
        """Login name, name, role, institution."""
        parser.add_argument("username", help="登录名")
        parser.add_argument("name", help="姓名")
        parser.add_argument("role", choices=sorted(ROLES), help="角色，第一个人用 it（信息科）")
        parser.add_argument("--institution", default=settings.INSTITUTION_CODE, help="定点医药机构编号")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the person."""
        if options["institution"] == settings.INSTITUTION_CODE:
            institution: Institution | None = Institution.objects.first_one()
        else:
            institution = Institution.objects.filter(fixmedins_code=options["institution"]).first()
        if institution is None:
            raise CommandError(f"没有机构 {options['institution']}。")
        actor, password = Actor.system(institution, "命令行"), services.make_password()
        try:
            with transaction.atomic():
                person = services.create_person(
                    actor, username=options["username"], name=options["name"], password=password
                )
                services.grant(actor, person=person, role=options["role"])
        except ValidationError as error:
            raise CommandError("；".join(error.messages)) from None
        self.stdout.write(f"登录名 {person.username}，初始密码 {password}（首次登录须修改）")
