"""The fill of the demo hospital, by the path that people take: spreadsheets, uploads, queries, comparison.

Each step looks at what is there before it acts, so a run that was killed goes on where it stopped and doubles nothing.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from django.db import transaction
from django.urls import reverse

from insurance.directory.choices import ComparisonKind, Verdict
from insurance.directory.models import Department, Practitioner
from insurance.directory.queries import comparison_counts
from insurance.directory.services import submit_departments
from insurance.exchange.choices import OPEN_STATES, SubmissionState
from insurance.exchange.queries import attach_latest, connection_of
from insurance.onboarding.bureau import Bureau, Row, open_bureau, own_connection
from insurance.onboarding.models import DemoHospital
from insurance.onboarding.services import PATIENCE_SECONDS, note_filled, start_mapping
from insurance.onboarding.sheets import (
    DATA,
    DEPARTMENTS_FILE,
    STAFF_FILE,
    department_lines,
    departments_sheet,
    staff_sheet,
)
from insurance.onboarding.steps import POLL_SECONDS, STALLED_SECONDS, Steps
from portal.tasks.run import Run, TaskFailed

# The department that stays a draft: its licence is still under way.
DRAFT = "0409"
STEPS = 7


class Fill(Steps):
    """One run of the fill. Its steps are methods in the order of `run_all`."""

    def __init__(self, run: Run, demo: DemoHospital, bureau: Bureau) -> None:
        super().__init__(run, STEPS + sum(1 for line in department_lines() if line["科室编码"] != DRAFT))
        self.demo, self.bureau = demo, bureau
        self.size = str(run.params.get("size", "full"))

    def run_all(self) -> None:
        """Do all that is not done yet, then note that the demo is filled."""
        self.begin("导入科室信息表")
        self.take_sheet("directory.department", DEPARTMENTS_FILE, departments_sheet)
        self.begin("上传科室到平台")
        departments = self._upload()
        self._deliver(departments)
        self.begin("查询平台登记的医师、护士、药师（5102）")
        self.follow_kind("directory.practitioners")
        self.begin("查询机构信息（1201）")
        self.follow_kind("directory.institution")
        self.begin("导入本院医师护士药师名单")
        self.take_sheet("directory.staff", STAFF_FILE, self._staff_sheet)
        self.begin("医保局在其网站上登记和修改科室")
        self._change_at_bureau()
        self.begin("与平台核对科室（5101）")
        self.follow_kind("directory.compare")
        self._finish()

    # Spreadsheets

    def _staff_sheet(self) -> bytes:
        known = Practitioner.objects.filter(institution=self.actor.institution, left_at=None)
        return staff_sheet(list(known.order_by("prac_psn_type", "prac_psn_code")), self.size)

    # Departments at the platform

    def _upload(self) -> list[Department]:
        """Queue every department of the file but the draft, once; return them."""
        codes = {line["科室编码"] for line in department_lines()} - {DRAFT}
        ours = Department.objects.filter(institution=self.actor.institution, hosp_dept_codg__in=codes)
        departments = list(ours.order_by("hosp_dept_codg"))
        if not _submitted(departments):
            self._prepare_bureau(codes | {DRAFT})
        with transaction.atomic():
            self.run.fence()
            said = {department.pk for department in _submitted(departments)}
            fresh = [department for department in departments if department.pk not in said]
            submitted = submit_departments(self.actor, departments=fresh)
        for planned in submitted.faulty:
            reasons = "；".join(map(str, planned.faults))
            self.run.log(f"「{planned.department.hosp_dept_name}」没有上传：{reasons}", "warning")
        return departments

    def _prepare_bureau(self, codes: set[str]) -> None:
        """Take away what an earlier demo's database left in the sandbox; register what the bureau registered first."""
        for row in self.bureau.rows("departments"):
            if row["hosp_dept_codg"] in codes and row["fixmedins_code"] == self.actor.institution.fixmedins_code:
                self.bureau.remove("departments", row["_key"])
        for row in _bureau_rows("before"):
            self._put(row)

    def _deliver(self, departments: list[Department]) -> None:
        """Wait until the platform has answered for all of them, showing how many it has."""
        base, before, since = self.done, -1, time.monotonic()
        while True:
            states = Counter(department.submission.state for department in _submitted(departments))  # type: ignore[attr-defined]
            waiting = sum(states[state] for state in OPEN_STATES)
            answered = sum(states.values()) - waiting
            self.done = base + answered
            self.run.progress(self.done, self.total, f"上传科室到平台：已有结果 {answered} / {answered + waiting}")
            if not waiting:
                break
            if answered != before:
                before, since = answered, time.monotonic()
            elif time.monotonic() - since > STALLED_SECONDS:
                raise TaskFailed(self._stalled(waiting))
            time.sleep(POLL_SECONDS)
        self._say_outcome(states)

    def _say_outcome(self, states: Counter[str]) -> None:
        refused = states[SubmissionState.REFUSED]
        self.run.log(
            f"上传成功 {states[SubmissionState.ACCEPTED]} 个，上传失败 {refused} 个（平台返回的原因见科室列表）"
        )

    def _stalled(self, waiting: int) -> str:
        connection = connection_of(self.actor.institution)
        why = f"平台：{connection.broken_words}。" if connection.broken_words else "后台上传进程可能没有运行。"
        return f"还有 {waiting} 个科室没有上传，3 分钟没有进展。{why}恢复后在任务中心重新运行，会接着做。"

    # The bureau

    def _change_at_bureau(self) -> None:
        """Register two departments and change one on the bureau's side, which the hospital has not heard of."""
        for row in _bureau_rows("after"):
            self._put(row)
        changed = _bureau_rows("changed")[0]
        for row in self.bureau.rows("departments"):
            if row["hosp_dept_codg"] == changed["hosp_dept_codg"]:
                kept = {name: value for name, value in row.items() if name != "_key"}
                self.bureau.put("departments", {**kept, **changed})

    def _put(self, row: Row) -> None:
        institution = self.actor.institution
        own = {"fixmedins_code": institution.fixmedins_code, "poolarea_no": institution.admdvs}
        self.bureau.put("departments", {**row, **own})

    def _finish(self) -> None:
        self.run.progress(self.total, self.total, "完成")
        with transaction.atomic():
            self.run.fence()
            note_filled(self.actor, demo=self.demo)
            start_mapping(self.actor, self.run.params)
        counts = comparison_counts(self.actor.institution, ComparisonKind.DEPARTMENT.value)
        people = Practitioner.objects.filter(institution=self.actor.institution).count()
        result: dict[str, Any] = {verdict.label: counts.get(verdict.value, 0) for verdict in Verdict}
        self.run.finish({**result, "平台登记人员": people}, url=reverse("directory:departments"))


def fill(run: Run) -> None:
    """Fill the demo hospital of the run's institution. Raises TaskFailed, DemoRefused."""
    demo = DemoHospital.objects.select_related("institution").filter(institution=run.actor.institution).first()
    if demo is None:
        raise TaskFailed("本机构没有演示登录，不填充演示数据。请先运行 manage.py demo --logins。")
    if demo.filled_at is not None:
        run.finish({"说明": "此前已填充完成，没有新增数据"}, url=reverse("directory:departments"))
        return
    bureau = open_bureau(own_connection(), PATIENCE_SECONDS)
    Fill(run, demo, bureau).run_all()


def _submitted(departments: list[Department]) -> list[Department]:
    """Return those that were ever submitted, each with its latest `submission`."""
    attach_latest(departments)
    return [department for department in departments if department.submission is not None]  # type: ignore[attr-defined]


def _bureau_rows(part: str) -> list[Row]:
    found = json.loads((DATA / "bureau.json").read_text(encoding="utf-8"))[part]
    return found if isinstance(found, list) else [found]
