"""Masks follow purpose: one record is uncovered with a reason, many only under a grant of two persons.

A room registers what can be uncovered and who may see the record at all:

    register_uncoverable(Uncoverable(
        "directory.practitioner", action="directory.view", fields={"prac_psn_name": "姓名", "certno": "证件号码"},
        visible=lambda person: Practitioner.objects.visible_to(person), masked=shown,
    ))
    register_scope("insurance.directory.views.staff.PractitionerList", "医保医师护士药师")

Its template shows `{% eye record "certno" %}` (templatetags `uncovering`): the masked value and a small eye. Where the
work needs the value plain (a visit opened by card, a legal print), the view calls `note_opened` and shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import models, transaction
from django.utils import timezone

from portal.audit.grants import Purpose, Uncovering, UncoveringUse
from portal.audit.models import AuditEvent
from portal.audit.services import record
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Person

LEAST_REASON = 4
LONGEST = timedelta(days=7)
# What in a list's address says how it is shown, not which rows.
SHOWING = frozenset({"page", "per_page", "sort", "cols", "columns", "density", "view", "after", "before", "at"})


class UncoverRefused(Exception):
    """Not shown; the message is Chinese and says what is missing."""


def _text(thing: Any, field: str) -> str:
    value = getattr(thing, field)
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Uncoverable:
    """A kind of record with personal fields. `masked` and `clear` say how a field reads; `fields` name → label.

    `action` is the right to see the record at all, `visible` the rows a person may see.
    """

    label_lower: str
    action: str
    fields: Mapping[str, str]
    visible: Callable[[Person], models.QuerySet[Any]]
    masked: Callable[[Any, str], str]
    clear: Callable[[Any, str], str] = _text


_uncoverable: dict[str, Uncoverable] = {}
_scopes: dict[str, str] = {}


def register_uncoverable(what: Uncoverable) -> None:
    """Let the fields of a kind of record be uncovered one by one."""
    _uncoverable[what.label_lower] = what


def uncoverable(label_lower: str) -> Uncoverable:
    """Return what is registered for `app.model`. Raises LookupError."""
    return _uncoverable[label_lower]


def register_scope(path: str, label: str) -> None:
    """Let a list (dotted path of its ListPage) be asked for in clear."""
    _scopes[path] = label


def scopes() -> list[tuple[str, str]]:
    """Return the lists that can be asked for, path and label, by label."""
    return sorted(_scopes.items(), key=lambda pair: pair[1])


def label_of_scope(scope: str) -> str:
    """Return a list's label; an unregistered one shows its path."""
    return _scopes.get(scope.partition("?")[0], scope)


@transaction.atomic
def uncover(actor: Actor, thing: models.Model, *, fields: Sequence[str], reason: str) -> AuditEvent:
    """Note that `actor` sees `fields` of one record in clear, and why; the values are `clear_values`.

    Raises NotAllowed, UncoverRefused (no reason, unknown field, a record the actor may not see). Field names are
    audited, never values.
    """
    actor.must("privacy.uncover")
    what = _must_see(actor, thing)
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise UncoverRefused(f"没有显示：请填写查看的原因，至少 {LEAST_REASON} 个字。")
    wrong = [name for name in fields if name not in what.fields]
    if wrong or not fields:
        raise UncoverRefused("没有显示：所选项目不在可查看的范围内。请刷新页面后重试。")
    labels = "、".join(what.fields[name] for name in fields)
    return record(actor, "privacy.uncover", [thing], label=f"查看明文：{labels}", reason=reason, fields=list(fields))


def clear_values(thing: models.Model, fields: Sequence[str]) -> list[tuple[str, str]]:
    """Return label and clear text of each field; call it only after `uncover`, and keep the answer out of caches."""
    what = uncoverable(thing._meta.label_lower)
    return [(what.fields[name], what.clear(thing, name)) for name in fields]


def note_opened(actor: Actor, thing: models.Model, how: str) -> AuditEvent:
    """Note that a record was shown plain because the work needs it: 「凭社保卡就诊」, 「打印医保结算单」."""
    return record(actor, "privacy.opened", [thing], label=f"明文打开：{how}")


