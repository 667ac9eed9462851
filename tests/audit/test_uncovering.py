"""One record is uncovered with a reason, many under a grant; what is kept names fields, never values."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from insurance.directory.models import Practitioner
from portal.audit.grants import Uncovering
from portal.audit.models import AuditEvent
from portal.audit.uncovering import (
    UncoverRefused,
    clear_grant,
    clear_values,
    end_uncovering,
    grant_uncovering,
    note_opened,
    note_use,
    split_scope,
    uncover,
)
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person

pytestmark = pytest.mark.django_db
LIST = "insurance.directory.views.staff.PractitionerList"
NAME, NUMBER = "演某某", "441700200001010000"


@pytest.fixture
def doctor(institution: Institution) -> Practitioner:
    """A licensed person that nobody is."""
    now = timezone.now()
    return Practitioner.objects.create(
        institution=institution, key="D1", prac_psn_code="D441700000001", prac_psn_type="1", prac_psn_name=NAME,
        certno=NUMBER, first_seen=now, last_seen=now,
    )  # fmt: skip


@pytest.fixture
def approver(person, institution: Institution) -> Person:
    """Someone who may approve clear lists."""
    return person("approver", institution, "reviewer")


def address(doctor: Practitioner, *fields: str) -> str:
    query = "&".join(f"fields={name}" for name in fields or ("certno",))
    return f"{reverse('uncover:one', args=['directory.practitioner', doctor.pk])}?{query}"


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def kept() -> str:
    return json.dumps(list(AuditEvent.objects.values("label", "reason", "detail")), ensure_ascii=False, default=str)


def test_uncovered_once_with_a_reason_and_never_kept(member, doctor) -> None:
    client = entered(member)
    page = client.get(reverse("directory:practitioner", args=[doctor.pk])).content.decode()
    assert NUMBER not in page
    assert "4417**********0000" in page
    assert NUMBER not in client.get(address(doctor)).content.decode()
    answer = client.post(address(doctor), {"reason": "电话核对排班"})
    assert NUMBER in answer.content.decode()
    assert NAME not in answer.content.decode()  # only what was asked for
    assert "no-store" in answer["Cache-Control"]
    event = AuditEvent.objects.get(action="privacy.uncover")
    assert (event.detail, event.reason) == ({"fields": ["certno"]}, "电话核对排班")
    assert event.subjects == [f"directory.practitioner:{doctor.pk}"]
    assert NUMBER not in kept()
    assert NAME not in kept()
    assert NUMBER not in client.get(reverse("directory:practitioner", args=[doctor.pk])).content.decode()
    assert NUMBER not in client.get(address(doctor)).content.decode()


@pytest.mark.parametrize("reason", ["", "   ", "看看", "查 "])
def test_no_reason_no_value(member, doctor, reason) -> None:
    answer = entered(member).post(address(doctor), {"reason": reason}).content.decode()
    assert NUMBER not in answer
    assert "至少 4 个字" in answer
    assert not AuditEvent.objects.filter(action="privacy.uncover").exists()


def test_for_three_persons_and_by_a_guessed_address(member, outsider, stranger, person, institution, doctor) -> None:
    given = {"reason": "电话核对排班"}
    assert entered(outsider).post(address(doctor), given).status_code == 404
    assert entered(stranger).post(address(doctor), given).status_code == 403
    looker = person("looker", institution, "cashier")
    page = entered(looker).get(reverse("directory:practitioner", args=[doctor.pk])).content.decode()
    assert "eye-place" not in page
    assert entered(looker).post(address(doctor), given).status_code == 403
    other_field = entered(member).post(address(doctor, "pinyin"), given).content.decode()
    assert "不在可查看的范围内" in other_field
    wrong = reverse("uncover:one", args=["people.person", member.pk]) + "?fields=password"
    assert entered(member).post(wrong, given).status_code == 404
    assert not AuditEvent.objects.filter(action="privacy.uncover").exists()


def test_the_service_itself_refuses(member, outsider, institution, other_institution, doctor) -> None:
    with pytest.raises(NotAllowed):
        uncover(Actor.of(outsider, other_institution), doctor, fields=["certno"], reason="电话核对排班")
    with pytest.raises(NotAllowed):
        uncover(Actor.of(outsider, institution), doctor, fields=["certno"], reason="电话核对排班")
    with pytest.raises(UncoverRefused):
        uncover(Actor.of(member, institution), member, fields=["password"], reason="电话核对排班")
    uncover(Actor.of(member, institution), doctor, fields=["prac_psn_name", "certno"], reason="电话核对排班")
    assert [value for _, value in clear_values(doctor, ["prac_psn_name", "certno"])] == [NAME, NUMBER]


def test_opened_plain_is_recorded(member, institution, doctor) -> None:
    event = note_opened(Actor.of(member, institution), doctor, "打印名册")
    assert (event.action, event.label) == ("privacy.opened", "明文打开：打印名册")


@pytest.fixture
def grant(member, approver, institution):
    """Gives the member leave: `grant("tab=all&kind=1")`."""

    def make(query: str = "", days: int = 1, number: int = 1) -> Uncovering:
        return grant_uncovering(
            Actor.of(approver, institution), person=member, purpose="inspection", scope=f"{LIST}?{query}",
            reason="检查通知", until_days=days, approval=number,
        )  # fmt: skip

    return make


def test_a_grant_is_for_one_person_one_list_one_query_until_its_end(grant, member, approver, institution) -> None:
    actor = Actor.of(member, institution)
    assert clear_grant(actor, LIST) is None
    made = grant("prac_psn_type=1&sort=-pinyin")
    assert clear_grant(actor, f"{LIST}?page=3&prac_psn_type=1&per_page=100") == made
    assert clear_grant(actor, f"{LIST}?prac_psn_type=2") is None
    assert clear_grant(actor, LIST) is None  # the whole list is more than was granted
    assert clear_grant(actor, "insurance.directory.views.departments.DepartmentList?prac_psn_type=1") is None
    assert clear_grant(Actor.of(approver, institution), f"{LIST}?prac_psn_type=1") is None
    assert clear_grant(Actor.system(institution), f"{LIST}?prac_psn_type=1") is None
    Uncovering.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert clear_grant(actor, f"{LIST}?prac_psn_type=1") is None
    with pytest.raises(UncoverRefused, match="已结束"):
        note_use(actor, made, what="导出", rows=5)


def test_the_whole_list_covers_any_query(grant, member, institution) -> None:
    made = grant("tab=all")
    assert clear_grant(Actor.of(member, institution), f"{LIST}?tab=left&words=x") == made


def test_each_use_is_counted_and_audited(grant, member, approver, institution) -> None:
    made, actor = grant(), Actor.of(member, institution)
    note_use(actor, made, what="导出医保医师护士药师", rows=420)
    assert [(use.what, use.rows) for use in made.uses.all()] == [("导出医保医师护士药师", 420)]
    assert AuditEvent.objects.get(action="privacy.use").detail["rows"] == 420
    with pytest.raises(UncoverRefused):
        note_use(Actor.of(approver, institution), made, what="导出", rows=1)


def test_ended_early(grant, member, institution, other_institution, person) -> None:
    made = grant()
    for someone, where in ((person("far", other_institution, "reviewer"), other_institution),
                           (person("clerk", institution, "cashier"), institution)):  # fmt: skip
        with pytest.raises(NotAllowed):
            end_uncovering(Actor.of(someone, where), grant=made)
    end_uncovering(Actor.of(member, institution), grant=made)
    assert clear_grant(Actor.of(member, institution), LIST) is None
    with pytest.raises(UncoverRefused):
        end_uncovering(Actor.of(member, institution), grant=made)


def test_nobody_grants_to_themselves_or_for_longer(grant, approver, member, institution) -> None:
    given = {"purpose": "recall", "scope": LIST, "reason": "召回", "until_days": 1, "approval": 9}
    with pytest.raises(NotAllowed, match="以外"):
        grant_uncovering(Actor.of(approver, institution), person=approver, **given)
    with pytest.raises(NotAllowed):
        grant_uncovering(Actor.of(member, institution), person=approver, **given)
    for wrong in ({"until_days": 8}, {"until_days": 0}, {"purpose": "curiosity"}):
        with pytest.raises(UncoverRefused):
            grant_uncovering(Actor.of(approver, institution), person=member, **given | wrong)


def test_what_only_shows_is_no_condition() -> None:
    assert split_scope("a.B?tab=all&page=2&sort=x&words=1&per_page=50") == ("a.B", "words=1")
    assert split_scope("a.B") == ("a.B", "")
    assert split_scope("a.B?b=2&a=1") == split_scope("a.B?a=1&b=2")


def test_a_scope_means_the_rows_that_the_list_reads_from_the_same_address() -> None:
    """A list takes the last of two values: neither the other order nor a second tab may pass for the first."""
    assert split_scope("a.B?dept=1&dept=2") != split_scope("a.B?dept=2&dept=1")
    assert split_scope("a.B?tab=few&tab=all") == ("a.B", "")
    assert split_scope("a.B?tab=all&tab=few") == split_scope("a.B?tab=few")
