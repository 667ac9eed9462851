"""Relations through real delivery to the sandbox: each purpose, each unknown, fallen batches, order."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from insurance.exchange import services as exchange
from insurance.exchange.delivery import drain
from insurance.exchange.handlers import Finding
from insurance.exchange.models import Connection, Submission
from insurance.mapping.choices import EndingKind, EndingState, MappingState, Source, Verdict
from insurance.mapping.delivery.submitting import queue_endings, queue_mappings, recall
from insurance.mapping.models import Ending, Mapping
from portal.audit.models import AuditEvent
from portal.people.actor import Actor, NotAllowed
from tests.mapping_delivery.world import World, connect, deliver, reread, states
from tests.mapping_items.factories import Item
from tests.sandbox_fixture import RunningSandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def live(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.books("mappings") if row["vali_flag"] == "1"]


def test_a_relation_is_told_and_waits_for_the_bureau(office: Actor, world: World, platform: RunningSandbox) -> None:
    item = world.item(aprvno="示例准字H0", prcunt="盒", pacspec="24片/盒", memo="演示")
    mapping = world.mapping(item, world.code())
    done = queue_mappings(office, mappings=[mapping])
    assert len(done.queued) == 1
    assert done.left_out == []
    assert done.queued[0].thread == "101:Y1"
    deliver()
    mapping = reread(mapping)
    assert (mapping.state, mapping.verdict) == (MappingState.IN_FORCE, Verdict.WAITING)
    assert mapping.told_at is not None
    assert mapping.verdict_at is None
    (row,) = live(platform)
    told = {name: row[name] for name in ("fixmedins_hilist_id", "begndate", "enddate", "aprvno", "prcunt", "memo")}
    assert told == {
        "fixmedins_hilist_id": "Y1", "begndate": "2025-03-01", "enddate": "2099-12-31", "aprvno": "示例准字H0",
        "prcunt": "盒", "memo": "演示",
    }  # fmt: skip
    assert AuditEvent.objects.filter(action="mapping.submit").count() == 1


def test_a_second_press_finds_it_on_its_way(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping = world.mapping(world.item(), world.code())
    queue_mappings(office, mappings=[mapping])
    assert [words for _, words in queue_mappings(office, mappings=[mapping]).hindered] == ["已在上传队列中"]
    deliver()
    assert "无需重复" in queue_mappings(office, mappings=[mapping]).hindered[0][1]
    assert len(platform.log("3301")) == 1


def test_who_may_not_cannot(world: World, platform: RunningSandbox, person: Any) -> None:
    looker = Actor.of(person("looker", world.institution, "cashier"), world.institution)
    mapping = world.mapping(world.item(), world.code())
    with pytest.raises(NotAllowed):
        queue_mappings(looker, mappings=[mapping])
    with pytest.raises(NotAllowed):
        queue_endings(looker, endings=[])


def test_what_is_not_approved_does_not_go(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping = world.mapping(world.item(), world.code(), state=MappingState.PROPOSED, approved_by=None)
    assert "审核" in queue_mappings(office, mappings=[mapping]).hindered[0][1]
    assert not Submission.objects.exists()


def test_all_faults_are_named_before_anything_goes(office: Actor, world: World, platform: RunningSandbox) -> None:
    code = world.code(begndate=dt.date(2025, 6, 1))
    early = world.mapping(world.item("Y1"), code)
    unknown = world.mapping(world.item("Y2"), "XJ01CA99999999999999999")
    long = world.mapping(world.item("Y3", fixmedins_hilist_name="药" * 201), code, begndate=dt.date(2025, 6, 1))
    done = queue_mappings(office, mappings=[early, unknown, long])
    words = {one.item.fixmedins_hilist_id: reason for one, reason in done.faulty}
    assert "早于" in words["Y1"]
    assert "不在本院" in words["Y2"]
    assert "200" in words["Y3"]
    assert not Submission.objects.exists()


def test_a_code_that_ends_meanwhile_sends_it_back_with_words(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    mapping = world.mapping(world.item(), world.code())
    other = world.mapping(world.item("Y2"), world.code(1))
    queue_mappings(office, mappings=[mapping, other])
    Item.objects.filter(code=mapping.med_list_codg).update(vali_flag="0")
    deliver()
    sent_back = Submission.objects.get(subject_id=str(mapping.pk))
    assert (sent_back.state, "已停用" in sent_back.words) == ("withdrawn", True)
    assert reread(mapping).state == MappingState.APPROVED
    assert [row["fixmedins_hilist_id"] for row in live(platform)] == ["Y2"]


def test_the_whole_life(office: Actor, world: World, slow_bureau: RunningSandbox) -> None:
    item, code, other = world.item(), world.code(), world.code(1)
    first = world.mapping(item, code)
    queue_mappings(office, mappings=[first])
    deliver()
    slow_bureau.review("all", "1")
    second = world.mapping(item, other, state=MappingState.PROPOSED, approved_by=None, begndate=dt.date(2026, 1, 1))
    end = world.ending(first, enddate=dt.date(2025, 12, 31), made_for=second)
    Mapping.objects.filter(pk=second.pk).update(state="approved", approved_by=world.second, replaces=first)
    done = queue_mappings(office, mappings=[second])
    assert [one.purpose for one in done.queued] == ["mapping.end", "mapping.add"]
    deliver()
    assert [row["infno"] for row in slow_bureau.log() if row["infno"][:2] == "33"] == ["3301", "3360", "3301"]
    assert (reread(first).state, reread(first).enddate) == (MappingState.ENDED, dt.date(2025, 12, 31))
    assert (reread(end).state, reread(second).state) == (EndingState.DONE, MappingState.IN_FORCE)
    held = {row["med_list_codg"]: (row["begndate"], row["enddate"]) for row in live(slow_bureau)}
    assert held == {code: ("2025-03-01", "2025-12-31"), other: ("2026-01-01", "2099-12-31")}


def test_a_relation_replaced_while_it_waits_goes_as_approved_then_ends(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    item = world.item()
    first = world.mapping(item, world.code())
    queue_mappings(office, mappings=[first])
    world.ending(first, enddate=dt.date(2025, 12, 31))
    second = world.mapping(item, world.code(1), begndate=dt.date(2026, 1, 1), replaces=first)
    Ending.objects.update(made_for=second)
    queue_mappings(office, mappings=[second])
    deliver()
    assert states() == {"accepted": 3}
    assert sorted(row["enddate"] for row in live(platform)) == ["2025-12-31", "2099-12-31"]


def test_a_refused_ending_holds_its_successor_visibly(office: Actor, world: World, platform: RunningSandbox) -> None:
    item = world.item()
    first = world.mapping(item, world.code())
    queue_mappings(office, mappings=[first])
    deliver()
    world.ending(first, enddate=dt.date(2025, 12, 31))
    second = world.mapping(item, world.code(1), begndate=dt.date(2026, 1, 1), replaces=first)
    Ending.objects.update(made_for=second)
    platform.fault("refuse", "3360", times=1, words="该目录对照正在审核")
    queue_mappings(office, mappings=[second])
    deliver()
    assert list(Submission.objects.order_by("pk").values_list("state", "ready")) == [
        ("accepted", True), ("refused", True), ("queued", False),
    ]  # fmt: skip
    assert reread(second).state == MappingState.APPROVED
    assert len(queue_endings(office, endings=[Ending.objects.get()]).queued) == 1
    deliver()
    assert reread(second).state == MappingState.IN_FORCE
    assert sorted(row["enddate"] for row in live(platform)) == ["2025-12-31", "2099-12-31"]


def test_a_mistake_is_removed(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping = world.mapping(world.item(), world.code())
    queue_mappings(office, mappings=[mapping])
    deliver()
    queue_endings(office, endings=[world.ending(mapping, EndingKind.REMOVE)])
    deliver()
    assert (reread(mapping).state, live(platform)) == (MappingState.REMOVED, [])


def test_what_the_platform_never_had_ends_without_a_message(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    item, bad = world.item(), world.code(5000)
    first = world.mapping(item, bad)
    queue_mappings(office, mappings=[first])
    deliver()
    assert states() == {"refused": 1}
    world.ending(first, enddate=dt.date(2025, 12, 31))
    second = world.mapping(item, world.code(1), begndate=dt.date(2026, 1, 1), replaces=first)
    Ending.objects.update(made_for=second)
    queue_mappings(office, mappings=[second])
    deliver()
    assert reread(first).state == MappingState.REMOVED
    assert reread(second).state == MappingState.IN_FORCE
    assert platform.log("3360") == []


def test_the_platforms_own_comes_into_force_without_a_message(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    mapping = world.mapping(world.item(), world.code(), source=Source.ADOPTED)
    done = queue_mappings(office, mappings=[mapping])
    assert (done.queued, len(done.settled)) == ([], 1)
    assert (reread(mapping).state, reread(mapping).verdict) == (MappingState.IN_FORCE, Verdict.PASSED)


@pytest.mark.parametrize("bureau", ["platform", "slow_bureau"])
@pytest.mark.parametrize("fault", ["cut_after", "cut_midway", "not_json"])
def test_a_lost_answer_is_found_and_sent_once(
    office: Actor, world: World, fault: str, bureau: str, request: pytest.FixtureRequest
) -> None:
    sandbox: RunningSandbox = request.getfixturevalue(bureau)
    mapping = world.mapping(world.item(), world.code())
    sandbox.fault(fault, "3301", times=1)
    queue_mappings(office, mappings=[mapping])
    deliver()
    submission = Submission.objects.get()
    assert submission.state == "accepted", submission.settled
    assert ("1317" if bureau == "platform" else "5163") in submission.settled
    assert len(sandbox.log("3301")) == 1
    assert reread(mapping).state == MappingState.IN_FORCE
    assert reread(mapping).verdict == (Verdict.PASSED if bureau == "platform" else Verdict.WAITING)


def test_what_never_arrived_a_person_decides(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping = world.mapping(world.item(), world.code())
    platform.fault("cut_before", "3301", times=1)
    queue_mappings(office, mappings=[mapping])
    deliver()
    submission = Submission.objects.get()
    assert (submission.state, submission.needs_person) == ("unknown", True)
    assert "5163 中没有" in submission.settled
    exchange.decide(office, submission=submission, finding=Finding.ABSENT, reason="平台网页上没有")
    deliver()
    assert reread(mapping).state == MappingState.IN_FORCE
    assert len(live(platform)) == 1


@pytest.mark.parametrize("infno", ["3360", "3302"])
@pytest.mark.parametrize("fault", ["cut_after", "cut_before"])
def test_a_lost_ending_is_judged_by_1317(
    office: Actor, world: World, platform: RunningSandbox, infno: str, fault: str
) -> None:
    mapping = world.mapping(world.item(), world.code())
    queue_mappings(office, mappings=[mapping])
    deliver()
    kind = EndingKind.END if infno == "3360" else EndingKind.REMOVE
    ending = world.ending(mapping, kind, enddate=dt.date(2026, 6, 30) if infno == "3360" else None)
    platform.fault(fault, infno, times=1)
    queue_endings(office, endings=[ending])
    deliver()
    submission = Submission.objects.latest("pk")
    if fault == "cut_after":
        assert submission.state == "accepted"
        assert reread(ending).state == EndingState.DONE
        assert len(platform.log(infno)) == 1
    else:
        assert submission.needs_person
        assert "1317 中" in submission.settled
        assert reread(mapping).state == MappingState.IN_FORCE


def many(world: World, count: int) -> list[Mapping]:
    code = world.code()
    return [world.mapping(world.item(f"B{number:04}"), code) for number in range(count)]


def test_a_batch_with_one_bad_row_falls_whole_and_goes_one_by_one(
    office: Actor, world: World, platform: RunningSandbox, settings: Any
) -> None:
    settings.BATCH_SPLIT = True
    settings.VERIFY_EVERY = 0.05
    good = many(world, 119)
    bad = world.mapping(world.item("BAD"), world.code(5000))
    queue_mappings(office, mappings=[*good, bad])
    deliver(120)
    standing = Submission.objects.filter(superseded=False)
    refused = list(standing.filter(state="refused"))
    assert [one.subject_id for one in refused] == [str(bad.pk)]
    assert "不在国家目录" in refused[0].words
    assert standing.filter(state="accepted").count() == 119
    assert len(live(platform)) == 119
    assert Mapping.objects.filter(state=MappingState.IN_FORCE).count() == 119


def test_five_hundred_at_once_and_two_workers(office: Actor, world: World, platform: RunningSandbox) -> None:
    queue_mappings(office, mappings=many(world, 500))
    pk = Connection.objects.get().pk

    def work() -> None:
        drain(pk, "interactive")
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    deliver()
    assert states() == {"accepted": 500}
    assert len(live(platform)) == 500
    assert len(platform.log("3301")) == 10


def test_a_refused_one_is_seen_to_and_sent_again(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping = world.mapping(world.item(), world.code())
    platform.fault("refuse", "3301", times=1, words="目录类别与医疗目录编码不符")
    queue_mappings(office, mappings=[mapping])
    deliver()
    assert reread(mapping).state == MappingState.APPROVED
    assert len(queue_mappings(office, mappings=[mapping]).queued) == 1
    deliver()
    assert reread(mapping).state == MappingState.IN_FORCE


def test_what_waits_can_be_taken_back(office: Actor, world: World, platform: RunningSandbox) -> None:
    mapping, other = world.mapping(world.item(), world.code()), world.mapping(world.item("Y2"), world.code(1))
    queue_mappings(office, mappings=[mapping])
    taken = recall(office, records=[mapping, other], reason="先不传")
    assert (taken.settled, len(taken.hindered)) == ([mapping], 1)
    deliver()
    assert (live(platform), reread(mapping).state) == ([], MappingState.APPROVED)


def test_another_edition_names_its_own_nodes_and_fields(office: Actor, world: World) -> None:
    with running_sandbox(edition="guangzhou") as sandbox:
        connect(world.institution, sandbox.url, edition="guangzhou")
        item = world.item(aprvno="示例准字H0", exct_cont="不含耗材")
        mapping, other = world.mapping(item, world.code()), world.mapping(world.item("Y2"), world.code(1))
        done = queue_mappings(office, mappings=[mapping, other])
        assert [one.item.fixmedins_hilist_id for one, _ in done.faulty] == ["Y2"]
        assert "批准文号" in done.faulty[0][1]
        deliver()
        (row,) = live(sandbox)
        assert (row["exept_cont"], row["pric"]) == ("不含耗材", 12.5)
        queue_endings(office, endings=[world.ending(mapping, EndingKind.REMOVE)])
        deliver()
        assert live(sandbox) == []


def test_an_edition_without_3360_ends_by_a_new_end_date(
    office: Actor, world: World, platform: RunningSandbox, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "routes.csv").write_text(
        "purpose,infno,form,node,answers,match,max_rows,max_chars,note\n"
        "mapping.end,3301,batch,data,whole,,50,40000,没有 3360\n",
        encoding="utf-8",
    )
    settings.PLATFORM_EDITION_DIR = str(tmp_path)
    mapping = world.mapping(world.item(), world.code())
    queue_mappings(office, mappings=[mapping])
    deliver()
    queue_endings(office, endings=[world.ending(mapping, enddate=dt.date(2026, 6, 30))])
    deliver()
    assert [row["enddate"] for row in live(platform)] == ["2026-06-30"]
    assert (reread(mapping).state, platform.log("3360")) == (MappingState.ENDED, [])


def test_where_only_1317_can_be_asked_silence_proves_nothing(
    office: Actor, world: World, slow_bureau: RunningSandbox, settings: Any, tmp_path: Path
) -> None:
    index = "infno,tender,chapter,group,name,mode,priority,direction,effect,undoes,unknown_outcome,room\n"
    row = "3301,3301,医药机构管理,目录对照,目录对照上传,realtime,3,outbound,submit,,verify:1317 person,mapping\n"
    (tmp_path / "index.csv").write_text(index + row, encoding="utf-8")
    settings.PLATFORM_EDITION_DIR = str(tmp_path)
    mapping = world.mapping(world.item(), world.code())
    slow_bureau.fault("cut_after", "3301", times=1)
    queue_mappings(office, mappings=[mapping])
    deliver()
    submission = Submission.objects.get()
    assert submission.needs_person
    assert submission.state == "unknown"
    assert slow_bureau.log("5163") == []
    assert len(slow_bureau.log("3301")) == 1


def test_a_lost_batch_is_judged_row_by_row(office: Actor, world: World, platform: RunningSandbox) -> None:
    platform.fault("cut_after", "3301", times=1)
    queue_mappings(office, mappings=many(world, 70))
    deliver()
    assert states() == {"accepted": 70}
    assert len(platform.log("3301")) == 2
    assert Mapping.objects.filter(state=MappingState.IN_FORCE).count() == 70


def test_a_person_sends_a_fallen_batch_again_and_each_goes_alone(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    every = [*many(world, 3), world.mapping(world.item("BAD"), world.code(5000))]
    queue_mappings(office, mappings=every)
    deliver()
    assert states() == {"refused": 4}
    assert live(platform) == []
    assert len(queue_mappings(office, mappings=every).queued) == 4
    deliver()
    standing = Submission.objects.filter(superseded=False)
    assert sorted(standing.values_list("state", flat=True)) == ["accepted"] * 3 + ["refused"]
    assert len(live(platform)) == 3
    assert not standing.get(state="refused").whole
