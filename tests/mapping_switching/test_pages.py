"""The pages of this corner: who sees them, what they say, what their buttons do."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from insurance.mapping.choices import LineState, NightState, SwitchState, WorkState
from insurance.mapping.models import CodeSwitch, Finding, Mapping
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.night import night_of
from insurance.mapping.switching.services.preparing import prepare_lines
from insurance.mapping.switching.shell import changes_panel, lines_to_see_to
from portal.lists.models import Intent
from portal.people.models import Person
from portal.tasks.models import Task
from tests.mapping_items.factories import make_code
from tests.mapping_switching.conftest import DAY, TODAY, Ward

pytestmark = pytest.mark.django_db


def pressed(client: Client, url: str, data: dict[str, object]) -> str:
    """Ask a batch's panel, press its button, and return the page that follows."""
    panel = client.post(url, data)
    assert panel.status_code == 200, panel.status_code
    intent = panel.context["intent"]
    assert intent is not None, panel.content.decode()
    return client.post(url, {**data, "intent": str(intent.key)}, follow=True).content.decode()


def test_who_sees_the_pages(client: Client, ward: Ward, stranger: Person, outsider: Person, looker: Person) -> None:
    """The role without rights nothing, another institution nothing of ours, who may look looks."""
    ward.relation("XA", row={"enddate": TODAY() + 3 * DAY})
    switch = ward.switch(("XA", "XN1"))
    find_impact(ward.hospital)
    night = night_of(ward.hospital, TODAY())
    lists = [reverse(f"mapping:{name}") for name in ("switches", "findings", "nights")]
    ours = [
        switch.get_absolute_url(), reverse("mapping:switch_rows", args=[switch.pk]),
        switch.lines.get().get_absolute_url(), Finding.objects.get().get_absolute_url(), night.get_absolute_url(),
    ]  # fmt: skip
    client.force_login(stranger)
    assert {client.get(url).status_code for url in lists + ours} == {403}
    client.force_login(outsider)
    assert {client.get(url).status_code for url in ours} == {404}
    for url in lists:
        answer = client.get(url, {"tab": "all"})
        assert answer.status_code == 200
        assert len(answer.context["table"].rows) == 0
    client.force_login(looker)
    assert {client.get(url, {"tab": "all"}).status_code for url in lists + ours} == {200}


def test_the_page_of_a_switch_shows_its_impact(client: Client, ward: Ward, member: Person) -> None:
    ward.relation("XA", revenue=1234, inpatients=2)
    ward.relation("XB")
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"), ("XB", "XN3"))
    client.force_login(member)
    page = client.get(switch.get_absolute_url()).content.decode()
    for words in ("还有 5 天", "1,334.00", "需人选择", "一对一 1、一对多 2", "导入对照表", "没有待审核的项目"):
        assert words in page


def test_prepared_and_approved_through_the_pages(client: Client, ward: Ward, member: Person) -> None:
    ward.relation("XA")
    ward.relation("XB")
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"))
    client.force_login(member)
    url = reverse("mapping:switch_prepare", args=[switch.pk])
    page = pressed(client, url, {"all": "1", "count": "2", "query": "tab=unready"})
    assert "已准备 2 项，等待另一人审核" in page
    approve = reverse("mapping:switch_approve", args=[switch.pk])
    assert client.get(approve).status_code == 200
    assert "须由另一位" in client.get(switch.get_absolute_url()).content.decode()

    client.force_login(ward.other)
    asked = client.get(approve)
    assert len(asked.context["sample"]) == 2
    intent = Intent.objects.filter(person=ward.other, purpose="mapping.switch_approve").latest("made_at")
    keys = [str(line.pk) for line in asked.context["sample"]]
    wrong = client.post(approve, {"intent": str(intent.key), "line": keys[:1]})
    assert wrong.status_code == 422
    assert "还有 1 项没有核对" in wrong.content.decode()
    intent = Intent.objects.filter(person=ward.other, purpose="mapping.switch_approve").latest("made_at")
    for _ in range(2):  # a double click approves once
        done = client.post(approve, {"intent": str(intent.key), "line": keys}, follow=True)
        assert "已通过 2 项新对照" in done.content.decode()
    assert Mapping.objects.filter(switch=switch, state="approved").count() == 2
    assert CodeSwitch.objects.get(pk=switch.pk).state == SwitchState.READY

    client.force_login(member)
    undo = reverse("mapping:switch_undo", args=[switch.pk])
    client.get(undo)
    intent = Intent.objects.filter(person=member, purpose="mapping.switch_undo").latest("made_at")
    client.post(undo, {"intent": str(intent.key), "reason": "局方推迟"})
    assert not Mapping.objects.filter(switch=switch, state="approved").exists()


def test_a_choice_by_the_page(client: Client, ward: Ward, member: Person) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"), ("XA", "XN2"))
    line = switch.lines.get()
    client.force_login(member)
    page = client.get(line.get_absolute_url())
    assert "请选择一个" in page.content.decode()
    intent = Intent.objects.filter(person=member, purpose="mapping.switch_choose").latest("made_at")
    choose = reverse("mapping:switch_choose", args=[line.pk])
    assert client.post(choose, {"intent": str(intent.key)}).status_code == 422
    client.post(choose, {"intent": str(intent.key), "code": "XN2"})
    line.refresh_from_db()
    assert (line.state, line.new_code) == (LineState.PROPOSED, "XN2")


