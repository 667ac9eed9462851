"""The nightly comparison over the sandbox: verdicts, differences made behind our back, and settling them by two."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from insurance.mapping.choices import DifferenceKind, EndingState, MappingState, Source, Verdict, WorkState
from insurance.mapping.delivery.submitting import queue_endings, queue_mappings
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Difference, Ending, Mapping, PlatformMapping
from insurance.mapping.proof import services
from insurance.mapping.review.services.approving import approve_mappings
from insurance.mapping.review.services.ending import approve_endings
from portal.people.actor import Actor, NotAllowed
from portal.tasks.models import Task, TaskLog
from portal.tasks.services import start
from tests.mapping_delivery.world import World, deliver, done, reread
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "2099-12-31"


def compare(actor: Actor, expected: str = "done", **params: Any) -> Task:
    return done(start(actor, kind="mapping.compare", params=params), expected)


def told(actor: Actor, *mappings: Mapping) -> None:
    queue_mappings(actor, mappings=mappings)
    deliver()


def open_kinds() -> list[str]:
    return sorted(Difference.objects.filter(state=WorkState.OPEN).values_list("kind", flat=True))


def key_of(sandbox: RunningSandbox, item: str = "Y1") -> tuple[str, dict[str, Any]]:
    row = next(row for row in sandbox.books("mappings") if row["fixmedins_hilist_id"] == item)
    return row.pop("_key"), row


def change(sandbox: RunningSandbox, item: str = "Y1", **changes: Any) -> None:
    """What the bureau does to a relation on its own website."""
    key, row = key_of(sandbox, item)
    sandbox.remove("mappings", key)
    sandbox.put("mappings", row | changes)


def live(sandbox: RunningSandbox) -> list[tuple[str, str, str]]:
    rows = [row for row in sandbox.books("mappings") if row["vali_flag"] == "1"]
    return sorted((row["med_list_codg"], row["begndate"], row["enddate"]) for row in rows)


@pytest.fixture
def mapped(office: Actor, world: World, platform: RunningSandbox) -> Mapping:
    """A relation that both sides hold."""
    mapping = world.mapping(world.item(), world.code())
    told(office, mapping)
    return mapping


def test_both_alike_and_the_verdict(office: Actor, mapped: Mapping) -> None:
    task = compare(office)
    assert open_kinds() == []
    assert set(task.result.values()) == {0}
    assert reread(mapped).verdict == Verdict.PASSED
    held = PlatformMapping.objects.get()
    assert (held.in_1317, held.in_5163, held.mapping_id, held.chk_stas) == (True, True, mapped.pk, "1")


@pytest.mark.parametrize(("code", "verdict"), [("1", "passed"), ("2", "failed"), ("3", "returned"), ("9", "waiting")])
def test_verdicts_on_demand(office: Actor, world: World, slow_bureau: RunningSandbox, code: str, verdict: str) -> None:
    mapping = world.mapping(world.item(), world.code())
    told(office, mapping)
    done(start(office, kind="mapping.verdicts"))
    assert reread(mapping).verdict == Verdict.WAITING
    slow_bureau.review("all", code, "规格不符")
    task = done(start(office, kind="mapping.verdicts"))
    mapping = reread(mapping)
    assert mapping.verdict == verdict
    assert mapping.state == MappingState.IN_FORCE
    assert mapping.verdict_words == ("规格不符" if verdict in ("failed", "returned") else "")
    unknown = [line.text for line in TaskLog.objects.filter(task=task) if "未知的审核状态" in line.text]
    assert bool(unknown) == (code == "9")
    compare(office)
    assert open_kinds() == []


def test_what_waits_for_the_bureau_differs_from_nothing(
    office: Actor, world: World, slow_bureau: RunningSandbox
) -> None:
    mapping = world.mapping(world.item(), world.code())
    told(office, mapping)
    compare(office)
    assert open_kinds() == []
    assert reread(mapping).verdict == Verdict.WAITING


def test_many_verdicts_are_walked_through(office: Actor, world: World, platform: RunningSandbox) -> None:
    code = world.code()
    told(office, *[world.mapping(world.item(f"V{number:03}"), code) for number in range(130)])
    task = done(start(office, kind="mapping.verdicts"))
    assert task.result["局方通过"] == 130
    assert len(platform.log("5163")) == 2


def test_an_edition_that_knows_no_verdicts_reads_1317(
    office: Actor, world: World, slow_bureau: RunningSandbox, settings: Any, tmp_path: Any
) -> None:
    (tmp_path / "routes.csv").write_text(
        "purpose,infno,form,node,answers,match,max_rows,max_chars,note\n"
        "mapping.verdicts,1317,single,data,rows,medins_list_codg,,40000,没有 5163\n",
        encoding="utf-8",
    )
    settings.PLATFORM_EDITION_DIR = str(tmp_path)
    mapping = world.mapping(world.item(), world.code())
    told(office, mapping)
    compare(office)
    assert (reread(mapping).verdict, open_kinds()) == (Verdict.WAITING, [])
    slow_bureau.review("all", "1")
    done(start(office, kind="mapping.verdicts"))
    assert reread(mapping).verdict == Verdict.PASSED
    assert slow_bureau.log("5163") == []


BUREAU = {
    DifferenceKind.MISSING: lambda sandbox, other: sandbox.remove("mappings", key_of(sandbox)[0]),
    DifferenceKind.OTHER_CODE: lambda sandbox, other: change(sandbox, med_list_codg=other),
    DifferenceKind.OTHER_DATES: lambda sandbox, other: change(sandbox, enddate="2030-12-31"),
    DifferenceKind.EXPIRED: lambda sandbox, other: change(sandbox, enddate="2025-12-31"),
}


@pytest.mark.parametrize("kind", list(BUREAU))
def test_each_difference_appears_and_disappears_by_itself(
    office: Actor, world: World, mapped: Mapping, platform: RunningSandbox, kind: DifferenceKind
) -> None:
    compare(office)
    _, before = key_of(platform)
    BUREAU[kind](platform, world.code(1))
    compare(office, accept=True)  # of one relation none is left
    assert open_kinds() == [kind.value]
    compare(office)
    assert Difference.objects.count() == 1
    for row in platform.books("mappings"):
        platform.remove("mappings", row["_key"])
    platform.put("mappings", before)
    compare(office)
    assert Difference.objects.get().state == WorkState.GONE


@pytest.mark.parametrize("kind", list(BUREAU))
def test_the_platforms_side_is_taken_over_by_two(
    office: Actor, colleague: Actor, world: World, mapped: Mapping, platform: RunningSandbox, kind: DifferenceKind
) -> None:
    BUREAU[kind](platform, world.code(1))
    compare(office)
    sent = len(platform.log())
    settled = services.adopt_platform(office, differences=Difference.objects.all())
    assert [words for _, words in settled.skipped] == []
    assert Difference.objects.get().state == WorkState.HANDLED
    _approve_all(office, colleague)
    assert len(platform.log()) == sent
    compare(office)
    assert open_kinds() == []
    standing = Mapping.objects.filter(state__in=["in_force", "ended"], enddate__gte=timezone.localdate())
    ours = sorted((one.med_list_codg, str(one.begndate), str(one.enddate)) for one in standing)
    assert ours == [row for row in live(platform) if row[2] >= str(timezone.localdate())]


def _approve_all(first: Actor, second: Actor) -> None:
    mappings = Mapping.objects.filter(state=MappingState.PROPOSED)
    endings = Ending.objects.filter(state=EndingState.PROPOSED)
    if mappings:
        with pytest.raises(NotAllowed):
            approve_mappings(first, mappings=mappings)
        assert approve_mappings(second, mappings=mappings).left_out == []
    if endings:
        with pytest.raises(NotAllowed):
            approve_endings(first, endings=endings)
        assert approve_endings(second, endings=endings).left_out == []


@pytest.mark.parametrize("kind", list(BUREAU))
def test_ours_is_said_again(
    office: Actor, colleague: Actor, world: World, mapped: Mapping, platform: RunningSandbox, kind: DifferenceKind
) -> None:
    BUREAU[kind](platform, world.code(1))
    compare(office)
    settled = services.send_ours(office, differences=Difference.objects.all())
    assert [words for _, words in settled.skipped] == []
    _approve_all(office, colleague)
    deliver()
    compare(office)
    assert open_kinds() == []
    assert live(platform) == [(mapped.med_list_codg, "2025-03-01", LONG)]
    assert reread(mapped).state == MappingState.IN_FORCE


def _strange(sandbox: RunningSandbox, code: str, item: str = "Y9") -> None:
    row = {"fixmedins_hilist_id": item, "fixmedins_hilist_name": "演示药品九", "list_type": "101"}
    sandbox.put("mappings", row | {"med_list_codg": code, "begndate": "2025-03-01", "enddate": LONG})


def test_what_the_platform_has_too_much_is_adopted(
    office: Actor, colleague: Actor, world: World, platform: RunningSandbox
) -> None:
    world.item("Y9")
    _strange(platform, world.code())
    compare(office)
    assert open_kinds() == ["extra"]
    services.adopt_platform(office, differences=Difference.objects.all())
    mapping = Mapping.objects.get()
    assert (mapping.state, mapping.source) == (MappingState.PROPOSED, Source.ADOPTED)
    compare(office)
    assert Difference.objects.get().state == WorkState.HANDLED
    _approve_all(office, colleague)
    mapping.refresh_from_db()
    assert (mapping.state, mapping.verdict) == (MappingState.IN_FORCE, Verdict.PASSED)
    assert platform.log("3301") == []
    compare(office)
    assert open_kinds() == []


def test_what_the_platform_gave_up_meanwhile_is_not_taken_over(
    office: Actor, colleague: Actor, world: World, platform: RunningSandbox
) -> None:
    """Approved without a message it would count as the bureau's, and the bureau does not hold it."""
    world.item("Y9")
    _strange(platform, world.code())
    compare(office)
    services.adopt_platform(office, differences=Difference.objects.all())
    platform.remove("mappings", key_of(platform, "Y9")[0])
    compare(office, accept=True)
    done = approve_mappings(colleague, mappings=Mapping.objects.all())
    assert (done.approved, "平台现在已没有" in done.left_out[0][1]) == ([], True)
    mapping = Mapping.objects.get()
    assert (mapping.state, mapping.verdict) == (MappingState.PROPOSED, Verdict.NONE)


