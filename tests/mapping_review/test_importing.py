"""对照表导入: good rows become proposals, every other is refused with its reasons."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from insurance.mapping.choices import MappingState, Source
from insurance.mapping.models import Mapping
from insurance.mapping.review.importing import RelationImport
from portal.people.actor import Actor
from portal.people.models import Institution
from portal.sheets.importer import Row, RowKind, SheetError
from tests.mapping_items.factories import make_code, make_item
from tests.mapping_review.conftest import Propose, code_named, pair

pytestmark = pytest.mark.django_db


def row(number: int, item: str, code: str, **values: Any) -> Row:
    """One line of the table as the wizard hands it over."""
    return Row(number, {"fixmedins_hilist_id": item, "med_list_codg": code, **values})


def test_rows_are_judged_and_taken(connected: Institution, mapper: Actor, proposed: Propose) -> None:
    importer = RelationImport()
    item, code = pair(connected, 1)
    waiting = proposed(2)
    make_item(connected, list_type="201", fixmedins_hilist_id="S1")
    make_item(connected, list_type="102", fixmedins_hilist_id=item.fixmedins_hilist_id)
    begin = dt.date(2026, 12, 1)
    rows = [
        row(1, item.fixmedins_hilist_id, code.code, list_type="101", begndate=begin, memo="原系统"),
        row(2, item.fixmedins_hilist_id, code.code),
        row(3, "NOWHERE", code.code),
        row(4, waiting.item.fixmedins_hilist_id, code.code),
        row(5, "S1", "001102000000100"),
    ]
    judged = importer.check(mapper, rows)
    assert [one.kind for one in judged] == [RowKind.NEW, *[RowKind.ERROR] * 4]
    said = [one.problems[0].reason for one in judged[1:]]
    assert "几个目录类别" in said[0]
    assert "没有编码 NOWHERE" in said[1]
    assert "待审核" in said[2]
    assert "您的角色不对" in said[3]
    assert Mapping.objects.count() == 1
    assert importer.apply(mapper, rows[:1]) == {"新增待审核": 1}
    made = Mapping.objects.get(item=item)
    assert (made.state, made.source, made.begndate, made.memo) == (
        MappingState.PROPOSED, Source.IMPORTED, begin, "原系统",
    )  # fmt: skip


def test_what_changed_since_the_check_stops_the_portion(connected: Institution, mapper: Actor) -> None:
    item, code = pair(connected, 1)
    make_code("101", code_named(2))
    lines = [row(1, item.fixmedins_hilist_id, code.code)]
    RelationImport().apply(mapper, lines)
    with pytest.raises(SheetError, match="重新校验"):
        RelationImport().apply(mapper, lines)
