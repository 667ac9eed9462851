"""The bureau's table through the wizard, uploaded from a switch's own page."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from insurance.mapping.choices import SwitchRelation
from insurance.mapping.models import CodeSwitch, SwitchFile
from insurance.mapping.switching.importing import left_over
from portal.people.models import Person
from portal.sheets.choices import ImportState
from portal.sheets.models import SheetImport
from portal.sheets.queries import problems
from portal.tasks.models import Task
from portal.tasks.runner import run_task
from tests.mapping_items.factories import make_code
from tests.mapping_switching.conftest import Ward
from tests.mapping_switching.sheets import workbook

pytestmark = pytest.mark.django_db
ROWS = (
    (1, "XA", "演示片甲", "XN1", "演示片", "1:1"),
    (2, "XD", "演示片丁", "XN3", "演示片一", "一对多"),
    (3, "XD", "演示片丁", "XN4", "演示片二", "一对多"),
    (4, "XE", "演示片戊", "停用", "", "停用"),
)


def sent(client: Client, switch: CodeSwitch, data: bytes, name: str = "对照表.xlsx") -> SheetImport:
    """Upload a table for a switch and let the wizard check it."""
    answer = client.post(reverse("mapping:switch_upload", args=[switch.pk]), {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302, answer.content.decode()
    made = SheetImport.objects.order_by("-pk")[0]
    run_task(Task.objects.get(pk=made.task_id).pk)
    made.refresh_from_db()
    return made


def confirmed(client: Client, made: SheetImport) -> SheetImport:
    client.post(reverse("sheets:confirm", args=[made.pk]), {"mode": "all"})
    made.refresh_from_db()
    assert made.task_id is not None
    run_task(made.task_id)
    made.refresh_from_db()
    return made


@pytest.mark.django_db(transaction=True)
def test_from_the_switchs_page_to_its_impact(client: Client, ward: Ward, member: Person) -> None:
    """The wizard finds the columns, says what is doubtful, takes the rows and shows what they do; corrected, again."""
    ward.relation("XA", revenue=500)
    make_code("101", "XN1")
    switch, other = ward.switch(), ward.switch()
    client.force_login(member)
    made = sent(client, switch, workbook(ROWS))
    assert (made.state, made.new_rows, made.error_rows) == (ImportState.READY, 4, 0)
    assert any("XN3" in one.reason for one in problems(made, "warning", 0, 10))
    made = confirmed(client, made)
    assert (made.state, made.result) == (ImportState.APPLIED, {"新增": 3})
    assert switch.rows.count() == 4
    assert other.rows.count() == 0
    assert switch.rows.filter(relation=SwitchRelation.SPLIT).count() == 2
    switch.refresh_from_db()
    assert switch.summary["items"] == 1
    assert client.get(reverse("sheets:detail", args=[made.pk])).context["result_url"] == switch.get_absolute_url()

    again = sent(client, switch, workbook((ROWS[0], (2, "XD", "演示片丁", "XN3", "演示片一", "1:1"))), "更正.xlsx")
    assert (again.changed_rows, again.same_rows) == (1, 1)
    confirmed(client, again)
    assert set(switch.rows.values_list("old_code", "new_code")) == {("XA", "XN1"), ("XD", "XN3"), ("XE", "")}
    assert left_over(switch) == ["XE"]
    page = client.get(reverse("mapping:switch_rows", args=[switch.pk]))
    assert "从对照表删除 1 个" in page.content.decode()
    client.post(reverse("mapping:switch_drop", args=[switch.pk]))
    assert not switch.rows.filter(old_code="XE").exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_without_a_switch_is_refused_line_by_line(client: Client, ward: Ward, member: Person) -> None:
    client.force_login(member)
    data = SimpleUploadedFile("对照表.xlsx", workbook(ROWS))
    client.post(reverse("sheets:new", args=["mapping.switch"]), {"file": data})
    made = SheetImport.objects.get()
    assert made.task_id is not None
    run_task(made.task_id)
    made.refresh_from_db()
    assert made.state == ImportState.FAILED
    assert "请从「目录切换」中该次切换的页面导入" in problems(made, "error", 0, 10)[0].reason


@pytest.mark.django_db(transaction=True)
def test_a_file_may_name_its_switch(client: Client, ward: Ward, member: Person) -> None:
    switch = ward.switch()
    client.force_login(member)
    data = workbook([("XA", "XN1", switch.name)], ("旧医保编码", "新医保编码", "切换名称"))
    client.post(reverse("sheets:new", args=["mapping.switch"]), {"file": SimpleUploadedFile("表.xlsx", data)})
    made = SheetImport.objects.get()
    assert made.task_id is not None
    run_task(made.task_id)
    confirmed(client, made)
    assert switch.rows.get().new_code == "XN1"
    assert not SwitchFile.objects.exists()


def test_who_may_not_import_and_other_institutions_do_not_reach_it(
    client: Client, ward: Ward, looker: Person, outsider: Person
) -> None:
    switch = ward.switch()
    url = reverse("mapping:switch_upload", args=[switch.pk])
    for person, status in ((looker, 403), (outsider, 404)):
        client.force_login(person)
        assert client.get(url).status_code == status
        file = SimpleUploadedFile("a.xlsx", workbook(ROWS))
        assert client.post(url, {"file": file}).status_code == status
    assert not SheetImport.objects.exists()
