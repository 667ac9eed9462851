"""审计: only for the audit officers, readable, filtered; reading it is itself written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.audit import histories, seals
from portal.audit.histories import HistoryEntry, register_history, register_subject
from portal.audit.models import AuditEvent, SealCheck
from portal.audit.services import record
from portal.lists.exporting import open_list
from portal.lists.intent import issue
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.audit.tampering import event_on, tamper

pytestmark = pytest.mark.django_db
LIST = "audit:list"


@pytest.fixture
def officer(person: Callable[..., Person], institution: Institution) -> Person:
    return person("auditor", institution, "audit_admin")


@pytest.fixture
def reading(client: Client, officer: Person) -> Client:
    client.force_login(officer)
    return client


def text(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


class TestWho:
    @pytest.mark.parametrize("name", ["audit:list", "audit:seals"])
    def test_the_audit_officer_reads(self, name: str, reading: Client) -> None:
        assert reading.get(reverse(name)).status_code == 200

    @pytest.mark.parametrize("role", ["system_admin", "security_admin", "it", "insurance_office", "manager"])
    @pytest.mark.parametrize("name", ["audit:list", "audit:seals"])
    def test_nobody_else_does(
        self, name: str, role: str, client: Client, person: Callable[..., Person], institution: Institution
    ) -> None:
        client.force_login(person("someone", institution, role))
        assert client.get(reverse(name)).status_code == 403

    def test_a_stranger_does_not(self, client: Client, stranger: Person) -> None:
        client.force_login(stranger)
        assert client.get(reverse(LIST)).status_code == 403

    def test_another_institution_is_not_seen(self, reading: Client, other_institution: Institution) -> None:
        there = record(Actor.system(other_institution), "tasks.start", label="那边的事")
        assert "那边的事" not in text(reading)
        assert "那边的事" not in text(reading, institution=str(other_institution.pk))
        assert "那边的事" not in text(reading, institution="all")
        assert reading.get(reverse("audit:event", args=[there.pk])).status_code == 404

    def test_who_audits_both_picks_one_or_all(
        self, client: Client, person: Callable[..., Person], institution: Institution, other_institution: Institution
    ) -> None:
        from portal.people.models import Membership

        both = person("both", institution, "audit_admin")
        Membership.objects.create(person=both, institution=other_institution, role="audit_admin")
        client.force_login(both)
        record(Actor.system(institution), "tasks.start", label="这边的事")
        record(Actor.system(other_institution), "tasks.start", label="那边的事")
        here, there, every = (
            text(client),
            text(client, institution=str(other_institution.pk)),
            text(client, institution="all"),
        )
        assert ("这边的事" in here, "那边的事" in here) == (True, False)
        assert ("这边的事" in there, "那边的事" in there) == (False, True)
        assert ("这边的事" in every, "那边的事" in every) == (True, True)


class TestReading:
    def test_codes_are_words(self, reading: Client, officer: Person) -> None:
        record(Actor.system(officer.current_institution), "people.grant", label="授予 x「审核」")
        record(Actor.system(officer.current_institution), "strange.thing", label="说不清")
        shown = text(reading)
        assert "授予角色" in shown
        assert "people.grant" not in shown.replace('value="people.grant"', "")
        assert "strange.thing" not in shown

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"words": "内科"}, ["建内科"]),
            ({"words": "重复录入"}, ["停外科"]),
            ({"words": "取消任务"}, ["停外科"]),
            ({"who": "演示member"}, ["建内科"]),
            ({"who": "member"}, ["建内科"]),
            ({"who": "定时"}, ["停外科"]),
            ({"room": "people"}, ["建内科"]),
            ({"action": "tasks.cancel"}, ["停外科"]),
            ({"subject": "people.person:77"}, ["停外科"]),
            ({"ip": "10.1.1.9"}, ["建内科"]),
            ({"ip": "nonsense"}, []),
            ({"origin": "task-5"}, ["停外科"]),
            ({"day_from": "2020-01-01", "day_to": "2020-01-02"}, []),
        ],
    )
    def test_filters(self, reading: Client, member: Person, query: dict[str, str], found: list[str]) -> None:
        place = member.current_institution
        record(Actor.of(member, place, "10.1.1.9"), "people.create", label="建内科")
        AuditEvent.objects.create(
            institution=place, actor_name="定时", action="tasks.cancel", label="停外科", reason="重复录入",
            subjects=["people.person:77"], origin="task-5",
        )  # fmt: skip
        shown = text(reading, **query)
        assert [label for label in ("建内科", "停外科") if label in shown] == found

    def test_the_reading_is_written_down_once_in_a_while(self, reading: Client, officer: Person) -> None:
        for _ in range(3):
            text(reading, words="内科")
        text(reading, words="外科")
        found = list(
            AuditEvent.objects.filter(action="audit.read", person=officer)
            .order_by("pk")
            .values_list("label", flat=True)
        )
        assert len(found) == 2
        assert "内容、原因：内*" in found[0], "what was typed may be a patient's name"

    def test_a_detail_shows_everything_and_is_written_down(
        self, reading: Client, officer: Person, member: Person
    ) -> None:
        event = record(
            Actor.of(member, officer.current_institution, "10.1.1.9"), "people.grant", [officer, "x.y:1"],
            label="授予", reason="新岗位", role="reviewer", strange="值",
        )  # fmt: skip
        shown = reading.get(event.get_absolute_url()).content.decode()
        for words in ("授予角色", "新岗位", "10.1.1.9", "auditor", "角色", "<dd>审核</dd>", "已不存在", "技术说明"):
            assert words in shown
        assert AuditEvent.objects.filter(action="audit.open", subjects=[f"audit.auditevent:{event.pk}"]).count() == 1

    def test_many_rows_cost_no_more_queries(self, reading: Client, officer: Person) -> None:
        counts = []
        text(reading)
        for number in (2, 30):
            for n in range(number):
                record(Actor.system(officer.current_institution), "tasks.start", [officer], label=f"事 {n}")
            with CaptureQueriesContext(connection) as seen:
                text(reading)
            counts.append(len(seen))
        assert counts[1] <= counts[0] + 1, counts  # one more: is there an older page

    def test_an_export_has_words_and_no_codes(self, officer: Person) -> None:
        actor = Actor.of(officer, officer.current_institution)
        record(actor, "people.grant", label="授予 x")
        page = open_list("portal.system.audit_pages.AuditList", actor, "")
        (rows,) = list(page.out_chunks())
        cells = [[column.value(row) for column in page.out_columns()] for row in rows]
        assert any("授予角色" in line for line in cells)
        assert not any("people.grant" in map(str, line) for line in cells)


class TestHistory:
    @pytest.fixture(autouse=True)
    def _own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(histories, "_subjects", dict(histories._subjects))
        monkeypatch.setattr(histories, "_histories", {})
        register_subject("tasks.task", "tasks.view", lambda task: task.get_absolute_url(), lambda task: task.label)

    @pytest.fixture
    def task(self, institution: Institution) -> Task:
        return Task.objects.create(institution=institution, kind="x.y", label="核对科室")

    def url(self, task: Task, **query: str) -> str:
        return reverse("audit:history", args=["tasks.task", task.pk])

    def test_decisions_and_steps_are_merged_newest_first(self, client: Client, member: Person, task: Task) -> None:
        event = record(Actor.of(member, task.institution), "tasks.cancel", [task], reason="不需要了")

        def steps(thing: Task) -> list[HistoryEntry]:
            return [
                HistoryEntry(event.at + timedelta(minutes=1), "系统", "平台已答复", url="/x/"),
                HistoryEntry(event.at - timedelta(minutes=1), "系统", "已发出"),
            ]

        register_history("tasks.task", steps)
        register_history("tasks.task", steps)
        client.force_login(member)
        shown = client.get(self.url(task)).content.decode()
        assert shown.count("平台已答复") == 1
        assert shown.index("平台已答复") < shown.index("取消任务") < shown.index("已发出")
        assert "不需要了" in shown

    def test_three_persons(
        self, client: Client, member: Person, outsider: Person, stranger: Person, task: Task,
        person: Callable[..., Person], institution: Institution,
    ) -> None:  # fmt: skip
        for someone, status in (
            (member, 200), (outsider, 404), (stranger, 403), (person("sec", institution, "security_admin"), 403),
        ):  # fmt: skip
            client.force_login(someone)
            assert client.get(self.url(task)).status_code == status, someone

    def test_the_auditor_reads_every_history_and_that_is_written_down(self, reading: Client, task: Task) -> None:
        assert reading.get(self.url(task)).status_code == 200
        assert AuditEvent.objects.get(action="audit.history").subjects == [f"tasks.task:{task.pk}"]

    @pytest.mark.parametrize(
        "path", ["tasks.task/999999/", "no.thing/1/", "tasks.task/x/", "tasks.task/" + "9" * 40 + "/"]
    )
    def test_what_is_not_there(self, client: Client, member: Person, path: str) -> None:
        client.force_login(member)
        assert client.get(f"/audit/history/{path}").status_code == 404

    def test_it_has_pages(self, client: Client, member: Person, task: Task) -> None:
        for n in range(60):
            record(Actor.system(task.institution), "tasks.start", [task], label=f"第 {n} 次")
        client.force_login(member)
        first, second = (client.get(self.url(task), {"page": page}).content.decode() for page in ("1", "2"))
        assert ("第 59 次" in first, "第 9 次" in first, "下一页" in first) == (True, False, True)
        assert ("第 9 次" in second, "第 10 次" in second, "下一页" in second) == (True, False, False)
        assert client.get(self.url(task), {"page": "x"}).status_code == 200

    def test_names_are_shown_in_the_audit(self, reading: Client, task: Task) -> None:
        event = record(Actor.system(task.institution), "tasks.start", [task])
        shown = reading.get(event.get_absolute_url()).content.decode()
        assert "核对科室" in shown
        assert self.url(task) in shown


class TestSeals:
    def test_verifying_is_a_task_and_its_result_stays(
        self, reading: Client, officer: Person, institution: Institution
    ) -> None:
        event = event_on(seals.yesterday(), institution)
        seals.close_all()
        key = issue(officer, "audit.verify").key
        for _ in range(2):
            assert reading.post(reverse("audit:verify"), {"intent": key}).status_code == 302
        task = Task.objects.get(kind="audit.verify")
        run_here(task)
        assert "上次核验一致" in reading.get(reverse("audit:seals")).content.decode()
        tamper("DELETE FROM audit_auditevent WHERE id = %s", event.pk)
        reading.post(reverse("audit:verify"), {"intent": issue(officer, "audit.verify").key})
        run_here(Task.objects.filter(kind="audit.verify", ended_at=None).get())
        shown = reading.get(reverse("audit:seals")).content.decode()
        assert f"缺少第 {event.pk} 号记录" in shown
        assert AuditEvent.objects.filter(action="audit.verify", person=officer).count() == 2
        assert standing_alarms() == 1

    def test_days_the_wrong_way_round(self, reading: Client, officer: Person) -> None:
        form = {"intent": issue(officer, "audit.verify").key, "first": "2026-02-02", "last": "2026-02-01"}
        shown = reading.post(reverse("audit:verify"), form, follow=True).content.decode()
        assert "请对调" in shown
        assert not Task.objects.exists()

    def test_who_may_not_verify(self, client: Client, person: Callable[..., Person], institution: Institution) -> None:
        client.force_login(person("sysadmin", institution, "system_admin"))
        assert client.post(reverse("audit:verify")).status_code == 403

    def test_the_schedules_exist_and_run(self, institution: Institution) -> None:
        from portal.tasks.registry import schedules

        found = {spec.kind: str(spec.daily_at) for spec in schedules()}
        assert (found["audit.seal"], found["audit.verify"]) == ("00:40:00", "04:10:00")
        event_on(seals.yesterday(), institution)
        for kind in ("audit.seal", "audit.verify", "audit.verify"):
            from portal.tasks.services import start

            run_here(start(Actor.system(institution, "定时"), kind=kind, source="定时"))
        assert SealCheck.objects.count() == 1
        assert SealCheck.objects.get().good


def run_here(task: Task) -> Any:
    """Run a task inside of this test's transaction."""
    from unittest import mock

    from portal.tasks import runner
    from portal.tasks.run import Run

    # its progress goes over another connection, which cannot see this transaction
    entered = mock.patch.object(Run, "__enter__", autospec=True, side_effect=lambda run: run)
    with mock.patch.object(runner, "close_old_connections"), entered, mock.patch.object(Run, "__exit__", autospec=True):
        Run.__exit__.return_value = None
        run_task(task.pk)
    task.refresh_from_db()
    return task


def standing_alarms() -> int:
    """Return how many alarms of a failed verification stand."""
    from portal.system.models import AlarmEvent

    return AlarmEvent.objects.filter(code="audit.seal", cleared_at=None).count()