def test_a_new_switch_by_the_form(client: Client, ward: Ward, member: Person) -> None:
    client.force_login(member)
    url = reverse("mapping:switch_new")
    client.get(url)
    intent = Intent.objects.filter(person=member, purpose="mapping.switch").latest("made_at")
    bad = client.post(url, {"intent": str(intent.key), "name": "去年的", "day": "2020-01-01"})
    assert bad.status_code == 422
    assert "已过" in bad.content.decode()
    day = str(TODAY() + DAY)
    for _ in range(2):
        client.post(url, {"intent": str(intent.key), "name": "十二月耗材", "day": day})
    assert CodeSwitch.objects.get().name == "十二月耗材"


def test_findings_by_kind_set_aside_and_detail(client: Client, ward: Ward, member: Person) -> None:
    ward.relation("XA", row={"enddate": TODAY() + 3 * DAY}, revenue=900, inpatients=4)
    ward.relation("XB", known=False)
    ward.switch(("XA", "XN1"))
    find_impact(ward.hospital)
    client.force_login(member)
    url = reverse("mapping:findings")
    page = client.get(url, {"tab": "ending"})
    assert len(page.context["table"].rows) == 1
    assert "编码 XA 到" in page.content.decode()
    finding = Finding.objects.get(kind="ending")
    detail = client.get(finding.get_absolute_url()).content.decode()
    for words in ("XN1", "900.00", "在院 4 人使用", "更换编码", "不处理"):
        assert words in detail
    ignore = reverse("mapping:finding_ignore")
    told = pressed(client, ignore, {"row": str(finding.pk), "reason": "局方会延期"})
    assert "已标为不处理 1 条" in told
    finding.refresh_from_db()
    assert (finding.state, finding.reason, finding.settled_by) == (WorkState.IGNORED, "局方会延期", member)
    client.post(reverse("mapping:findings_run"))
    client.post(reverse("mapping:findings_run"))
    assert Task.objects.filter(kind="mapping.impact").count() == 1


def test_the_nights_page(client: Client, ward: Ward, member: Person, looker: Person) -> None:
    night = night_of(ward.hospital, TODAY())
    night.steps[0] |= {"state": "failed", "words": "平台没有响应", "remedy": "平台恢复后重新运行。", "tries": 2}
    night.state, night.ended_at = NightState.RED, timezone.now()
    night.save()
    client.force_login(member)
    page = client.get(reverse("mapping:nights")).content.decode()
    for words in ("平台没有响应", "平台恢复后重新运行", "现在运行", "未完成"):
        assert words in page
    client.post(reverse("mapping:night_run"))
    assert Task.objects.filter(kind="mapping.night").count() == 1
    client.force_login(looker)
    assert client.post(reverse("mapping:night_run")).status_code == 403


def test_each_number_on_the_desk_leads_to_its_rows(client: Client, ward: Ward, member: Person) -> None:
    """Every work line of this corner counts exactly the rows of the list behind it."""
    ward.relation("XA", row={"enddate": TODAY() + 3 * DAY})
    ward.relation("XB", known=False)
    ward.relation("XC")
    ward.relation("XD")
    switch = ward.switch(("XC", "XN1"), ("XD", "XN2"), day=TODAY() + 2 * DAY)
    prepare_lines(ward.office, switch=switch, lines=switch.lines.filter(mapping__med_list_codg="XC"))
    find_impact(ward.hospital)
    client.force_login(member)
    lines = [line for line in lines_to_see_to(ward.office) if line.number]
    assert len(lines) == 4
    for line in lines:
        assert len(client.get(line.url).context["table"].rows) == line.number, line.label
    labels = [line.label for line in lines]
    assert any("还有 2 天" in label and "未准备" in label for label in labels)
    panel = changes_panel(ward.office)
    assert {count.label: count.number for count in panel["counts"]}["编码失效"] == 1
    assert panel["note"] == "夜间更新还没有运行过。"
    night = night_of(ward.hospital, TODAY())
    night.state, night.ended_at = NightState.GREEN, timezone.make_aware(dt.datetime(2026, 11, 23, 3, 12))
    night.save()
    assert "全部完成（03:12）" in changes_panel(ward.office)["note"]


def test_lists_cost_the_same_for_many(client: Client, ward: Ward, member: Person) -> None:
    """Forty rows take the queries of one, on the switch's page and the findings."""
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    def filled(number: int) -> CodeSwitch:
        pairs = []
        for _ in range(number):
            code = f"X{Mapping.objects.count():04}"
            ward.relation(code, row={"enddate": TODAY() + 9 * DAY})
            pairs.append((code, "XN"))
        return ward.switch(*pairs)

    def cost(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(database) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    make_code("101", "XN")
    client.force_login(member)
    few = filled(2)
    find_impact(ward.hospital)
    before = cost(f"{few.get_absolute_url()}?tab=all"), cost(reverse("mapping:findings"))
    many = filled(40)
    find_impact(ward.hospital)
    assert (cost(f"{many.get_absolute_url()}?tab=all"), cost(reverse("mapping:findings"))) == before