def split_scope(scope: str) -> tuple[str, str]:
    """Return the list's path and its query without what only says how it is shown, in a stable order.

    Values of one name keep their order and a tab is the last one given, as a list reads its address: the same two
    values the other way round, or a second tab behind the first, mean other rows.
    """
    path, _, query = scope.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name not in SHOWING]
    tabs = [pair for pair in kept if pair[0] == "tab"][-1:]
    rest = [pair for pair in kept if pair[0] != "tab"] + [pair for pair in tabs if pair[1] != "all"]
    return path, urlencode(sorted(rest, key=lambda pair: pair[0]))


@transaction.atomic
def grant_uncovering(
    actor: Actor, *, person: Person, purpose: str, scope: str, reason: str, until_days: int, approval: int
) -> Uncovering:
    """Give leave for one list; `actor` is the second person. Raises NotAllowed (the same person), UncoverRefused."""
    actor.must("privacy.approve")
    if actor.person is None or actor.person.pk == person.pk:
        raise NotAllowed("批量明文须由申请人以外的人员批准。")
    if purpose not in Purpose.values or not 1 <= until_days <= LONGEST.days:
        raise UncoverRefused(f"没有批准：用途须为列出的几种之一，期限为 1 至 {LONGEST.days} 天。")
    path, query = split_scope(scope)
    made: Uncovering = Uncovering.objects.create(
        institution=actor.institution,
        person=person,
        granted_by=actor.person,
        approval=approval,
        purpose=purpose,
        scope=path,
        query=query,
        reason=reason,
        until=timezone.now() + timedelta(days=until_days),
    )
    label = f"批准批量明文：{made.get_purpose_display()}，{label_of_scope(path)}"
    record(actor, "privacy.grant", [made, person], label=label, reason=reason, until=made.until.isoformat())
    return made


def clear_grant(actor: Actor, scope: str) -> Uncovering | None:
    """Return the open grant under which `actor` may have a list in clear now, None when there is none.

    `scope` is the list's dotted path, with `?query` when it is narrowed. A grant for the whole list covers any query
    of it; a grant for a query covers that query alone.
    """
    if actor.person is None:
        return None
    path, query = split_scope(scope)
    open_ones = Uncovering.objects.filter(
        institution=actor.institution, person=actor.person, scope=path, ended_at=None, until__gt=timezone.now()
    )
    fitting = (grant for grant in open_ones.order_by("-until") if grant.query in ("", query))
    return next(fitting, None)


@transaction.atomic
def note_use(actor: Actor, grant: Uncovering, *, what: str, rows: int) -> UncoveringUse:
    """Note one use: `what` (导出 …) with so many rows. Raises UncoverRefused when the grant has ended meanwhile."""
    locked = Uncovering.objects.select_for_update().get(pk=grant.pk)
    if not locked.open or actor.person is None or locked.person_id != actor.person.pk:
        raise UncoverRefused("没有导出明文：授权已结束，或不属于您。请重新申请，或改为导出脱敏内容。")
    used = UncoveringUse.objects.create(uncovering=locked, what=what[:100], rows=rows)
    label = f"使用批量明文授权：{what}，{rows} 行"
    record(actor, "privacy.use", [locked], label=label, reason=locked.reason, rows=rows, scope=locked.scope)
    return used


@transaction.atomic
def end_uncovering(actor: Actor, *, grant: Uncovering, reason: str = "") -> None:
    """End a grant early: its user, whoever may approve, or the security officer. Raises NotAllowed, UncoverRefused."""
    locked = Uncovering.objects.select_for_update().get(pk=grant.pk)
    own = actor.person is not None and locked.person_id == actor.person.pk
    if locked.institution_id != actor.institution.pk:
        raise NotAllowed("这项授权属于另一机构。")
    if not own and not actor.may("security.manage"):
        actor.must("privacy.approve")
    if not locked.open:
        raise UncoverRefused("这项授权已经结束。")
    locked.ended_at, locked.ended_by = timezone.now(), actor.person
    locked.save(update_fields=["ended_at", "ended_by"])
    record(actor, "privacy.end", [locked, locked.person], label="提前结束批量明文授权", reason=reason)


def _must_see(actor: Actor, thing: models.Model) -> Uncoverable:
    """Return what is registered for `thing` if the actor may see it where they work. Raises NotAllowed."""
    what = _uncoverable.get(thing._meta.label_lower)
    if what is None or actor.person is None:
        raise UncoverRefused("没有显示：这种记录没有可以查看明文的内容。")
    actor.must(what.action)
    if not what.visible(actor.person).filter(institution=actor.institution, pk=thing.pk).exists():
        raise NotAllowed("这条记录不属于当前机构，不能查看。")
    return what
