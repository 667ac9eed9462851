"""列对应: asked once, remembered for the same headers, shared, shown, deleted; and choosing among sheets."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from portal.sheets import mappings, services
from portal.sheets.choices import ImportState, Mode
from portal.sheets.errors import SheetError
from portal.sheets.headers import Chosen
from portal.sheets.models import ColumnMapping, SheetImport
from tests.people.factories import make_actor, make_person
from tests.sheets.files import HEADER, ROW, csv, xlsx
from tests.sheets.test_wizard import upload, work
from tests.sheets.ward import WardImport

pytestmark = pytest.mark.django_db(transaction=True)
STRANGE = ("BQDM", "BQMC", "开放数")
LINES = (("0101", "产科一区", 42), ("0102", "产科二区", 38))
TOLD = Chosen(0, 1, 1, {"ward_code": 0, "ward_name": 1, "beds": 2})


def asked(actor: Actor, *rows: Any) -> SheetImport:
    made = work(upload(actor, xlsx(*rows)))
    assert made.state == ImportState.MAPPING, made.words
    return made


def told(actor: Actor, made: SheetImport, chosen: Chosen = TOLD) -> SheetImport:
    mappings.choose_columns(actor, sheet_import=made, told=chosen)
    return work(made)


def test_headers_nobody_knows_are_asked_and_then_remembered(actor: Actor) -> None:
    made = told(actor, asked(actor, STRANGE, *LINES))
    assert (made.state, made.new_rows) == (ImportState.READY, 2)
    services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    work(made)
    assert WardImport.records["0102"]["beds"] == 38
    colleague = make_actor("insurance_office", actor.institution)
    again = work(upload(colleague, csv((STRANGE[2], *STRANGE[:2]), (40, "0103", "外科"), encoding="gbk"), "明天.csv"))
    assert (again.state, again.new_rows) == (ImportState.READY, 1)
    mapping = ColumnMapping.objects.get()
    assert again.remembered == mapping
    assert (mapping.owner, mapping.uses) == (actor.person, 1)
    assert mappings.words_of(mapping, WardImport.columns)[0] == ("病区编码", "BQDM")
    assert AuditEvent.objects.filter(action="sheets.columns").count() == 1


def test_other_headers_are_asked_again(actor: Actor) -> None:
    told(actor, asked(actor, STRANGE, *LINES))
    asked(actor, (*STRANGE[:2], "实有数"), *LINES)


def test_what_is_not_remembered_holds_for_this_file_only(actor: Actor) -> None:
    made = asked(actor, STRANGE, *LINES)
    mappings.choose_columns(actor, sheet_import=made, told=TOLD, remember=False)
    assert work(made).state == ImportState.READY
    assert not ColumnMapping.objects.exists()


def test_the_same_header_twice_keeps_its_places(actor: Actor) -> None:
    header = ("代码", "说明", "说明")
    chosen = Chosen(0, 1, 1, {"ward_code": 0, "ward_name": 2})
    told(actor, asked(actor, header, ("0101", "旧名", "产科一区")), chosen)
    again = work(upload(actor, xlsx(header, ("0102", "旧名", "产科二区"))))
    services.confirm(actor, sheet_import=again, mode=Mode.ALL)
    work(again)
    assert WardImport.records["0102"]["ward_name"] == "产科二区"


def test_a_missing_column_or_one_named_twice_is_refused(actor: Actor) -> None:
    made = asked(actor, STRANGE, *LINES)
    with pytest.raises(SheetError, match="缺少必填列：病区名称"):
        mappings.choose_columns(actor, sheet_import=made, told=Chosen(0, 1, 1, {"ward_code": 0}))
    with pytest.raises(SheetError, match="同一列被指定给了「病区编码」和「病区名称」"):
        mappings.choose_columns(actor, sheet_import=made, told=Chosen(0, 1, 1, {"ward_code": 0, "ward_name": 0}))
    with pytest.raises(SheetError, match="第 9 行没有内容"):
        mappings.choose_columns(actor, sheet_import=made, told=Chosen(0, 9, 1, {"ward_code": 0, "ward_name": 1}))
    made.refresh_from_db()
    assert made.state == ImportState.MAPPING


def test_two_sheets_with_data_are_asked_about(actor: Actor) -> None:
    made = work(upload(actor, xlsx(HEADER, ROW, 外科=[HEADER, ("0201", "外科", 1)])))
    assert made.state == ImportState.MAPPING
    assert "2 个工作表都像要导入的数据：「Sheet」、「外科」" in made.words
    made = told(actor, made, Chosen(1, 1, 1, {"ward_code": 0, "ward_name": 1, "beds": 2}))
    assert (made.state, made.sheet_name, made.new_rows) == (ImportState.READY, "外科", 1)


def test_a_file_read_wrongly_can_be_told_anew(actor: Actor) -> None:
    made = work(upload(actor, xlsx((*HEADER, "实有床位"), (*ROW, 7))))
    assert made.state == ImportState.READY
    made = told(actor, made, Chosen(0, 1, 1, {"ward_code": 0, "ward_name": 1, "beds": 5}))
    services.confirm(actor, sheet_import=made, mode=Mode.ALL)
    assert work(made).state == ImportState.APPLIED
    assert WardImport.records["0101"]["beds"] == 7
    with pytest.raises(SheetError, match="状态是「已导入」"):
        mappings.choose_columns(actor, sheet_import=made, told=TOLD)


def test_samples_are_masked() -> None:
    assert mappings.mask_sample("患者姓名", "样例某某") == "样*"
    assert mappings.mask_sample("号", "13900001234") == "139****1234"
    assert mappings.mask_sample("备注", "证件 999900190001010017") == "证件 9999**********0017"
    assert mappings.mask_sample("科室", "内科") == "内科"
    assert mappings.mask_sample("成立日期", "2010-01-01") == "2010-01-01"
    assert "1990-01-01" not in (mappings.mask_sample("出生日期", "1990-01-01"), mappings.mask_sample("", "1990-01-01"))


def test_the_page_shows_masked_samples_and_takes_the_answer(actor: Actor, clerk: Person, client: Client) -> None:
    client.force_login(clerk)
    made = asked(actor, (*STRANGE, "联系人", "号"), (*LINES[0], "样例某", "13900001234"))
    address = reverse("sheets:columns", args=[made.pk])
    assert address in client.get(made.get_absolute_url()).content.decode()
    page = client.get(address).content.decode()
    assert "A 列 BQDM：0101" in page
    assert "样*" in page
    assert "139****1234" in page
    assert "13900001234" not in page
    assert "样例某" not in page
    refused = client.post(address, {"sheet": 0, "line": 1, "height": 1, "col_ward_code": 0})
    assert refused.status_code == 400
    assert "缺少必填列：病区名称" in refused.content.decode()
    form = {"sheet": 0, "line": 1, "height": 1, "col_ward_code": 0, "col_ward_name": 1, "remember": "yes"}
    assert client.post(address, form).status_code == 302
    assert work(made).state == ImportState.READY
    assert "记住给下次同样表头的文件" in client.get(made.get_absolute_url()).content.decode()
    assert client.post(address, {"sheet": "x"}).status_code == 400


def test_the_header_line_can_be_chosen(actor: Actor, clerk: Person, client: Client) -> None:
    client.force_login(clerk)
    made = asked(actor, ("科室一览", "x", "y", "z"), STRANGE, *LINES)
    page = client.get(f"{reverse('sheets:columns', args=[made.pk])}?sheet=0&line=2&height=1").content.decode()
    assert "A 列 BQDM：0101、0102" in page


def test_the_list_and_its_three_persons(
    actor: Actor, clerk: Person, client: Client, hospital: Institution, other_hospital: Institution
) -> None:
    made = told(actor, asked(actor, STRANGE, *LINES))
    mapping = ColumnMapping.objects.get()
    pages = [reverse("sheets:mapping", args=[mapping.pk]), reverse("sheets:columns", args=[made.pk])]
    delete = reverse("sheets:forget_mapping", args=[mapping.pk])
    elsewhere, without = Client(), Client()
    elsewhere.force_login(make_person("insurance_office", other_hospital))
    without.force_login(make_person("cashier", hospital))
    client.force_login(clerk)
    assert "BQDM" in client.get(reverse("sheets:mappings")).content.decode()
    assert "BQDM" not in elsewhere.get(reverse("sheets:mappings")).content.decode()
    for page in pages:
        assert client.get(page).status_code == 200
        assert elsewhere.get(page).status_code == 404
        assert without.get(page).status_code in (403, 404)
    elsewhere.post(delete)
    without.post(delete)
    assert ColumnMapping.objects.exists()
    with pytest.raises(NotAllowed):
        mappings.forget_mapping(make_actor("cashier", hospital), mapping=mapping)
    for _ in range(2):
        assert client.post(delete).status_code == 302
    assert not ColumnMapping.objects.exists()
    assert AuditEvent.objects.filter(action="sheets.forget_columns").count() == 1


def test_the_list_costs_few_queries(
    actor: Actor, clerk: Person, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(clerk)
    for number in range(25):
        ColumnMapping.objects.create(
            institution=actor.institution, importer="tests.ward", label="病区", fingerprint=str(number), owner=clerk
        )
    with django_assert_max_num_queries(22):
        client.get(reverse("sheets:mappings"))
