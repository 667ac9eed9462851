"""目录切换: the table, its impact, preparing, two persons, nothing before the day, and undone as a whole."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from insurance.mapping.choices import (
    EndingState,
    LineKind,
    LineState,
    MappingState,
    Source,
    SwitchRelation,
    SwitchState,
)
from insurance.mapping.delivery.submitting import queue_mappings, recall
from insurance.mapping.models import CodeSwitchRow, Ending, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.queries import relation_on
from insurance.mapping.review.services import propose_mapping
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.deciding import (
    approve_switch,
    cancel_switch,
    draw_sample,
    return_switch,
    undo_switch,
)
from insurance.mapping.switching.services.preparing import choose_code, prepare_lines
from insurance.mapping.switching.services.rows import drop_rows, judge_rows, take_rows
from insurance.mapping.switching.services.switches import change_switch, create_switch
from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution
from tests.mapping_items.factories import make_code, make_item
from tests.mapping_switching.conftest import DAY, TODAY, Ward, in_force

pytestmark = pytest.mark.django_db


def test_the_table_says_how_codes_meet(ward: Ward) -> None:
    """1:1, n:1, 1:n and an end are counted over the whole table, whatever the bureau wrote."""
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"), ("XC", "XN2"), ("XD", "XN3"), ("XD", "XN4"), ("XE", ""))
    found = {(row.old_code, row.new_code): row.relation for row in switch.rows.all()}
    assert found == {
        ("XA", "XN1"): SwitchRelation.ONE, ("XB", "XN2"): SwitchRelation.MERGED,
        ("XC", "XN2"): SwitchRelation.MERGED, ("XD", "XN3"): SwitchRelation.SPLIT,
        ("XD", "XN4"): SwitchRelation.SPLIT, ("XE", ""): SwitchRelation.DROPPED,
    }  # fmt: skip


def test_several_new_codes_in_one_cell_and_words_for_none(ward: Ward) -> None:
    switch = ward.switch(("XA", "XN1、XN2"), ("XB", "停用"))
    assert set(switch.rows.values_list("old_code", "new_code")) == {("XA", "XN1"), ("XA", "XN2"), ("XB", "")}


def test_the_bureaus_word_is_checked_against_the_table(ward: Ward) -> None:
    switch = create_switch(ward.office, name="核对关系", day=TODAY() + DAY)
    rows = [{"old_code": "XA", "new_code": "XN1", "stated": "一对多", "list_type": "101"}]
    judged = judge_rows(switch, rows)[0]
    assert not judged.faults
    assert [w for name, w in judged.doubts if name == "stated"] == [
        "局方写「一对多」，按全表计算是「一对一」，请向局方核实"
    ]
    take_rows(ward.office, switch=switch, rows=rows)
    assert assess(switch).summary["mismatched"] == 1


def test_a_new_code_not_in_the_catalogue_yet_is_a_warning(ward: Ward) -> None:
    switch = create_switch(ward.office, name="新码未到", day=TODAY() + DAY)
    judged = judge_rows(switch, [{"old_code": "XA", "new_code": "XN9"}])[0]
    assert not judged.faults
    assert "XN9" in judged.doubts[0][1]


def test_a_corrected_table_says_what_changes(ward: Ward) -> None:
    """An old code's successors afterwards are those of the corrected line; what is gone can be taken out."""
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"), ("XC", "XN3"))
    rows = [{"old_code": "XA", "new_code": "XN1"}, {"old_code": "XB", "new_code": "XN5"}]
    same, changed = judge_rows(switch, rows)
    assert (same.kind, changed.kind) == ("same", "changed")
    assert changed.changes == {"new_code": ("XN2", "XN5")}
    assert take_rows(ward.office, switch=switch, rows=rows[1:]) == {"new": 0, "changed": 1}
    assert set(switch.rows.values_list("old_code", "new_code")) == {("XA", "XN1"), ("XB", "XN5"), ("XC", "XN3")}
    assert drop_rows(ward.office, switch=switch, old_codes=["XC"]) == 1
    assert not CodeSwitchRow.objects.filter(old_code="XC").exists()


def test_impact_is_shown_before_anything(ward: Ward) -> None:
    """Items, kinds, revenue, stock and patients; what needs a choice, what is held up, what the table forgot."""
    ward.relation("XA", revenue=1000, stock=5, inpatients=3)
    ward.relation("XB", revenue=200)
    ward.relation("XE", revenue=50)
    ended = TODAY() + 4 * DAY
    forgotten = ward.relation("XF", revenue=10, row={"enddate": ended})
    busy = ward.relation("XG", revenue=1)
    make_code("101", "XOTHER")
    propose_mapping(ward.office, item=busy.item, code="XOTHER", source=Source.SEARCHED)
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"), ("XB", "XN3"), ("XE", ""), ("XG", "XN4"), ("XZ", "XN5"))
    summary = switch.summary
    assert (summary["items"], summary["kinds"], summary["revenue"]) == (5, {"101": 5}, "1261.00")
    assert (summary["stocked"], summary["inpatients"], summary["unused"]) == (1, 3, 1)
    assert summary["situations"] == {"ready": 1, "choice": 1, "dropped": 1, "blocked": 1, "unlisted": 1}
    kinds = dict(switch.lines.values_list("mapping__med_list_codg", "kind"))
    assert (kinds["XF"], kinds["XG"]) == (LineKind.UNLISTED, LineKind.BLOCKED)
    assert switch.lines.get(mapping=forgotten).state == LineState.WAITING
    assert not Mapping.objects.filter(switch=switch).exists()


