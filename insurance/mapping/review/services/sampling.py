"""Approving many at once: the system draws which ones must be looked at one by one, and keeps who looked at what."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from insurance.mapping.choices import LookReason, MappingState
from insurance.mapping.errors import MappingError
from insurance.mapping.models import ApprovalLook, ApprovalRound, Mapping
from insurance.mapping.review.facts import contradicts, digest_of
from insurance.mapping.review.services.approving import Approved, approve_mappings
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed

# Nobody who guesses when a round was made shall know which ones are drawn.
_chance = random.SystemRandom()


@transaction.atomic
def draw_round(actor: Actor, *, mappings: Iterable[Mapping]) -> ApprovalRound:
    """Keep what shall be approved together and draw what must be looked at. Raises NotAllowed, MappingError.

    More than REVIEW_SAMPLE_OVER: all that are not certain, contradict or replace, and of the rest a random share.
    """
    actor.must("mapping.approve")
    if actor.person is None:
        raise NotAllowed("双人审核须由人员完成，系统账号不能代替。")
    keys = [one.pk for one in mappings]
    rows = list(
        Mapping.objects.filter(institution=actor.institution, pk__in=keys, state=MappingState.PROPOSED)
        .exclude(proposed_by=actor.person)
        .select_related("item")
        .order_by("pk")
    )
    if not rows:
        raise MappingError("所选对照都不能由您审核：已处理完，或是您自己提出的。请刷新列表。")
    made: ApprovalRound = ApprovalRound.objects.create(
        institution=actor.institution, person=actor.person, shown={str(one.pk): digest_of(one) for one in rows}
    )
    drawn = _drawn(rows) if len(rows) > settings.REVIEW_SAMPLE_OVER else {}
    ApprovalLook.objects.bulk_create(
        [ApprovalLook(round=made, mapping_id=pk, why=why) for pk, why in drawn.items()], batch_size=500
    )
    record(actor, "mapping.draw", [], label=f"抽取审核 {len(rows):,} 条中的 {len(drawn):,} 条", round=made.pk)
    return made


def _drawn(rows: list[Mapping]) -> dict[int, str]:
    """Return relation's key → why it must be looked at."""
    found = {one.pk: str(why) for one in rows if (why := _always(one))}
    rest = [one.pk for one in rows if one.pk not in found]
    number = min(len(rest), max(settings.REVIEW_SAMPLE_LEAST, math.ceil(len(rest) * settings.REVIEW_SAMPLE_SHARE)))
    return found | dict.fromkeys(_chance.sample(rest, number), str(LookReason.DRAWN.value))


def _always(mapping: Mapping) -> str:
    if contradicts(mapping):
        return str(LookReason.CONTRADICTS.value)
    if mapping.replaces_id is not None:
        return str(LookReason.REPLACES.value)
    return "" if mapping.certain else str(LookReason.UNSURE.value)


@transaction.atomic
def look_at(actor: Actor, *, look: ApprovalLook) -> ApprovalLook:
    """Note that the person has looked at one that was drawn. Raises NotAllowed, MappingError."""
    actor.must("mapping.approve")
    made = _round(actor, look.round)
    if made.approved_at is not None:
        raise MappingError("这一批已经通过，无需再查看。")
    found: ApprovalLook = ApprovalLook.objects.select_for_update().get(pk=look.pk, round=made)
    if found.looked_at is None:
        found.looked_at = timezone.now()
        found.save(update_fields=["looked_at"])
    return found


def left_to_see(made: ApprovalRound) -> int:
    """Return how many that were drawn and still wait for approval were not looked at yet."""
    return made.looks.filter(looked_at=None, mapping__state=MappingState.PROPOSED).count()


@transaction.atomic
def approve_round(actor: Actor, *, round: ApprovalRound) -> Approved:
    """Approve what the round holds, after all that were drawn were looked at. Raises NotAllowed, MappingError.

    What was returned on the way, or changed since it was shown, is left out.
    """
    actor.must("mapping.approve")
    made = _round(actor, round)
    if made.approved_at is not None:
        raise MappingError(f"这一批已于 {timezone.localtime(made.approved_at):%m-%d %H:%M} 通过，没有重复执行。")
    left = left_to_see(made)
    if left:
        raise MappingError(f"还有 {left} 条抽查没有逐条查看，不能通过。请先看完。")
    shown = {int(key): digest for key, digest in made.shown.items()}
    rows = Mapping.objects.filter(pk__in=list(shown), state=MappingState.PROPOSED)
    looked_at = list(made.looks.exclude(looked_at=None).values_list("mapping_id", flat=True))
    done = approve_mappings(actor, mappings=rows, looked_at=looked_at, shown=shown)
    made.approved_at, made.approved = timezone.now(), len(done.approved)
    made.save(update_fields=["approved_at", "approved"])
    return done


def _round(actor: Actor, made: ApprovalRound) -> ApprovalRound:
    found: ApprovalRound | None = (
        ApprovalRound.objects.select_for_update(of=("self",)).filter(pk=made.pk, institution=actor.institution).first()
    )
    if found is None or actor.person is None or found.person_id != actor.person.pk:
        raise NotAllowed("这一批由另一人抽取，须由其本人审核。请从待审核列表重新勾选。")
    return found
