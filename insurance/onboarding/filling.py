"""The fill of the demo hospital, by the path that people take: spreadsheets, uploads, queries, comparison.

Each step looks at what is there before it acts, so a run that was killed goes on where it stopped and doubles nothing.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
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
from insurance.onboarding.services import PATIENCE_SECONDS, note_filled
from insurance.onboarding.sheets import (
    DATA,
    DEPARTMENTS_FILE,
    STAFF_FILE,
    department_lines,
    departments_sheet,
    staff_sheet,
)
from portal.sheets.choices import ImportState, Mode
from portal.sheets.errors import SheetError
from portal.sheets.importer import find
from portal.sheets.models import SheetImport
from portal.sheets.services import confirm, settle_stalled, upload
from portal.tasks.choices import TaskState
from portal.tasks.models import Task
from portal.tasks.run import Run, TaskFailed
from portal.tasks.runner import run_task
from portal.tasks.services import start

# The department that stays a draft: its licence is still under way.
DRAFT = "0409"
POLL_SECONDS = 0.25
# Nothing was delivered for so long: nobody is at work, and the person is told so.
STALLED_SECONDS = 180.0
CONFIRMS = 3
STEPS = 7


class Fill:
    """One run of the fill. Its steps are methods in the order of `run_all`."""

    def __init__(self, run: Run, demo: DemoHospital, bureau: Bureau) -> None:
        self.run, self.demo, self.bureau = run, demo, bureau
        self.actor = run.actor
        self.size = str(run.params.get("size", "full"))
        self.done, self.total = 0, STEPS + sum(1 for line in department_lines() if line["科室编码"] != DRAFT)

    def run_all(self) -> None:
        """Do all that is not done yet, then note that the demo is filled."""
        self._begin("导入科室信息表")
        self._take_sheet("directory.department", DEPARTMENTS_FILE, departments_sheet)
        self._begin("上传科室到平台")
        departments = self._upload()
        self._deliver(departments)
        self._begin("查询平台登记的医师、护士、药师（5102）")
        self._follow_kind("directory.practitioners")
        self._begin("查询机构信息（1201）")
        self._follow_kind("directory.institution")
        self._begin("导入本院医师护士药师名单")
        self._take_sheet("directory.staff", STAFF_FILE, self._staff_sheet)
        self._begin("医保局在其网站上登记和修改科室")
        self._change_at_bureau()
        self._begin("与平台核对科室（5101）")
        self._follow_kind("directory.compare")
        self._finish()

    def _begin(self, words: str) -> None:
        self.done += 1
        self.run.progress(self.done, self.total, words)
        self.run.log(words)

    # Spreadsheets

    def _take_sheet(self, code: str, file_name: str, content: Callable[[], bytes]) -> None:
        """Upload a file through the wizard and take its good rows; the wrong ones stay to be seen there."""
        sheet = self._uploaded(code, file_name, content)
        confirmed = 0
        while sheet.state != ImportState.APPLIED:
            if sheet.state in (ImportState.FAILED, ImportState.ABANDONED) or confirmed > CONFIRMS:
                raise TaskFailed(f"文件「{file_name}」没有导入：{sheet.words or '已放弃'}")
            if sheet.state == ImportState.READY:
                confirmed += 1
                self._confirm(sheet)
            elif sheet.task is not None:
                self._follow(sheet.task)
                settle_stalled()
            sheet = SheetImport.objects.select_related("task").get(pk=sheet.pk)
        self.run.log(f"「{file_name}」：导入 {sheet.to_take} 行，{sheet.error_rows} 行有错误，留在导入记录里")

    def _uploaded(self, code: str, file_name: str, content: Callable[[], bytes]) -> SheetImport:
        with transaction.atomic():
            self.run.fence()
            known: SheetImport | None = (
                SheetImport.objects.filter(institution=self.actor.institution, importer=code, file_name=file_name)
                .exclude(state__in=[ImportState.FAILED, ImportState.ABANDONED])
                .order_by("-pk")
                .first()
            )
            importer = find(code)
            if known is None and importer is not None:
                known = upload(self.actor, importer=importer, file_name=file_name, data=content())
        if known is None:
            raise TaskFailed(f"此版本不能导入「{file_name}」。")
        return known

    def _confirm(self, sheet: SheetImport) -> None:
        try:
            with transaction.atomic():
                self.run.fence()
                confirm(self.actor, sheet_import=sheet, mode=Mode.GOOD)
        except SheetError as error:
            raise TaskFailed(str(error)) from error

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

    # Other rooms' tasks

    def _follow_kind(self, kind: str) -> None:
        self._follow(start(self.actor, kind=kind, source="演示"))

    def _follow(self, task: Task) -> None:
        """Run a task here unless a worker has it, and wait for its end. Raises TaskFailed with its words."""
        while not task.ended:
            run_task(task.pk)  # harmless while another worker has it
            task.refresh_from_db()
            self.run.check()
            if not task.ended:
                time.sleep(POLL_SECONDS)
        if task.state == TaskState.FAILED:
            raise TaskFailed(f"「{task.label}」没有完成：{task.message} 之后可在任务中心重新运行，会接着做。")

    def _finish(self) -> None:
        self.run.progress(self.total, self.total, "完成")
        with transaction.atomic():
            self.run.fence()
            note_filled(self.actor, demo=self.demo)
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