def test_looking_at_thousands_costs_no_query_each(ward: Ward) -> None:
    """The impact of forty relations takes the queries of four."""

    def cost(number: int) -> int:
        for _ in range(number):
            code = f"X{Mapping.objects.count():04}"
            ward.relation(code)
            make_code("101", f"{code}N")
            take_rows(ward.office, switch=switch, rows=[{"old_code": code, "new_code": f"{code}N"}])
        with CaptureQueriesContext(database) as seen:
            assess(switch)
        return len(seen)

    switch = create_switch(ward.office, name="许多", day=TODAY() + DAY)
    assert cost(4) == cost(36)


def test_a_whole_round(ward: Ward) -> None:
    """Prepared by one, approved by another, queued for the day and not before; a fee is judged on its own date."""
    one, two = ward.relation("XA"), ward.relation("XB")
    gone = ward.relation("XE")
    switch = ward.switch(("XA", "XN1"), ("XB", "XN1"), ("XE", ""))
    done = prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    assert (len(done.done), done.skipped) == (3, [])
    switch.refresh_from_db()
    assert switch.state == SwitchState.PROPOSED
    made = Mapping.objects.get(replaces=one)
    assert (made.med_list_codg, made.begndate, made.source) == ("XN1", switch.day, Source.SWITCHED)
    assert not Submission.objects.exists()

    with pytest.raises(NotAllowed):
        approve_switch(ward.office, switch=switch, looked_at=[line.pk for line in switch.lines.all()])
    drawn = draw_sample(ward.second, switch=switch)
    with pytest.raises(SwitchingError, match="抽查的明细还有"):
        approve_switch(ward.second, switch=switch)
    decided = approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in drawn])
    assert (decided.mappings, decided.endings, decided.left_out) == (2, 1, [])
    switch.refresh_from_db()
    assert (switch.state, switch.approved_by) == (SwitchState.READY, ward.other)

    midnight = timezone.make_aware(dt.datetime.combine(switch.day, dt.time.min))
    queued = Submission.objects.exclude(state=SubmissionState.WITHDRAWN)
    assert {one.not_before for one in queued} == {midnight}
    assert queued.filter(purpose="mapping.add").count() == 2
    new = [one.subject for one in queued.filter(purpose="mapping.add")]
    recall(ward.office, records=new)
    again = queue_mappings(ward.office, mappings=new).queued
    assert [submission.not_before for submission in again] == [midnight] * 2  # taken back and sent again: still then
    one.refresh_from_db()
    gone.refresh_from_db()
    assert (one.enddate, gone.enddate) == (switch.day - DAY, switch.day - DAY)
    assert relation_on(two.item, switch.day - DAY) == two
    after = relation_on(two.item, switch.day)
    assert after is not None
    assert after.med_list_codg == "XN1"
    assert relation_on(gone.item, switch.day) is None


def test_one_old_code_with_several_new_ones_is_chosen_by_a_person(ward: Ward) -> None:
    """Candidates stand with their differences; the choice is a proposal like any other."""
    ward.relation("XA", fixmedins_hilist_name="演示片", spec="0.5g", prodentp_name="甲厂")
    make_code("101", "XN1", name="演示片", spec="0.5g", maker="甲厂")
    make_code("101", "XN2", name="演示片", spec="0.25g", maker="乙厂")
    switch = ward.switch(("XA", "XN1"), ("XA", "XN2"), known=False)
    line = switch.lines.get()
    assert [one["code"] for one in line.candidates] == ["XN1", "XN2"]
    assert {one["what"]: one["agrees"] for one in line.candidates[1]["reasons"]}["规格"] is False
    skipped = prepare_lines(ward.office, switch=switch, lines=[line]).skipped
    assert "逐项选择" in skipped[0][1]
    with pytest.raises(SwitchingError, match="请从列出的新编码中选择"):
        choose_code(ward.office, line=line, code="XN7")
    line = choose_code(ward.office, line=line, code="XN2")
    assert (line.state, line.new_code) == (LineState.PROPOSED, "XN2")
    assert line.proposal is not None
    assert line.proposal.reasons
    assert [one.pk for one in draw_sample(ward.second, switch=switch)] == [line.pk]