def test_what_the_platform_has_too_much_is_ended_there(
    office: Actor, colleague: Actor, world: World, platform: RunningSandbox
) -> None:
    world.item("Y9")
    _strange(platform, world.code())
    compare(office)
    services.send_ours(office, differences=Difference.objects.all())
    _approve_all(office, colleague)
    deliver()
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    assert [row[2] for row in live(platform)] == [str(yesterday)]
    compare(office)
    assert open_kinds() == []
    assert Mapping.objects.get().state == MappingState.REMOVED


def test_an_item_that_we_do_not_have_says_what_to_do(office: Actor, world: World, platform: RunningSandbox) -> None:
    _strange(platform, world.code())
    compare(office)
    settled = services.adopt_platform(office, differences=Difference.objects.all())
    assert "院内收费项目" in settled.skipped[0][1]
    assert Difference.objects.get().state == WorkState.OPEN


def test_an_end_that_the_platform_lost_is_said_again(
    office: Actor, world: World, mapped: Mapping, platform: RunningSandbox
) -> None:
    queue_endings(office, endings=[world.ending(mapped, enddate=dt.date(2026, 1, 31))])
    deliver()
    change(platform, enddate=LONG)
    compare(office)
    assert open_kinds() == ["other_dates"]
    settled = services.send_ours(office, differences=Difference.objects.all())
    assert (settled.queued, settled.skipped) == (1, [])
    deliver()
    assert [row[2] for row in live(platform)] == ["2026-01-31"]
    compare(office)
    assert open_kinds() == []


