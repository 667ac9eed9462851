"""A whole change of codes over the sandbox: nothing leaves before the day; then both books hold both relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from insurance.catalogue.loading import refresh
from insurance.catalogue.models import AreaRelation, Ceiling, Item
from insurance.exchange.bodies import forget_keys
from insurance.exchange.models import Submission
from insurance.mapping.choices import LineState, MappingState, NightState, SwitchState
from insurance.mapping.delivery.submitting import queue_mappings
from insurance.mapping.models import Finding, Mapping, NightRun
from insurance.mapping.queries import relation_on
from insurance.mapping.switching.impact import find_impact
from insurance.mapping.switching.night import night_of, run_night
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.deciding import approve_switch, draw_sample
from insurance.mapping.switching.services.preparing import choose_code, prepare_lines
from insurance.mapping.switching.services.rows import take_rows
from insurance.mapping.switching.services.switches import create_switch
from insurance.mapping.switching.steps import upload_due
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.tasks.run import TaskFailed
from tests.mapping_delivery.world import World, code_number, connect, deliver
from tests.mapping_switching.conftest import DAY, TODAY
from tests.mapping_switching.test_night import running
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_waits(settings: Any) -> Iterator[None]:
    """Looks at the platform come soon; the hospital is one of the third level."""
    settings.HOSPITAL_PRICE_LEVEL = "3"
    settings.VERIFY_MIN_AGE = 0.3
    settings.VERIFY_EVERY = 0.2
    forget_keys()
    yield
    forget_keys()


def test_from_table_to_the_platforms_books(
    institution: Institution, member: Person, person: Callable[..., Person], sandbox: RunningSandbox
) -> None:
    second = person("second", institution, "insurance_office")
    connect(institution, sandbox.url)
    office, other = Actor.of(member, institution), Actor.of(second, institution)
    world = World(institution, member, second)
    items = [world.item(f"Y{number}") for number in range(3)]
    held = [world.mapping(item, world.code(place)) for place, item in enumerate(items)]
    for place in (10, 11, 12):
        world.code(place)
    queue_mappings(other, mappings=held)
    deliver()
    assert set(Mapping.objects.values_list("state", flat=True)) == {MappingState.IN_FORCE}
    before = len(sandbox.log("3301"))

    switch = create_switch(office, name="演示切换", day=TODAY() + DAY)
    old, new = [code_number(place) for place in range(3)], [code_number(place) for place in (10, 11, 12)]
    pairs = [(old[0], new[0]), (old[1], new[1]), (old[1], new[2]), (old[2], "")]
    take_rows(office, switch=switch, rows=[{"old_code": a, "new_code": b} for a, b in pairs])
    assess(switch)
    choose_code(office, line=switch.lines.get(item=items[1]), code=new[2])
    prepare_lines(office, switch=switch, lines=switch.lines.filter(state=LineState.WAITING))
    drawn = [line.pk for line in draw_sample(other, switch=switch)]
    decided = approve_switch(other, switch=switch, looked_at=drawn)
    assert (decided.mappings, decided.endings, decided.held_back) == (2, 1, [])

    deliver()  # the dispatcher keeps asking all day long
    assert len(sandbox.log("3301")) == before
    assert sandbox.log("3360") == []
    assert {row["med_list_codg"] for row in sandbox.books("mappings")} == set(old)

    night = night_of(institution, switch.day)
    Submission.objects.filter(state="queued").update(not_before=timezone.now())  # midnight has come
    deliver()
    assert "平台受理 5 条" in upload_due(running(Actor.system(institution)), night)
    switch.refresh_from_db()
    assert switch.state == SwitchState.DONE
    books = {(row["fixmedins_hilist_id"], row["med_list_codg"]): row for row in sandbox.books("mappings")}
    assert len(books) == 5
    assert all(str(books[f"Y{n}", old[n]]["enddate"])[:10] == str(TODAY()) for n in range(3))
    assert str(books["Y1", new[2]]["begndate"])[:10] == str(switch.day)
    for item, was, now in ((items[0], old[0], new[0]), (items[1], old[1], new[2])):
        yesterday, today = relation_on(item, switch.day - DAY), relation_on(item, switch.day)
        assert yesterday is not None
        assert today is not None
        assert (yesterday.med_list_codg, today.med_list_codg) == (was, now)
    assert relation_on(items[2], switch.day) is None


def test_a_whole_night_over_the_sandbox(institution: Institution, sandbox: RunningSandbox) -> None:
    """Catalogues, impact, upload, comparison and suggestions by the steps themselves; done again it does nothing."""
    connect(institution, sandbox.url)
    night = run_night(running(Actor.system(institution)))
    assert night.state == NightState.GREEN, night.steps
    assert [one["state"] for one in night.steps] == ["done"] * 5
    assert Item.objects.filter(infno="1301", current=True).exists()
    asked = len(sandbox.log())
    run_night(running(Actor.system(institution)))
    assert len(sandbox.log()) == asked


def test_a_closed_platform_is_a_red_night(institution: Institution, sandbox: RunningSandbox) -> None:
    connect(institution, "http://127.0.0.1:9/")
    with pytest.raises(TaskFailed, match="第 1 步"):
        run_night(running(Actor.system(institution)))
    states = {one["key"]: one["state"] for one in NightRun.objects.get().steps}
    assert states == {
        "catalogues": "failed", "impact": "skipped", "upload": "done", "compare": "failed", "suggest": "skipped",
    }  # fmt: skip


def test_what_a_real_version_does_to_relations(
    institution: Institution, member: Person, person: Callable[..., Person], sandbox: RunningSandbox
) -> None:
    """The bureau ends, renames, remakes, re-prices and re-classes codes, and gives the ended one a successor."""
    second = person("second", institution, "insurance_office")
    connect(institution, sandbox.url)
    system = Actor.system(institution)
    kinds = ("1301", "1312", "1316", "1318")
    for infno in kinds:
        refresh(running(system), infno)
    listed = AreaRelation.objects.filter(list_type="101", vali_flag="1").order_by("med_list_codg")
    held = set(Ceiling.objects.values_list("hilist_code", flat=True))
    codes = [row.med_list_codg for row in listed if row.hilist_code in held][:5]
    ended, renamed, remade, priced, classed = codes
    world = World(institution, member, second)
    relations = {code: world.mapping(world.item(code[-6:]), code, MappingState.IN_FORCE) for code in codes}
    find_impact(institution)
    day = TODAY() + DAY
    told = sandbox.publish(
        "1301", 0, ended=[ended], renamed=[renamed], remade=[remade], priced=[priced], classed=[classed],
        successors=True, effective=str(day),
    )  # fmt: skip
    for infno in kinds:
        refresh(running(system), infno)
    find_impact(institution, day=day)
    open_ones = Finding.objects.filter(state="open", mapping__in=relations.values())
    found = {(one.mapping.med_list_codg, one.kind) for one in open_ones.select_related("mapping")}
    assert found & {(ended, "broken"), (ended, "ending")}
    assert {(renamed, "renamed"), (remade, "renamed"), (priced, "repriced"), (classed, "reclassed")} <= found

    office = Actor.of(member, institution)
    successor = told["codes"]["successors"][ended]
    switch = create_switch(office, name="真实版本", day=day)
    take_rows(office, switch=switch, rows=[{"old_code": ended, "new_code": successor}])
    line = assess(switch).lines.get(mapping=relations[ended])
    assert (line.hindrance, line.new_code) == ("", successor)
    assert prepare_lines(office, switch=switch, lines=[line]).skipped == []
