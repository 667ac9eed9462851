"""Making the demo hospital: its people once, its fill once, and only beside a sandbox and in an empty database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from insurance.directory.models import Department, PlatformDepartment, Practitioner, StaffMember
from insurance.exchange.models import Connection, Submission
from insurance.onboarding.bureau import open_bureau, own_connection
from insurance.onboarding.errors import DemoRefused, Unreachable
from insurance.onboarding.logins import LOGINS, OFFICE, Login, make_passwords
from insurance.onboarding.models import DemoHospital
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Person
from portal.people.roles import ROLES, THREE_OFFICERS
from portal.people.services import create_person, grant, holders
from portal.sheets.models import SheetImport
from portal.tasks.services import start

KIND = "onboarding.demo"
MAPPING_KIND = "onboarding.demo_mapping"
SIZES = ("small", "full")
Size = Literal["small", "full"]
# How long the first start waits for a sandbox that was started in the same breath.
PATIENCE_SECONDS = 15.0


def make_logins() -> DemoHospital:
    """Return the demo hospital with its people; made at the first call, found at every later one.

    A demo made by an earlier version gets the logins of roles that came since. Raises DemoRefused where the platform
    is not a sandbox, or the database was not empty at the first call.
    """
    demo = demo_hospital()
    if demo is not None:
        missing = _missing(demo)
        if _require_still_sandbox(PATIENCE_SECONDS if missing else 0.0) and missing:
            _make_missing(demo)
        return demo
    open_bureau(own_connection() if Connection.objects.exists() else None, PATIENCE_SECONDS)
    with transaction.atomic():
        _one_at_a_time()
        return demo_hospital() or _make()


def start_fill(size: Size = "full", items: Size | None = "small") -> tuple[DemoHospital, bool]:
    """Begin the fill as a task of the demo's 医保办, and say whether it was begun now: it is begun once in a database.

    `size` is how many staff there are, `items` how many chargeable items (None: neither catalogues nor items).
    Raises DemoRefused without demo logins, or where the platform is not a sandbox.
    """
    demo = demo_hospital()
    if demo is None:
        raise DemoRefused("还没有演示登录。请先运行 manage.py demo --logins。")
    if demo.started_at:
        return demo, False
    open_bureau(own_connection(), PATIENCE_SECONDS)
    with transaction.atomic():
        demo = DemoHospital.objects.select_for_update(of=("self",)).select_related("institution").get(pk=demo.pk)
        if demo.started_at:
            return demo, False
        demo.task = start(office_of(demo), kind=KIND, params={"size": size, "items": items or ""}, source="演示")
        demo.started_at = timezone.now()
        demo.save(update_fields=["task", "started_at"])
    return demo, True


def note_filled(actor: Actor, *, demo: DemoHospital) -> None:
    """Note that the fill is done, so that no later run of it does anything. Call it in the run's own transaction."""
    demo.filled_at = timezone.now()
    demo.save(update_fields=["filled_at"])
    record(actor, "onboarding.filled", [demo], label="演示医院填充完成")


def start_mapping(actor: Actor, params: Mapping[str, Any]) -> None:
    """Begin the second part, catalogues and items, in the transaction that ends the first; none where not wanted."""
    if params.get("items"):
        start(actor, kind=MAPPING_KIND, params={"items": params["items"]}, source="演示")


def note_mapped(actor: Actor, *, demo: DemoHospital) -> None:
    """Note that catalogues, items and mappings are there. Call it in the run's own transaction."""
    demo.mapped_at = timezone.now()
    demo.save(update_fields=["mapped_at"])
    record(actor, "onboarding.filled", [demo], label="演示医院的目录与对照填充完成")


def demo_hospital() -> DemoHospital | None:
    """Return the demo hospital of this database, if it has one."""
    return DemoHospital.objects.select_related("institution").first()


def office_of(demo: DemoHospital) -> Actor:
    """Return the demo's person of the 医保办 as an actor. Raises DemoRefused when somebody took it away."""
    person = Person.objects.filter(username=OFFICE.username, is_active=True).first()
    if person is None or not person.may("directory.import", demo.institution):
        raise DemoRefused(
            f"演示登录「{OFFICE.username}」已停用或没有医保办角色，不能填充演示数据。请先在「系统 · 人员」中恢复。"
        )
    return Actor.of(person, demo.institution)


def _require_still_sandbox(patience: float) -> bool:
    """Raise DemoRefused when the connection leads elsewhere now; a sandbox that is switched off harms nobody.

    Say whether it answered within `patience` seconds.
    """
    try:
        open_bureau(own_connection(), patience)
    except Unreachable:
        return False
    return True


def _one_at_a_time() -> None:
    """Wait for another command that makes the demo at this moment; held until the transaction ends."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('onboarding.demo', 0))")


def _require_empty() -> None:
    for model in (Person, Department, StaffMember, PlatformDepartment, Practitioner, Submission, SheetImport):
        if model._default_manager.exists():
            words = model._meta.verbose_name
            raise DemoRefused(
                f"数据库里已有{words}，不是空库。演示数据只在空库中创建，没有创建任何数据；"
                "要看演示，请用 DATABASE_URL 指向一个新的空库。"
            )


def _make() -> DemoHospital:
    _require_empty()
    institution = own_connection().institution
    demo = DemoHospital.objects.create(institution=institution)
    actor = Actor.system(institution, "演示")
    _make_people(actor, demo, LOGINS, make_passwords())
    return demo


def _missing(demo: DemoHospital) -> list[Login]:
    """Return the logins that this database does not have, without officers that it has under other names."""
    there = set(
        Person.objects.filter(username__in=[login.username for login in LOGINS]).values_list("username", flat=True)
    )
    return [
        login
        for login in LOGINS
        if login.username not in there and not (login.role in THREE_OFFICERS and holders(login.role, demo.institution))
    ]


def _make_missing(demo: DemoHospital) -> None:
    with transaction.atomic():
        _one_at_a_time()
        if missing := _missing(demo):
            _make_people(Actor.system(demo.institution, "演示"), demo, missing, make_passwords())


def _make_people(actor: Actor, demo: DemoHospital, logins: Sequence[Login], words: dict[str, str]) -> None:
    for login in logins:
        _make_person(actor, login, words[login.username])
    record(actor, "onboarding.logins", [demo], label=f"创建演示登录 {len(logins)} 个")


def _make_person(actor: Actor, login: Login, password: str) -> None:
    person = create_person(
        actor, username=login.username, name=login.name, password=password, must_change_password=False
    )
    grant(actor, person=person, role=ROLES[login.role].code, opter=login.opter, opter_name=login.name)
