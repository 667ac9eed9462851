"""What the command shows of the demo."""

from __future__ import annotations

from dataclasses import dataclass

from insurance.onboarding.logins import LOGINS, passwords
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import KIND
from portal.audit.queries import history
from portal.people.models import Person
from portal.people.roles import ROLES
from portal.tasks.models import Task

NEW_PASSWORD = ("people.set_password", "people.change_password")


@dataclass(frozen=True)
class Shown:
    """One line of the table: role, login name, and the password, or in brackets why there is none to show."""

    role: str
    username: str
    password: str


def shown_logins() -> list[Shown]:
    """Return the demo's logins as they can be used now."""
    people = {person.username: person for person in Person.objects.filter(username__in=[o.username for o in LOGINS])}
    kept = passwords()
    return [
        Shown(ROLES[login.role].label, login.username, _password(people.get(login.username), kept)) for login in LOGINS
    ]


def _password(person: Person | None, kept: dict[str, str]) -> str:
    if person is None:
        return "（未创建）"
    if not person.is_active:
        return "（已停用）"
    if history(person).filter(action__in=NEW_PASSWORD).exists():
        return "（密码已被修改）"
    return kept.get(person.username, "（密码文件已丢失，请运行 manage.py changepassword 重设）")


def latest_fill(demo: DemoHospital) -> Task | None:
    """Return the newest run of the fill: the one that was begun, or a repetition of it from 任务中心."""
    found: Task | None = Task.objects.filter(institution=demo.institution, kind=KIND).order_by("-pk").first()
    return found
