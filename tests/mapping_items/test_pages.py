"""The pages of the items: who sees them, what they say, what they cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from insurance.mapping.items.services import change_item
from insurance.mapping.items.shell import lines_to_see_to
from insurance.mapping.models import HospitalItem, ItemChange, Mapping
from portal.audit.models import AuditEvent
from portal.lists.intent import issue
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.sheets.choices import ImportState, Mode
from portal.sheets.importer import find
from portal.sheets.models import SheetImport
from portal.sheets.services import confirm, upload
from portal.tasks.runner import run_task
from tests.mapping_items.factories import make_item
from tests.mapping_items.spreadsheet import DRUG_HEADERS, DRUGS, workbook
from tests.mapping_items.test_importing import mapped

pytestmark = pytest.mark.django_db
PAGES = ("mapping:items", "mapping:items_import", "mapping:item_new")


def pages_of(item: HospitalItem) -> list[str]:
    return [*map(reverse, PAGES), item.get_absolute_url(), reverse("mapping:item_edit", args=[item.pk])]


def test_three_people(
    client: Client, pharmacist: Person, outsider: Person, stranger: Person, institution: Institution
) -> None:
    item = make_item(institution)
    client.force_login(pharmacist)
    for url in pages_of(item):
        assert client.get(url).status_code == 200, url
    client.force_login(outsider)
    assert item.fixmedins_hilist_name not in client.get(reverse("mapping:items")).content.decode()
    assert client.get(item.get_absolute_url()).status_code == 404
    assert client.get(reverse("mapping:item_edit", args=[item.pk])).status_code == 404
    client.force_login(stranger)
    for url in pages_of(item):
        assert client.get(url).status_code == 403, url


def test_who_may_only_look_changes_nothing(
    client: Client, person: Callable[..., Person], institution: Institution
) -> None:
    item = make_item(institution)
    client.force_login(person("looker", institution, "cashier"))
    assert client.get(item.get_absolute_url()).status_code == 200
    assert client.get(reverse("mapping:item_edit", args=[item.pk])).status_code == 403
    assert client.post(reverse("mapping:items_stop"), {"only": item.pk}).status_code == 403


def test_an_office_changes_its_own_kinds_only(client: Client, pharmacist: Person, institution: Institution) -> None:
    service = make_item(institution, list_type="201", fixmedins_hilist_name="演示诊查费")
    client.force_login(pharmacist)
    answer = client.get(reverse("mapping:item_edit", args=[service.pk]))
    assert answer.status_code == 403
    assert "不维护「医疗服务项目」" in answer.content.decode()
    panel = client.post(reverse("mapping:items_stop"), {"only": service.pk}).content.decode()
    assert "由其他科室维护" in panel


def tabs(client: Client, query: str = "") -> str:
    """The tabs' words in one line."""
    page = client.get(f"{reverse('mapping:items')}{query}").content.decode()
    return " ".join(page[page.index('class="tabs"') :][:3000].split())


@pytest.fixture
def shelf(institution: Institution, pharmacist: Person, member: Person) -> dict[str, HospitalItem]:
    """One item of every state."""
    made = {
        name: make_item(institution, fixmedins_hilist_name=f"演示{name}", revenue=Decimal(place))
        for place, name in enumerate(("poor", "rich", "tied", "asked", "free", "gone"))
    }
    mapped(made["tied"], pharmacist, member)
    Mapping.objects.create(
        institution=institution, item=made["asked"], list_type="101", med_list_codg="XB02",
        begndate=dt.date(2026, 1, 1), proposed_by=pharmacist, proposed_at=timezone.now(),
        code_facts={"name": "演示目录药"},
    )  # fmt: skip
    HospitalItem.objects.filter(pk=made["free"].pk).update(no_code=True, no_code_reason="全自费")
    HospitalItem.objects.filter(pk=made["gone"].pk).update(enddate=dt.date(2026, 1, 1))
    return made


def test_tabs_with_their_counts_and_the_unmapped_by_revenue(
    client: Client, pharmacist: Person, shelf: dict[str, HospitalItem]
) -> None:
    client.force_login(pharmacist)
    page = client.get(reverse("mapping:items")).content.decode()
    assert page.index("演示rich") < page.index("演示poor")
    assert not any(f"演示{name}" in page for name in ("tied", "asked", "free", "gone"))
    for tab, name in (("mapped", "tied"), ("waiting", "asked"), ("no_code", "free"), ("stopped", "gone")):
        shown = client.get(reverse("mapping:items"), {"tab": tab}).content.decode()
        assert f"演示{name}" in shown, tab
        assert "共 1 条" in " ".join(shown.split()), tab
    assert "XA01" in client.get(reverse("mapping:items"), {"tab": "mapped"}).content.decode()


