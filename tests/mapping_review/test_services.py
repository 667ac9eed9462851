"""Proposing, approving, returning, taking back: who may, what stands in the way, and that nothing is overwritten."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from insurance.exchange.models import Submission
from insurance.mapping.choices import EndingKind, EndingState, MappingState, Source
from insurance.mapping.errors import MappingError
from insurance.mapping.models import ApprovalRound, Ending, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.queries import relation_on
from insurance.mapping.review import services
from insurance.mapping.review.facts import digest_of
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from tests.mapping_items.factories import make_code, make_item
from tests.mapping_review.conftest import Propose, code_named, pair, suggest

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def approved(mapping: Mapping, approver: Actor) -> Mapping:
    """The relation after the second person let it go."""
    services.approve_mappings(approver, mappings=[mapping])
    mapping.refresh_from_db()
    return mapping


def told(mapping: Mapping) -> Mapping:
    """The relation after the platform took it."""
    Mapping.objects.filter(pk=mapping.pk).update(state=MappingState.IN_FORCE, told_at=timezone.now(), verdict="waiting")
    Submission.objects.filter(subject_type="mapping.mapping", subject_id=str(mapping.pk)).update(state="accepted")
    mapping.refresh_from_db()
    return mapping


def test_a_proposal_keeps_what_was_seen(connected: Institution, proposed: Propose) -> None:
    made = proposed(1)
    assert (made.state, made.begndate, made.enddate) == (MappingState.PROPOSED, timezone.localdate(), OPEN_END)
    assert made.code_facts["name"] == "演示药1号片"


def test_who_maps_does_not_approve(connected: Institution, office: Actor) -> None:
    item, code = pair(connected, 1)
    made = services.propose_mapping(office, item=item, code=code.code, source=Source.SEARCHED)
    with pytest.raises(NotAllowed, match="自己提出"):
        services.approve_mappings(office, mappings=[made])
    with pytest.raises(IntegrityError), transaction.atomic():
        Mapping.objects.filter(pk=made.pk).update(approved_by=office.person)


def test_the_role_ties_its_kinds_alone(connected: Institution, mapper: Actor, approver: Actor) -> None:
    item = make_item(connected, list_type="201")
    make_code("201", "001102000000100")
    with pytest.raises(NotAllowed, match="对医疗服务"):
        services.propose_mapping(mapper, item=item, code="001102000000100", source=Source.SEARCHED)
    with pytest.raises(NotAllowed):
        services.propose_mapping(approver, item=pair(connected, 1)[0], code=code_named(1), source=Source.SEARCHED)
    with pytest.raises(NotAllowed, match="系统账号"):
        services.propose_mapping(
            Actor.system(connected), item=pair(connected, 2)[0], code=code_named(2), source=Source.SUGGESTED
        )


def test_all_faults_at_once(connected: Institution, mapper: Actor) -> None:
    today = timezone.localdate()
    item = make_item(connected)
    make_code("101", code_named(1), begndate=today, enddate=today + 30 * DAY)
    with pytest.raises(MappingError) as refused:
        services.propose_mapping(
            mapper, item=item, code=code_named(1), begndate=today - 90 * DAY, enddate=today + 60 * DAY,
            source=Source.SEARCHED,
        )  # fmt: skip
    words = str(refused.value)
    assert all(one in words for one in ("早于编码", "晚于编码", "天以前"))


@pytest.mark.parametrize(("code", "words"), [("T000000001", "以 X（西药）"), ("XNONE", "不在已下载"), ("", "没有填写")])
def test_a_code_of_another_kind_or_none(connected: Institution, mapper: Actor, code: str, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        services.propose_mapping(mapper, item=make_item(connected), code=code, source=Source.SEARCHED)


def test_a_code_out_of_force(connected: Institution, mapper: Actor) -> None:
    make_code("101", code_named(1), vali_flag="0")
    with pytest.raises(MappingError, match="已停用"):
        services.propose_mapping(mapper, item=make_item(connected), code=code_named(1), source=Source.SEARCHED)


def test_the_end_of_the_code_is_the_end_of_the_relation(connected: Institution, mapper: Actor) -> None:
    last = timezone.localdate() + 100 * DAY
    make_code("101", code_named(1), enddate=last)
    made = services.propose_mapping(mapper, item=make_item(connected), code=code_named(1), source=Source.SEARCHED)
    assert made.enddate == last


def test_two_mappers_at_one_item(connected: Institution, mapper: Actor, office: Actor, proposed: Propose) -> None:
    made = proposed(1)
    with pytest.raises(MappingError, match=r"演示mapper .*对为"):
        services.propose_mapping(office, item=made.item, code=made.med_list_codg, source=Source.SEARCHED)


def test_approving_queues_the_upload_and_the_second_approver_is_told(
    connected: Institution, approver: Actor, office: Actor, proposed: Propose
) -> None:
    made = proposed(1)
    done = services.approve_mappings(approver, mappings=[made])
    assert (len(done.approved), done.queued) == (1, 1)
    assert Submission.objects.get().purpose == "mapping.add"
    again = services.approve_mappings(office, mappings=[made])
    assert not again.approved
    assert "已由 演示approver" in again.left_out[0][1]


def test_what_changed_since_it_was_shown_is_not_approved(
    connected: Institution, approver: Actor, proposed: Propose
) -> None:
    made = proposed(1)
    shown = {made.pk: digest_of(made)}
    made.item.spec = "0.5g"
    made.item.save()
    done = services.approve_mappings(approver, mappings=[made], shown=shown)
    assert not done.approved
    assert "有变化" in done.left_out[0][1]


def test_another_code_ends_the_old_one_the_day_before(
    connected: Institution, mapper: Actor, approver: Actor, proposed: Propose
) -> None:
    old = proposed(1)
    Mapping.objects.filter(pk=old.pk).update(begndate=timezone.localdate() - 20 * DAY)
    old = told(approved(old, approver))
    make_code("101", code_named(2), name="另一药")
    new = services.propose_mapping(mapper, item=old.item, code=code_named(2), source=Source.SEARCHED)
    assert new.replaces == old
    old.refresh_from_db()
    assert old.enddate == OPEN_END
    approved(new, approver)
    old.refresh_from_db()
    ending = Ending.objects.get(made_for=new)
    yesterday = timezone.localdate() - DAY
    assert (old.enddate, old.state) == (yesterday, MappingState.IN_FORCE)
    assert (ending.kind, ending.enddate, ending.enddate_before) == (EndingKind.END, yesterday, OPEN_END)
    assert relation_on(old.item, yesterday) == old
    assert relation_on(old.item, timezone.localdate()) == new
    purposes = Submission.objects.filter(state="queued").order_by("position").values_list("purpose", flat=True)
    assert list(purposes) == ["mapping.end", "mapping.add"]


def test_another_code_from_the_first_day_takes_the_old_one_back(
    connected: Institution, mapper: Actor, approver: Actor, proposed: Propose
) -> None:
    old = told(approved(proposed(1), approver))
    make_code("101", code_named(2))
    new = approved(
        services.propose_mapping(mapper, item=old.item, code=code_named(2), source=Source.SEARCHED), approver
    )
    old.refresh_from_db()
    assert (new.state, old.state) == (MappingState.APPROVED, MappingState.REMOVED)
    assert Ending.objects.get().kind == EndingKind.REMOVE


def test_a_standing_relation_in_the_way_is_named(connected: Institution, mapper: Actor, approver: Actor) -> None:
    item, code = pair(connected, 1)
    later = timezone.localdate() + 30 * DAY
    first = services.propose_mapping(mapper, item=item, code=code.code, begndate=later, source=Source.SEARCHED)
    approved(first, approver)
    make_code("101", code_named(2))
    with pytest.raises(MappingError, match=f"{code.code}.*重叠"):
        services.propose_mapping(mapper, item=item, code=code_named(2), enddate=OPEN_END, source=Source.SEARCHED)
    made = services.propose_mapping(mapper, item=item, code=code_named(2), source=Source.SEARCHED)
    assert made.enddate == later - DAY


def test_returned_then_mapped_anew(connected: Institution, mapper: Actor, approver: Actor, proposed: Propose) -> None:
    made = proposed(1)
    with pytest.raises(MappingError, match="退回原因"):
        services.return_mappings(approver, mappings=[made], reason=" ")
    services.return_mappings(approver, mappings=[made], reason="规格不符")
    made.refresh_from_db()
    assert (made.state, "规格不符" in made.words) == (MappingState.RETURNED, True)
    make_code("101", code_named(2))
    new = services.propose_mapping(mapper, item=made.item, code=code_named(2), source=Source.SEARCHED)
    made.refresh_from_db()
    assert (made.state, new.state) == (MappingState.CANCELLED, MappingState.PROPOSED)


def test_refused_by_the_platform_is_taken_back_and_mapped_anew(
    connected: Institution, mapper: Actor, approver: Actor, proposed: Propose
) -> None:
    made = approved(proposed(1), approver)
    with pytest.raises(MappingError, match="上传队列"):
        services.cancel_mapping(mapper, mapping=made, reason="编码不对")
    Submission.objects.update(state="refused", words="编码不存在")
    services.cancel_mapping(mapper, mapping=made, reason="编码不对")
    make_code("101", code_named(2))
    new = services.propose_mapping(mapper, item=made.item, code=code_named(2), source=Source.SEARCHED)
    assert new.replaces is None
    assert services.approve_mappings(approver, mappings=[new]).queued == 1


def test_ending_needs_two_persons_too(
    connected: Institution, mapper: Actor, approver: Actor, office: Actor, proposed: Propose
) -> None:
    mapping = told(approved(proposed(1), approver))
    last = timezone.localdate() + 10 * DAY
    ending = services.propose_ending(office, mapping=mapping, kind=EndingKind.END, enddate=last, reason="停用")
    with pytest.raises(NotAllowed):
        services.approve_endings(office, endings=[ending])
    done = services.approve_endings(approver, endings=[ending])
    ending.refresh_from_db()
    mapping.refresh_from_db()
    assert (done.queued, ending.state, mapping.enddate) == (1, EndingState.APPROVED, last)
    with pytest.raises(MappingError, match="已有一条"):
        services.propose_ending(mapper, mapping=mapping, kind=EndingKind.REMOVE, reason="登记有误")


def test_bulk_of_certain_leaves_out_what_changed(connected: Institution, mapper: Actor) -> None:
    items = []
    for number in (1, 2, 3):
        item, code = pair(connected, number)
        suggest(item, code, certainty="certain" if number < 3 else "likely")
        items.append(item)
    changed, code = pair(connected, 4)
    suggest(changed, code, item_digest="as it was before")
    shown = {items[0].pk: code_named(1), items[1].pk: "XOTHER"}
    done = services.propose_certain(mapper, items=[*items, changed], shown=shown)
    assert [one.item for one in done.made] == items[:1]
    assert {item.pk for item, _ in done.left_out} == {items[1].pk, items[2].pk, changed.pk}
    assert "推荐正在更新" in done.left_out[-1][1]


def test_a_large_batch_waits_for_its_sample(
    connected: Institution, approver: Actor, proposed: Propose, settings: object
) -> None:
    rows = [proposed(number, certain=number != 7) for number in range(1, 31)]
    made = services.draw_round(approver, mappings=rows)
    looks = list(made.looks.all())
    assert {one.why for one in looks} == {"unsure", "drawn"}
    assert len(looks) == 6
    with pytest.raises(MappingError, match="还有 6 条"):
        services.approve_round(approver, round=made)
    for one in looks:
        services.look_at(approver, look=one)
    done = services.approve_round(approver, round=made)
    assert (len(done.approved), done.queued) == (30, 30)
    assert Mapping.objects.filter(sampled=True).count() == 6
    with pytest.raises(MappingError, match="没有重复执行"):
        services.approve_round(approver, round=made)


def test_a_round_is_one_persons(connected: Institution, approver: Actor, office: Actor, proposed: Propose) -> None:
    made = services.draw_round(approver, mappings=[proposed(1)])
    assert ApprovalRound.objects.get().shown == made.shown
    with pytest.raises(NotAllowed, match="另一人抽取"):
        services.approve_round(office, round=made)


def test_a_fee_is_judged_on_its_own_day(connected: Institution, approver: Actor, proposed: Propose) -> None:
    mapping = approved(proposed(1), approver)
    assert relation_on(mapping.item, timezone.localdate() - DAY) is None
    assert relation_on(mapping.item, timezone.localdate()) == mapping


def test_comments_and_skipping(
    connected: Institution, mapper: Actor, outsider: Person, other_institution: Institution
) -> None:
    item, _ = pair(connected, 1)
    services.comment(mapper, item=item, text="包装盒上是 24 片")
    assert item.comments.get().person == mapper.person
    services.skip_item(mapper, item=item)
    item.refresh_from_db()
    assert item.suggestion.skipped_by == mapper.person
    with pytest.raises(NotAllowed):
        services.skip_item(Actor.of(outsider, other_institution), item=item)
