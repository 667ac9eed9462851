"""交接: a person's checked files that wait for somebody's word go to another (portal.approvals.handing)."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from portal.approvals.errors import ApprovalRefused
from portal.approvals.handing import HandoverKind, Item, register_handover
from portal.audit.services import record
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from portal.sheets.choices import ImportState
from portal.sheets.importer import importers_for
from portal.sheets.models import SheetImport

MOST = 200


def ready_imports(person: Person, institution: Institution) -> list[Item]:
    """Return the imports of a person that were checked and neither confirmed nor abandoned."""
    rows = SheetImport.objects.filter(institution=institution, requested_by=person, state=ImportState.READY)
    return [Item(row.pk, str(row), row.get_absolute_url()) for row in rows.order_by("pk")[:MOST]]


@transaction.atomic
def hand_over_imports(actor: Actor, giver: Person, taker: Person, keys: Collection[int]) -> int:
    """Let `taker` look after the giver's imports and return how many.

    Raises ApprovalRefused when the taker may not import one of them: they would not even see it.
    """
    rows = SheetImport.objects.filter(
        institution=actor.institution, requested_by=giver, state=ImportState.READY, pk__in=keys
    )
    moved = list(rows.select_for_update().order_by("pk"))
    able = {importer.code for importer in importers_for(taker, actor.institution)}
    for one in moved:
        if one.importer not in able:
            raise ApprovalRefused(f"没有交接：{taker} 没有「{one.label}」的导入权限。请另选接手人，或不勾选这一项。")
    if moved:
        label = f"导入交接给 {taker}：{moved[0].label if len(moved) == 1 else f'{len(moved)} 个文件'}"
        record(actor, "sheets.hand_over", [*moved, giver, taker], label=label)
    rows.update(requested_by=taker)
    return len(moved)


def register() -> None:
    """Let checked imports be handed over."""
    register_handover(
        HandoverKind(
            "sheets.ready",
            "待确认的导入",
            lambda person, institution: len(ready_imports(person, institution)),
            ready_imports,
            hand_over_imports,
        )
    )
