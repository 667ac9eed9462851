"""Background work: asking the platform what it holds. Nothing here runs in the web process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils import timezone

from insurance.directory.choices import PracticeKind, Verdict
from insurance.directory.models import PlatformDepartment
from insurance.directory.services import (
    finish_practitioners,
    replace_institution_info,
    replace_mirror,
    replace_practitioners,
)
from insurance.exchange.asking import ask, one_line
from insurance.exchange.errors import PlatformError
from portal.people.actor import Actor
from portal.tasks.registry import schedule, task_kind
from portal.tasks.run import Run, TaskFailed


@task_kind("directory.compare", label="科室核对", action="directory.edit", single=True)
def compare(run: Run) -> None:
    """Ask 5101, replace the mirror and compare."""
    run.progress(0, 2, "查询平台科室（5101）")
    asked_at = timezone.now()
    rows = _departments(run)
    run.log(f"平台返回 {len(rows)} 个科室")
    run.progress(1, 2, "逐项核对")
    counts = replace_mirror(run.actor, rows=rows, asked_at=asked_at)
    run.progress(2, 2, "完成")
    run.finish({verdict.label: counts.get(verdict.value, 0) for verdict in Verdict}, url=reverse("directory:compare"))


def _departments(run: Run) -> list[dict[str, Any]]:
    rows = _rows(run.actor, "department.list", {}, "feedetail", "科室核对")
    if rows or not PlatformDepartment.objects.filter(institution=run.actor.institution).exists():
        return rows
    # An empty answer after a full one is more often a stale page than an emptied platform, so it is asked again.
    run.log("平台返回空名单，而上次有科室：再查一次", "warning")
    return _rows(run.actor, "department.list", {}, "feedetail", "科室核对")


@task_kind("directory.practitioners", label="医执人员更新", action="directory.edit", single=True)
def practitioners(run: Run) -> None:
    """Ask 5102 for each kind, keep who is answered, and compare with the hospital's own list."""
    kinds = list(PracticeKind)
    counts: dict[str, dict[str, int]] = {}
    with one_line(run.actor):
        for place, kind in enumerate(kinds):
            run.progress(place, len(kinds), f"查询{kind.label}（5102）")
            counts[kind.value] = _take_kind(run, kind)
    finish_practitioners(run.actor, counts=counts)
    run.progress(len(kinds), len(kinds), "完成")
    words = {"new": "新增", "left": "不再返回", "back": "恢复", "seen": "在册"}
    total = {word: sum(count[key] for count in counts.values()) for key, word in words.items()}
    run.finish(total, url=reverse("directory:practitioners"))


def _take_kind(run: Run, kind: PracticeKind) -> dict[str, int]:
    asked_at = timezone.now()
    message = {"data": {"prac_psn_type": kind.value}}
    rows = _rows(run.actor, "practitioner.list", message, "feedetail", f"{kind.label}更新")
    counts = replace_practitioners(run.actor, kind=kind.value, rows=rows, asked_at=asked_at)
    run.log(f"{kind.label}：在册 {counts['seen']}，新增 {counts['new']}，不再返回 {counts['left']}")
    return counts


@task_kind("directory.institution", label="机构信息更新", action="directory.edit", single=True)
def institution(run: Run) -> None:
    """Ask 1201 for the institution itself."""
    run.progress(0, 1, "查询机构信息（1201）")
    where = run.actor.institution
    # 1: 定点医疗机构 (dictionary fixmedins_type); pharmacies do not run this portal.
    message = {
        "medinsinfo": {
            "fixmedins_type": "1",
            "fixmedins_name": where.fixmedins_name,
            "fixmedins_code": where.fixmedins_code,
        }
    }
    rows = _rows(run.actor, "institution.find", message, "medinsinfo", "机构信息更新")
    info = replace_institution_info(run.actor, rows=rows)
    if info is None:
        raise TaskFailed(f"平台没有返回编号 {where.fixmedins_code} 的机构。请核对机构编号，或联系医保局。")
    run.finish({"机构": info.fixmedins_name}, url=reverse("directory:institution"))


def _rows(actor: Actor, purpose: str, message: Mapping[str, Any], node: str, what: str) -> list[dict[str, Any]]:
    try:
        return list(ask(actor, purpose, message).output.rows(node))
    except PlatformError as error:
        raise TaskFailed(f"{what}没有完成：{error.words}。平台恢复后请重试，原有结果未改动。") from error


schedule("directory.compare", daily_at="02:30")
schedule("directory.practitioners", daily_at="02:30")
schedule("directory.institution", daily_at="02:30")