def test_who_may_not_tie_a_kind_does_not_prepare_it(ward: Ward, person, hospital: Institution) -> None:  # type: ignore[no-untyped-def]
    ward.relation("C01", list_type="301")
    make_code("301", "C02")
    switch = ward.switch(("C01", "C02"), known=False)
    pharmacist = Actor.of(person("pharmacist", hospital, "pharmacy"), hospital)
    done = prepare_lines(pharmacist, switch=switch, lines=switch.lines.all())
    assert not done.done
    assert "没有对这类项目对码的权限" in done.skipped[0][1]


def test_a_code_that_the_catalogue_lacks_waits_for_its_version(ward: Ward) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"), known=False)
    assert "更新目录后再准备" in prepare_lines(ward.office, switch=switch, lines=switch.lines.all()).skipped[0][1]
    make_code("101", "XN1", begndate=switch.day)
    switch = assess(switch)
    assert switch.summary["unknown"] == 0
    assert len(prepare_lines(ward.office, switch=switch, lines=switch.lines.all()).done) == 1


def test_undone_as_a_whole_before_the_day(ward: Ward) -> None:
    """Relations stand as before, nothing waits for the platform, and it can be prepared again."""
    one, gone = ward.relation("XA"), ward.relation("XE")
    switch = ward.switch(("XA", "XN1"), ("XE", ""))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in draw_sample(ward.second, switch=switch)])
    with pytest.raises(SwitchingError, match="须填写原因"):
        undo_switch(ward.office, switch=switch, reason=" ")
    assert undo_switch(ward.office, switch=switch, reason="局方推迟") == 2
    for relation in (one, gone):
        relation.refresh_from_db()
        assert (relation.enddate, relation.state) == (OPEN_END, MappingState.IN_FORCE)
    assert not Submission.objects.exclude(state=SubmissionState.WITHDRAWN).exists()
    assert set(Ending.objects.values_list("state", flat=True)) == {EndingState.CANCELLED}
    switch.refresh_from_db()
    assert (switch.state, switch.approved_by) == (SwitchState.DRAFT, None)
    assert len(prepare_lines(ward.office, switch=switch, lines=switch.lines.all()).done) == 2


def test_nothing_is_undone_once_one_was_told(ward: Ward) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in draw_sample(ward.second, switch=switch)])
    Mapping.objects.filter(switch=switch).update(told_at=timezone.now(), state=MappingState.IN_FORCE)
    with pytest.raises(SwitchingError, match="不能整体撤回"):
        undo_switch(ward.office, switch=switch, reason="局方推迟")


def test_returned_and_prepared_anew(ward: Ward) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    assert return_switch(ward.second, switch=switch, reason="请核对规格") == 1
    line = switch.lines.get()
    assert line.state == LineState.RETURNED
    assert len(prepare_lines(ward.office, switch=switch, lines=[line]).done) == 1
    assert switch.lines.get().state == LineState.PROPOSED


def test_a_corrected_table_after_preparing_is_seen(ward: Ward) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    make_code("101", "XN8")
    take_rows(ward.office, switch=switch, rows=[{"old_code": "XA", "new_code": "XN8"}])
    line = assess(switch).lines.get()
    assert line.kind == LineKind.BLOCKED
    assert "与更正后的对照表不符" in line.hindrance


def test_called_off_for_good(ward: Ward) -> None:
    ward.relation("XA")
    switch = ward.switch(("XA", "XN1"))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    cancel_switch(ward.office, switch=switch, reason="局方取消")
    switch.refresh_from_db()
    assert switch.state == SwitchState.CANCELLED
    assert Mapping.objects.get(switch=switch).state == MappingState.CANCELLED
    with pytest.raises(SwitchingError):
        take_rows(ward.office, switch=switch, rows=[{"old_code": "XB", "new_code": "XN1"}])
    assert AuditEvent.objects.filter(action="mapping.switch_cancel", reason="局方取消").exists()


def test_names_and_days_are_checked(ward: Ward) -> None:
    switch = create_switch(ward.office, name="十二月", day=TODAY() + DAY)
    with pytest.raises(SwitchingError, match="已有名为「十二月」"):
        create_switch(ward.office, name="十二月", day=TODAY() + DAY)
    with pytest.raises(SwitchingError, match="已过"):
        create_switch(ward.office, name="去年", day=TODAY() - DAY)
    with pytest.raises(NotAllowed):
        create_switch(ward.second, name="无权", day=TODAY() + DAY)
    assert change_switch(ward.office, switch=switch, name="十二月一日", day=TODAY() + 2 * DAY).day == TODAY() + 2 * DAY


def test_other_institutions_relations_are_not_touched(ward: Ward, other_institution: Institution) -> None:
    item = make_item(other_institution)
    make_code("101", "XA")
    in_force(item, "XA", ward.first, ward.other)
    assert ward.switch(("XA", "XN1")).summary["items"] == 0
