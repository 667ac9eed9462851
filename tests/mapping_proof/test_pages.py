"""Every page for three people, what the buttons do, and the board whose numbers are exactly their lists."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from insurance.exchange.models import Connection, Submission
from insurance.mapping.choices import DifferenceKind, MappingState, Verdict, WorkState
from insurance.mapping.models import Difference, Mapping
from insurance.mapping.proof.board import board_of
from portal.desk.registry import work
from portal.people.actor import Actor
from portal.people.models import Person
from portal.tasks.models import Task
from tests.mapping_delivery.world import World

pytestmark = pytest.mark.django_db


def entered(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


LISTS = ("deliveries", "proof", "board")
POSTS = ("deliveries_upload", "deliveries_recall", "deliveries_verdicts", "proof_run", "proof_adopt", "proof_send",
         "proof_ignore")  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_plain_pages_for_three_people(
    name: str, full: World, member: Person, outsider: Person, stranger: Person
) -> None:
    url = reverse(f"mapping:{name}")
    assert entered(member).get(url, {"tab": "all"} if name != "board" else {}).status_code == 200
    other = entered(outsider).get(url)
    assert other.status_code == 200
    assert "演示药品" not in other.content.decode()
    assert entered(stranger).get(url).status_code == 403
    assert Client().get(url).status_code == 302


def test_a_difference_for_three_people(full: World, member: Person, outsider: Person, stranger: Person) -> None:
    for one in Difference.objects.all():
        url = reverse("mapping:difference", args=[one.pk])
        shown = entered(member).get(url)
        assert shown.status_code == 200
        assert one.fixmedins_hilist_id in shown.content.decode()
        assert entered(outsider).get(url).status_code == 404
        assert entered(stranger).get(url).status_code == 403


@pytest.mark.parametrize("name", POSTS)
def test_who_may_not_changes_nothing(
    name: str, full: World, outsider: Person, stranger: Person, person: Callable[..., Person]
) -> None:
    looker = person("looker", full.institution, "cashier")
    before = (Submission.objects.count(), list(Difference.objects.values_list("state", flat=True)))
    row = (Difference if name.startswith("proof") else Mapping).objects.first()
    url = reverse(f"mapping:{name}")
    for someone in (stranger, looker):
        assert entered(someone).post(url, {"row": row.pk}).status_code == 403
    if name not in ("deliveries_verdicts", "proof_run"):
        assert "不属于您的机构" in entered(outsider).post(url, {"row": row.pk}, follow=True).content.decode()
    assert not Task.objects.filter(institution=full.institution).exists()
    assert (Submission.objects.count(), list(Difference.objects.values_list("state", flat=True))) == before


def shown_of(client: Client, url: str) -> int:
    return len(client.get(url).context["table"].rows)


def test_uploads_say_where_each_stands_and_what_to_do(full: World, member: Person) -> None:
    client = entered(member)
    url = reverse("mapping:deliveries")
    counts = {tab: shown_of(client, f"{url}?tab={tab}") for tab in
              ("refused", "unknown", "failed", "idle", "queued", "waiting", "all")}  # fmt: skip
    assert counts == {"refused": 1, "unknown": 1, "failed": 1, "idle": 1, "queued": 1, "waiting": 1, "all": 7}
    waiting = client.get(f"{url}?tab=waiting").content.decode()
    assert "已 6 天" in waiting
    refused = client.get(f"{url}?tab=refused").content.decode()
    assert "平台返回：该机构目录在该期间已有对照" in refused
    assert "先终止它" in refused
    assert "规格不符" in client.get(f"{url}?tab=failed").content.decode()


def test_the_word_uploaded_never_stands_without_the_bureaus(full: World, member: Person) -> None:
    Submission.objects.update(state="accepted", superseded=False)
    Mapping.objects.update(state=MappingState.IN_FORCE, verdict=Verdict.WAITING, told_at=timezone.now())
    page = entered(member).get(reverse("mapping:deliveries") + "?tab=waiting")
    for row in page.context["table"].rows:
        cell = str(row.get_cell("delivery"))
        if "上传成功" in cell:
            assert "待局方审核" in cell


def press(client: Client, name: str, rows: list[int], **more: Any) -> str:
    """Open the panel, press the button, follow, and return what the page says."""
    url = reverse(f"mapping:{name}")
    panel = client.post(url, {"row": rows})
    intent = panel.context["intent"]
    assert intent is not None, panel.context["reasons"]
    answer = client.post(url, {"row": rows, "intent": intent.key, **more}, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def test_buttons_of_the_uploads(full: World, member: Person) -> None:
    client = entered(member)
    refused = Submission.objects.get(state="refused")
    assert "已提交上传 1 条" in press(client, "deliveries_upload", [int(refused.subject_id)])
    refused.refresh_from_db()
    assert refused.superseded
    queued = Submission.objects.filter(state="queued", superseded=False).first()
    assert queued is not None
    assert "已撤回 1 条" in press(client, "deliveries_recall", [int(queued.subject_id)])
    queued.refresh_from_db()
    assert queued.state == "withdrawn"


def test_buttons_of_the_proof(full: World, member: Person) -> None:
    client = entered(member)
    dates = Difference.objects.get(kind=DifferenceKind.OTHER_DATES)
    assert "等另一人通过" in press(client, "proof_adopt", [dates.pk])
    extra = Difference.objects.get(fixmedins_hilist_id="U1")
    assert "待审核" in press(client, "proof_send", [extra.pk])
    strange = Difference.objects.get(fixmedins_hilist_id="Z9")
    panel = client.post(reverse("mapping:proof_adopt"), {"row": [strange.pk]})
    assert "本院没有这个项目" in panel.content.decode()
    assert "已标为不处理" in press(client, "proof_ignore", [strange.pk], reason="医保局已知")
    strange.refresh_from_db()
    assert (strange.state, strange.reason) == (WorkState.IGNORED, "医保局已知")


def test_run_now_is_one_task(full: World, member: Person) -> None:
    client = entered(member)
    for _ in range(2):
        client.post(reverse("mapping:proof_run"), follow=True)
    assert Task.objects.filter(kind="mapping.compare").count() == 1
    client.post(reverse("mapping:deliveries_verdicts"), follow=True)
    assert Task.objects.filter(kind="mapping.verdicts").count() == 1


def test_the_boards_numbers_are_exactly_their_lists(full: World, member: Person) -> None:
    client = entered(member)
    rows = board_of(full.institution)
    assert [row.list_type for row in rows] == ["101", ""]
    drugs = rows[0]
    assert (drugs.number("items"), drugs.number("unmapped"), drugs.days) == (8, 1, 6)
    assert drugs.unmapped_revenue == Decimal(900)
    assert drugs.share is not None
    for cell in drugs.cells:
        if cell.url and cell.number:
            page = client.get(cell.url)
            assert page.status_code == 200, cell.url
            assert len(page.context["table"].rows) == cell.number, cell.column.key
    assert "未对照收入" in client.get(reverse("mapping:board")).content.decode()


def test_the_desk_leads_to_exactly_the_rows(full: World, member: Person, office: Actor) -> None:
    client = entered(member)
    lines = [line for one in work() if one.key in ("mapping.deliveries", "mapping.proof") for line in one.lines(office)]
    assert {line.label for line in lines if line.number} >= {"对照上传失败", "局方不通过的对照", "审核通过未上传的对照"}
    for line in lines:
        if line.number:
            assert shown_of(client, line.url) == line.number, line.label


@pytest.mark.parametrize("name", LISTS)
def test_queries_stay_few(name: str, full: World, member: Person) -> None:
    client, url = entered(member), reverse(f"mapping:{name}")
    client.get(url)
    with CaptureQueriesContext(database) as seen:
        client.get(url)
    assert len(seen) < 30, "\n".join(query["sql"][:150] for query in seen)


def test_a_hospital_without_a_connection_is_told(world: World, member: Person) -> None:
    mapping = world.mapping(world.item(), world.code())
    assert not Connection.objects.exists()
    said = press(entered(member), "deliveries_upload", [mapping.pk])
    assert "没有" in said or "已提交上传" in said
