"""Small acts at the queue: putting an item aside, and saying something about it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from insurance.mapping import rules
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Comment, HospitalItem, Mapping, Suggestion
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed


@transaction.atomic
def skip_item(actor: Actor, *, item: HospitalItem) -> Suggestion:
    """搁置: put an item to the side; it stands under 已搁置 until somebody takes it up again. Raises NotAllowed."""
    rules.must_map(actor, item.list_type)
    _must_be_here(actor, item)
    found, _ = Suggestion.objects.get_or_create(item=item, defaults={"item_digest": ""})
    found.skipped_by, found.skipped_at = actor.person, timezone.now()
    found.save(update_fields=["skipped_by", "skipped_at"])
    record(actor, "mapping.skip", [item], label=f"搁置 {item}")
    return found


@transaction.atomic
def unskip_item(actor: Actor, *, item: HospitalItem) -> None:
    """Put an item back into the queue. Raises NotAllowed."""
    rules.must_map(actor, item.list_type)
    _must_be_here(actor, item)
    Suggestion.objects.filter(item=item).update(skipped_by=None, skipped_at=None)
    record(actor, "mapping.unskip", [item], label=f"恢复对码 {item}")


@transaction.atomic
def comment(actor: Actor, *, item: HospitalItem, text: str, mapping: Mapping | None = None) -> Comment:
    """Say something about an item or one of its relations; it is never changed. Raises MappingError, NotAllowed."""
    actor.must("mapping.view")
    _must_be_here(actor, item)
    if actor.person is None:
        raise NotAllowed("备注须由人员填写，系统账号不能代替。")
    words = text.strip()
    if not words:
        raise MappingError("备注没有保存：请先填写内容。")
    if len(words) > 500:
        raise MappingError(f"备注没有保存：应为 500 字以内，实际 {len(words)} 字。请缩短。")
    made: Comment = Comment.objects.create(item=item, mapping=mapping, person=actor.person, text=words)
    record(actor, "mapping.comment", [item, *([mapping] if mapping else [])], label=f"备注 {item}", reason=words)
    return made


def _must_be_here(actor: Actor, item: HospitalItem) -> None:
    if item.institution_id != actor.institution.pk:
        raise NotAllowed("该项目不属于当前机构。请切换机构后再操作。")
