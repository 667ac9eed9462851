"""What is protected goes only by two persons' word, and only once it lies in an archive: an encrypted file."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from insurance.exchange.bodies import open_body
from insurance.exchange.models import Call, CallBody, PruneOrder, RetentionRule
from insurance.exchange.retention import Progress, RetentionRefused, prune_archived
from portal.approvals.models import Approval
from portal.approvals.registry import ApprovalKind, register_kind
from portal.approvals.services import propose
from portal.audit.services import record
from portal.people.actor import Actor
from portal.privacy.keys import Undecipherable, seal_text, unseal_text
from portal.tasks.services import start

KIND = "exchange.prune"
TASK = "exchange.prune_protected"
# Medical and fund records must be at hand for audits: nothing younger is ever proposed.
YOUNGEST = dt.timedelta(days=730)


def protected_bodies(actor_institution: int, rule: RetentionRule, before: dt.date) -> Any:
    """Return the bodies of a protected class of one institution from before a day."""
    until = dt.datetime.combine(before, dt.time(), timezone.get_default_timezone())
    return CallBody.objects.filter(
        at__lt=until, month__lte=before, call__infno__in=rule.infnos, call__institution=actor_institution
    )


def propose_prune(actor: Actor, *, rule: RetentionRule, before: dt.date, reason: str) -> Approval:
    """Ask for a second person's yes to archive and drop a class's bodies. Raises RetentionRefused, NotAllowed."""
    actor.must("system.manage")
    if not rule.protected:
        raise RetentionRefused(f"「{rule.label}」按期限自动清理，无需申请。")
    latest = timezone.localdate() - YOUNGEST
    if before > latest:
        raise RetentionRefused(f"受保护的报文至少保存两年，只能清理 {latest:%Y-%m-%d} 以前的。请改早日期后再申请。")
    count = protected_bodies(actor.institution.pk, rule, before).count()
    if not count:
        raise RetentionRefused(f"{before:%Y-%m-%d} 以前没有「{rule.label}」的报文，无需清理。")
    payload = {"rule": rule.code, "before": before.isoformat(), "count": count}
    label = f"归档并清理「{rule.label}」{before:%Y-%m-%d} 以前的报文 {count:,} 份"
    return propose(actor, kind=KIND, label=label, subjects=[rule], payload=payload, reason=reason)


@transaction.atomic
def carry_out(actor: Actor, approval: Approval) -> str:
    """Write the order of both persons and start archiving; nothing goes before the archive is whole."""
    rule = RetentionRule.objects.get(code=approval.payload["rule"])
    assert actor.person is not None
    order = PruneOrder.objects.create(
        rule=rule,
        institution=actor.institution,
        before=dt.date.fromisoformat(approval.payload["before"]),
        count=approval.payload["count"],
        proposed_by=approval.proposed_by,
        approved_by=actor.person,
        approval=str(approval.pk),
        reason=approval.reason,
    )
    record(actor, "exchange.prune", [order, rule], label=approval.label, reason=approval.reason)
    start(actor, kind=TASK, params={"order": order.pk}, label=f"归档并清理：{rule.label}")
    return f"已开始归档「{rule.label}」的报文，归档完整后才清理，进展见任务中心。"


def shown(approval: Approval) -> list[tuple[str, str]]:
    """Return what the second person must see."""
    payload = approval.payload
    rule = RetentionRule.objects.get(code=payload["rule"])
    return [
        ("类别", rule.label),
        ("早于", payload["before"]),
        ("报文", f"{payload['count']:,} 份"),
        ("先归档", "全部报文先写入加密归档文件，核对份数后才从数据库清理"),
        ("保留", "交易记录、经过和封存照旧保留，只清理报文原文"),
    ]


def run_order(order: PruneOrder, note: Progress) -> tuple[str, int]:
    """Archive what an order names, then take it away; returns the file and how many bodies went. Can start anew."""
    if order.archived_at is None:
        _archive(order, note)
    if digest_of_file(folder() / order.archive) != order.archive_digest:
        raise RetentionRefused("归档文件缺失或已被改动，没有清理。请联系信息科恢复归档文件后重新运行。")
    if order.done_at is not None:
        return order.archive, 0
    gone = prune_archived(order, _read_back(order), note)
    PruneOrder.objects.filter(pk=order.pk, done_at=None).update(done_at=timezone.now())
    order.refresh_from_db(fields=["done_at"])
    return order.archive, gone


def _archive(order: PruneOrder, note: Progress) -> None:
    """Write the order's archive; of two that run at once, one's is the order's and the other's is thrown away."""
    path, digest, count = write_archive(order, note)
    kept = PruneOrder.objects.filter(pk=order.pk, archived_at=None).update(
        archive=path.name, archive_digest=digest, count=count, archived_at=timezone.now()
    )
    if not kept:
        path.unlink()
    order.refresh_from_db(fields=["archive", "archive_digest", "count", "archived_at", "done_at"])


def _read_back(order: PruneOrder) -> list[int]:
    """Return the bodies that the archive really holds. Raises RetentionRefused when one cannot be read back."""
    try:
        found = [line["body"] for line in read_archive(folder() / order.archive) if is_whole(line)]
    except (Undecipherable, ValueError) as error:
        raise RetentionRefused("归档文件读不回来，没有清理。请核对密钥（FIELD_KEYS）后重新运行。") from error
    if len(found) != order.count:
        raise RetentionRefused(f"归档文件只读回 {len(found):,} 份，应为 {order.count:,} 份，没有清理。请联系信息科。")
    return found


def is_whole(line: Mapping[str, Any]) -> bool:
    """Say whether the content of an archived body is that of which the ledger kept the digest."""
    return bool(hashlib.sha256(line["content"]).hexdigest() == line["digest"])


def folder() -> Path:
    """Return where archives rest."""
    found: Path = settings.FILES_DIR / "archive"
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found


def write_archive(order: PruneOrder, note: Progress) -> tuple[Path, str, int]:
    """Write every body of an order into a new file, a sealed line each; returns path, SHA-256 and number of bodies."""
    name = f"{order.rule.code}-{order.before:%Y%m%d}-{order.pk}-{secrets.token_hex(3)}.archive"
    target = folder() / name
    part = target.with_suffix(".part")
    count = 0
    with open(part, "w", encoding="ascii", opener=_private) as file:
        for line in _lines(order):
            file.write(seal_text(json.dumps(line, ensure_ascii=False)) + "\n")
            count += 1
            if count % 500 == 0:
                note(count, "写入归档")
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    return target, digest_of_file(target), count


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lines(order: PruneOrder) -> Iterator[dict[str, Any]]:
    rows = protected_bodies(order.institution_id, order.rule, order.before).select_related("call").order_by("pk")
    for body in rows.iterator(chunk_size=500):
        call: Call = body.call
        yield {
            "body": body.pk, "call": call.pk, "infno": call.infno, "msgid": call.msgid, "refmsgid": call.inf_refmsgid,
            "state": call.state, "part": body.part, "at": body.at.isoformat(), "digest": body.digest,
            "content": base64.b64encode(open_body(body)).decode(),
        }  # fmt: skip


def read_archive(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the bodies of an archive, each with `content` as bytes. Raises Undecipherable where a line was changed."""
    with open(path, encoding="ascii") as file:
        for line in file:
            found: dict[str, Any] = json.loads(unseal_text(line.strip()))
            yield found | {"content": base64.b64decode(found["content"])}


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file, "" when it is not there."""
    if not path.exists():
        return ""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def register_pruning() -> None:
    """Let the dropping of protected bodies be proposed."""
    register_kind(
        ApprovalKind(
            KIND,
            "清理受保护的报文",
            propose="system.manage",
            approve="exchange.approve",
            execute=carry_out,
            show=shown,
            refusals=(RetentionRefused,),
        )
    )
