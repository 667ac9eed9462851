"""A hospital that talks to the sandbox, with two persons who may decide, and something on every page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from insurance.exchange.models import Submission
from insurance.mapping.choices import MappingState, Verdict
from insurance.mapping.delivery.submitting import queue_mappings
from insurance.mapping.models import Mapping, PlatformMapping
from insurance.mapping.proof.mirroring import refresh_differences
from portal.people.actor import Actor
from tests.mapping_delivery import conftest as shared
from tests.mapping_delivery.world import BEGIN, World, connect

office, colleague, second, world = shared.office, shared.colleague, shared.second, shared.world
platform, slow_bureau, short_waits = shared.platform, shared.slow_bureau, shared.short_waits


@pytest.fixture
def full(world: World, office: Actor) -> World:
    """Something on every page: each stage of a relation, each kind of difference."""
    connect(world.institution, "http://127.0.0.1:9/")
    codes = [world.code(place) for place in range(12)]
    now = timezone.now()
    told = {"state": MappingState.IN_FORCE, "told_at": now - dt.timedelta(days=6), "verdict": Verdict.PASSED}
    for place, changes in enumerate(
        (
            told, told | {"verdict": Verdict.WAITING}, told | {"verdict": Verdict.FAILED, "verdict_words": "规格不符"},
            {}, {}, {}, {},
        )
    ):  # fmt: skip
        world.mapping(world.item(f"Y{place}", revenue=Decimal(100 * (place + 1))), codes[place], **changes)
    waiting = list(Mapping.objects.filter(state=MappingState.APPROVED).order_by("pk"))
    queue_mappings(office, mappings=waiting[:3])
    refused, unknown, _ = Submission.objects.order_by("pk")
    Submission.objects.filter(pk=refused.pk).update(state="refused", words="该机构目录在该期间已有对照")
    Submission.objects.filter(pk=unknown.pk).update(state="unknown", needs_person=True)
    world.item("U1", revenue=Decimal(900))
    differ(world)
    return world


def differ(world: World) -> None:
    """Let the mirror hold one relation with another end, one that is not ours, and lack the rest."""
    now = timezone.now()
    for number, code, end in (("Y0", "", dt.date(2030, 1, 1)), ("U1", "X9", None), ("Z9", "X8", None)):
        ours = Mapping.objects.filter(item__fixmedins_hilist_id=number).first()
        PlatformMapping.objects.create(
            institution=world.institution, list_type="101", fixmedins_hilist_id=number, fixmedins_hilist_name="平台药",
            med_list_codg=ours.med_list_codg if ours else code, begndate=BEGIN, enddate=end or dt.date(2099, 12, 31),
            in_1317=True, vali_flag="1", seen_at=now,
        )  # fmt: skip
    refresh_differences(Actor.system(world.institution), sees_unaudited=True)