def test_the_list_costs_the_same_for_one_row_and_for_fifty(
    client: Client, pharmacist: Person, member: Person, institution: Institution
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert client.get(reverse("mapping:items"), {"tab": "all", "per_page": "50"}).status_code == 200
        return len(queries)

    client.force_login(pharmacist)
    mapped(make_item(institution), pharmacist, member)
    cost()
    few = cost()
    for _ in range(49):
        mapped(make_item(institution), pharmacist, member)
    assert cost() == few


def test_filters(client: Client, pharmacist: Person, institution: Institution) -> None:
    make_item(institution, fixmedins_hilist_name="演示阿莫西林", prodentp_name="演示甲厂", pric=Decimal(5), revenue=900)
    make_item(institution, fixmedins_hilist_name="演示诊查费", list_type="201", pric=Decimal(50), inpatients=3)
    client.force_login(pharmacist)

    def found(**query: str) -> set[str]:
        page = client.get(reverse("mapping:items"), {"tab": "all", **query}).content.decode()
        return {name for name in ("演示阿莫西林", "演示诊查费") if f">{name}<" in page}

    assert found() == {"演示阿莫西林", "演示诊查费"}
    assert found(words="阿莫") == found(words="ysamxl") == {"演示阿莫西林"}
    assert found(kind="drugs") == found(prodentp_name="甲厂") == found(price_to="10") == {"演示阿莫西林"}
    assert found(kind="201") == found(price_from="10") == found(in_house="1") == {"演示诊查费"}
    assert found(revenue_from="900") == {"演示阿莫西林"}


def test_a_change_after_the_relation_is_seen_and_settled(
    client: Client, pharmacist: Person, pharmacy: Actor, member: Person, institution: Institution
) -> None:
    item = make_item(institution)
    mapped(item, pharmacist, member)
    change_item(pharmacy, item=item, values={"prodentp_name": "演示另一厂"})
    client.force_login(pharmacist)
    listed = client.get(reverse("mapping:items"), {"tab": "mapped", "changed": "1"}).content.decode()
    assert "对照后变更：生产企业" in listed
    assert "原来的对照可能不再相符" in client.get(item.get_absolute_url()).content.decode()
    confirmed(client, pharmacist, "Check", "mapping:items_check", item)
    listed = client.get(reverse("mapping:items"), {"tab": "mapped", "changed": "1"}).content.decode()
    assert "对照后变更：" not in listed
    assert "原来的对照可能不再相符" not in client.get(item.get_absolute_url()).content.decode()
    assert AuditEvent.objects.filter(action="mapping.item_checked").count() == 1


def confirmed(client: Client, person: Person, batch: str, url: str, item: HospitalItem, **form: str) -> None:
    """Go through the panel of a batch for one item, as the drawer does."""
    panel = client.post(reverse(url), {"only": item.pk})
    assert panel.status_code == 200
    intent = panel.context["intent"]
    assert intent is not None, panel.content.decode()
    answer = client.post(reverse(url), {"row": item.pk, "intent": intent.key, **form}, follow=True)
    assert answer.status_code == 200


def test_stop_and_resume_and_no_code(client: Client, pharmacist: Person, institution: Institution) -> None:
    item = make_item(institution)
    client.force_login(pharmacist)
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    confirmed(client, pharmacist, "Stop", "mapping:items_stop", item, enddate=yesterday.isoformat(), reason="停产")
    item.refresh_from_db()
    assert item.enddate == yesterday
    confirmed(client, pharmacist, "Resume", "mapping:items_resume", item, reason="恢复供应")
    confirmed(client, pharmacist, "NoCode", "mapping:items_no_code", item, reason="全自费")
    item.refresh_from_db()
    assert (item.enddate, item.no_code, item.no_code_reason) == (None, True, "全自费")
    confirmed(client, pharmacist, "NeedCode", "mapping:items_need_code", item)
    item.refresh_from_db()
    assert (item.no_code, item.no_code_reason) == (False, "")
    reasons = set(AuditEvent.objects.filter(action__startswith="mapping.item").values_list("reason", flat=True))
    assert {"停产", "恢复供应", "全自费"} <= reasons
    assert [change.changes["enddate"][1] for change in ItemChange.objects.order_by("pk")] == [str(yesterday), ""]


def test_no_code_is_refused_for_what_has_one(
    client: Client, pharmacist: Person, shelf: dict[str, HospitalItem]
) -> None:
    client.force_login(pharmacist)
    for name, words in (("tied", "请先终止对照"), ("asked", "请先撤回")):
        assert words in client.post(reverse("mapping:items_no_code"), {"only": shelf[name].pk}).content.decode()


def test_a_new_item_and_a_change_by_hand(client: Client, pharmacist: Person, institution: Institution) -> None:
    client.force_login(pharmacist)
    given = {
        "list_type": "101", "fixmedins_hilist_id": "00420", "fixmedins_hilist_name": "演示片", "spec": "10mg*7片/盒",
        "pric": "9.9", "begndate": "2026-01-01",
    }  # fmt: skip
    url = reverse("mapping:item_new")
    key = issue(pharmacist, "mapping.item").key
    for _ in range(2):
        assert client.post(url, {**given, "intent": key}).status_code == 302
    item = HospitalItem.objects.get(fixmedins_hilist_id="00420")
    assert (item.pric, item.pinyin) == (Decimal("9.9"), "ysp")

    again = client.post(url, {**given, "intent": issue(pharmacist, "mapping.item").key})
    assert again.status_code == 422
    assert "已用于「演示片」" in again.content.decode()

    edit = reverse("mapping:item_edit", args=[item.pk])
    later = (timezone.localdate() + dt.timedelta(days=3)).isoformat()
    changed = {**given, "pric": "10.9", "since": later, "intent": issue(pharmacist, "mapping.item").key}
    assert client.post(edit, changed).status_code == 302
    item.refresh_from_db()
    assert item.pric == Decimal("9.9")
    assert "待生效" in client.get(item.get_absolute_url()).content.decode()

    wrong = {**given, "enddate": "2025-01-01", "since": later, "intent": issue(pharmacist, "mapping.item").key}
    answer = client.post(edit, wrong)
    assert answer.status_code == 422
    assert "早于启用日期" in answer.content.decode()


def checked(actor: Actor, lines: list[list[Any]]) -> SheetImport:
    """Bring a file to the wizard, which checks it at once."""
    importer = find("mapping.item_drugs")
    assert importer is not None
    sheet = upload(actor, importer=importer, file_name="药品.xlsx", data=workbook(DRUG_HEADERS, lines))
    assert sheet.task is not None
    run_task(sheet.task.pk)
    sheet.refresh_from_db()
    return sheet


def imported(actor: Actor, lines: list[list[Any]]) -> SheetImport:
    """Take a file through the wizard."""
    sheet = checked(actor, lines)
    confirm(actor, sheet_import=sheet, mode=Mode.GOOD)
    sheet.refresh_from_db()
    assert sheet.task is not None
    run_task(sheet.task.pk)
    sheet.refresh_from_db()
    assert sheet.state == ImportState.APPLIED, sheet.words
    return sheet


@pytest.mark.django_db(transaction=True)
def test_what_a_whole_list_does_not_name_is_found_and_only_found(
    client: Client, pharmacy: Actor, pharmacist: Person, institution: Institution, settings: Any, tmp_path: Any
) -> None:
    settings.FILES_DIR = tmp_path
    imported(pharmacy, DRUGS)
    make_item(institution, list_type="201", fixmedins_hilist_name="演示诊查费")
    again = checked(pharmacy, DRUGS[1:])
    assert not again.to_take, "a list in which nothing is new can be compared all the same"
    assert not HospitalItem.objects.exclude(enddate=None).exists(), "nothing is stopped by itself"
    client.force_login(pharmacist)
    page = client.get(reverse("mapping:items"), {"tab": "all", "missing": str(again.pk)}).content.decode()
    assert ">(甲)演示青霉素胶囊<" in page
    assert "共 1 条" in " ".join(page.split())
    other = client.get(reverse("mapping:items"), {"tab": "all", "missing": "999999"}).content.decode()
    assert "演示青霉素" not in other


def test_the_export_can_be_imported_again(client: Client, pharmacist: Person, institution: Institution) -> None:
    from portal.lists.exporting import open_list

    item = make_item(institution, memo="备注一")
    page = open_list("insurance.mapping.items.views.listing.ItemList", Actor.of(pharmacist, institution), "tab=all")
    columns = page.out_columns()
    ((row,),) = list(page.out_chunks())
    values = {column.name: column.value(row) for column in columns}
    assert values["fixmedins_hilist_id"] == item.fixmedins_hilist_id
    importer = find("mapping.item_drugs")
    assert importer is not None
    from portal.sheets.headers import names_of, plain

    known = names_of(importer.columns)
    labels = {column.name: known[plain(column.label)].name for column in columns if plain(column.label) in known}
    for name in ("fixmedins_hilist_id", "fixmedins_hilist_name", "spec", "prodentp_name", "aprvno", "pric", "enddate"):
        assert labels[name] == name


def test_the_desk_counts_exactly_what_each_list_shows(
    client: Client, pharmacist: Person, pharmacy: Actor, supply: Actor, member: Person, shelf: dict[str, HospitalItem]
) -> None:
    make_item(pharmacy.institution, list_type="201")
    change_item(pharmacy, item=shelf["tied"], values={"spec": "0.5g*12片/盒"})
    client.force_login(pharmacist)
    lines = lines_to_see_to(pharmacy)
    assert [(line.label, line.number) for line in lines] == [("药品未对照", 2), ("药品对照后有变更", 1)]
    for line in lines:
        assert f"共 {line.number} 条" in " ".join(client.get(line.url).content.decode().split()), line.label
    assert ("医疗服务未对照", 1) in [(line.label, line.number) for line in lines_to_see_to(supply)]
