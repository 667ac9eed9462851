"""Taking back relations and endings that were prepared or approved for a day to come."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from insurance.exchange.choices import SubmissionState
from insurance.exchange.errors import PlatformError
from insurance.exchange.models import Submission
from insurance.exchange.services import withdraw
from insurance.mapping.choices import EndingState, MappingState
from insurance.mapping.models import Ending, Mapping
from insurance.mapping.switching.errors import SwitchingError
from portal.people.actor import Actor

GONE = "已经上传或正在上传，不能整体撤回。请在「已对照」中逐项处理。"
OPEN = (EndingState.PROPOSED, EndingState.RETURNED, EndingState.APPROVED)


def take_back(actor: Actor, *, mappings: Sequence[Mapping], endings: Sequence[Ending], reason: str) -> None:
    """Cancel relations and endings that the platform has not heard of, and give the old relations their end back.

    Call it in a transaction. Raises SwitchingError when one of them has left already: then nothing is taken back.
    """
    keys = [one.pk for one in mappings]
    held = list(
        Mapping.objects.select_for_update(of=("self",)).filter(pk__in=keys).select_related("item").order_by("pk")
    )
    made = Ending.objects.filter(made_for__in=keys, state__in=OPEN)
    ends = list(Ending.objects.select_for_update(of=("self",)).filter(pk__in=[one.pk for one in [*made, *endings]]))
    told = [one for one in held if one.told_at is not None or one.state in (MappingState.IN_FORCE, MappingState.ENDED)]
    if told:
        raise SwitchingError(f"{told[0].item} 等 {len(told)} 项{GONE}")
    _unqueue(actor, [*held, *ends], reason)
    now = timezone.now()
    Mapping.objects.filter(pk__in=keys).update(state=MappingState.CANCELLED, words=reason[:500], changed_at=now)
    for ending in ends:
        # Only now: while the new relation stood, the old one may not reach into its period.
        before, last = ending.enddate_before, ending.enddate
        if ending.state == EndingState.APPROVED and before is not None and last is not None:
            Mapping.objects.filter(pk=ending.mapping_id, enddate=last).update(enddate=before, ended_at=None)
        Ending.objects.filter(pk=ending.pk).update(state=EndingState.CANCELLED, words=reason[:500])


def _unqueue(actor: Actor, subjects: Sequence[Mapping | Ending], reason: str) -> None:
    """Withdraw what waits for its day. Raises SwitchingError when something is under way."""
    system = Actor.system(actor.institution, actor.name)
    for model in (Mapping, Ending):
        keys = [str(one.pk) for one in subjects if isinstance(one, model)]
        if not keys:
            continue
        rows = Submission.objects.filter(
            institution=actor.institution, subject_type=model._meta.label_lower, subject_id__in=keys, superseded=False
        ).exclude(state=SubmissionState.WITHDRAWN)
        for submission in rows.order_by("pk"):
            try:
                withdraw(system, submission=submission, reason=reason)
            except PlatformError as error:
                raise SwitchingError(f"{submission.label}{GONE}") from error
