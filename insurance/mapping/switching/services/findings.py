"""Settling what a catalogue version did to a relation: set aside with a reason, and accepted as the new measure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from insurance.mapping.choices import FindingKind, WorkState
from insurance.mapping.models import Finding, RelationTerms
from insurance.mapping.switching.facts import CLASSED, NAMED, PRICED, known
from insurance.mapping.switching.services.deciding import needed
from portal.audit.services import record
from portal.people.actor import Actor

CHANGES = {FindingKind.RENAMED: NAMED, FindingKind.RECLASSED: CLASSED, FindingKind.REPRICED: PRICED}


@dataclass
class Settled:
    """What became of the findings chosen: `done`, and the rest each with the reason why not."""

    done: list[Finding] = field(default_factory=list)
    skipped: list[tuple[Finding, str]] = field(default_factory=list)


@transaction.atomic
def ignore_findings(actor: Actor, *, findings: Iterable[Finding], reason: str) -> Settled:
    """不处理: set findings aside with a reason, until something else is found. Raises NotAllowed, SwitchingError.

    What changed of a code counts as accepted then: the next version is compared with how it is now.
    """
    actor.must("mapping.decide")
    reason = needed(reason, "不处理")
    rows = Finding.objects.select_for_update(of=("self",)).select_related("mapping__item").filter(
        institution=actor.institution, pk__in=[one.pk for one in findings]
    )  # fmt: skip
    settled = Settled()
    for one in rows.order_by("pk"):
        if one.state != WorkState.OPEN:
            settled.skipped.append((one, f"已是「{one.get_state_display()}」"))
            continue
        one.state, one.reason = WorkState.IGNORED, reason
        one.settled_by, one.settled_at = actor.person, timezone.now()
        settled.done.append(one)
    Finding.objects.bulk_update(settled.done, ["state", "reason", "settled_by", "settled_at"])
    _accept(actor, settled.done)
    if settled.done:
        label = f"不处理目录变更影响 {len(settled.done)} 条"
        record(actor, "mapping.finding_ignore", [one.mapping for one in settled.done], label=label, reason=reason)
    return settled


def _accept(actor: Actor, findings: Iterable[Finding]) -> None:
    """Take the changed facts of the codes as the measure for what comes."""
    changed = [one for one in findings if FindingKind(one.kind) in CHANGES]
    if not changed:
        return
    wanted = {(one.mapping.list_type, one.mapping.med_list_codg) for one in changed}
    codes = known(actor.institution, wanted, timezone.localdate())
    terms = {one.mapping_id: one for one in RelationTerms.objects.filter(mapping__in=[f.mapping_id for f in changed])}
    for one in changed:
        kept = terms.get(one.mapping_id)
        now = codes[one.mapping.list_type, one.mapping.med_list_codg].facts()
        if kept is not None:
            kept.facts |= {name: now[name] for name in CHANGES[FindingKind(one.kind)] if name in now}
    RelationTerms.objects.bulk_update(terms.values(), ["facts"])