def test_set_aside_until_it_changes(office: Actor, mapped: Mapping, platform: RunningSandbox) -> None:
    change(platform, enddate="2030-12-31")
    compare(office)
    with pytest.raises(MappingError):
        services.ignore(office, differences=Difference.objects.all(), reason=" ")
    services.ignore(office, differences=Difference.objects.all(), reason="医保局已知")
    compare(office)
    assert Difference.objects.get().state == WorkState.IGNORED
    change(platform, enddate="2031-12-31")
    compare(office)
    assert Difference.objects.get().state == WorkState.OPEN


def test_seen_to_and_still_there_comes_back(office: Actor, mapped: Mapping, platform: RunningSandbox) -> None:
    key, _ = key_of(platform)
    platform.remove("mappings", key)
    compare(office)
    services.send_ours(office, differences=Difference.objects.all())
    compare(office)
    assert Difference.objects.get().state == WorkState.HANDLED
    deliver()
    key, _ = key_of(platform)
    platform.remove("mappings", key)
    compare(office)
    assert open_kinds() == ["missing"]


def test_an_emptied_answer_is_asked_again_and_never_believed(
    office: Actor, world: World, platform: RunningSandbox
) -> None:
    code = world.code()
    told(office, *[world.mapping(world.item(f"E{number:02}"), code) for number in range(20)])
    compare(office)
    for row in platform.books("mappings"):
        platform.remove("mappings", row["_key"])
    asked = len(platform.log("1317"))
    task = compare(office, "failed")
    assert "确认减少" in task.message
    assert len(platform.log("1317")) == asked + 2
    assert PlatformMapping.objects.count() == 20
    assert open_kinds() == []
    compare(office, accept=True)
    assert PlatformMapping.objects.count() == 0
    assert open_kinds() == ["missing"] * 20


def test_a_platform_that_does_not_answer_leaves_everything(
    office: Actor, mapped: Mapping, platform: RunningSandbox
) -> None:
    compare(office)
    platform.fault("http_500", "1317", times=0)
    assert "未改动" in compare(office, "failed").message
    platform.clear_faults()
    platform.fault("cut_after", "5163", times=1)
    compare(office)
    assert PlatformMapping.objects.count() == 1


def test_an_upload_under_way_is_not_called_a_difference(
    office: Actor, world: World, mapped: Mapping, platform: RunningSandbox
) -> None:
    change(platform, enddate="2025-12-31")
    queue_endings(office, endings=[world.ending(mapped, enddate=dt.date(2026, 1, 31))])
    compare(office)
    assert open_kinds() == []


def test_one_who_may_not_decide_cannot(world: World, mapped: Mapping, platform: RunningSandbox, person: Any) -> None:
    pharmacist = Actor.of(person("pharmacist", world.institution, "pharmacy"), world.institution)
    for act in (services.adopt_platform, services.send_ours):
        with pytest.raises(NotAllowed):
            act(pharmacist, differences=[])
