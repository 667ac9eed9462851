"""What is done with chosen departments, after a panel that says what happens at the platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms

from insurance.directory import services
from insurance.directory.acts import act
from insurance.directory.errors import DirectoryError
from insurance.directory.forms import EndForm, ReasonForm
from insurance.directory.services import Planned
from insurance.directory.views.departments import DepartmentList, listed
from insurance.exchange.errors import PlatformError
from portal.lists.batch import BatchPage
from portal.lists.intent import Result
from portal.lists.one_by_one import OneByOne
from portal.people.actor import Actor

PURPOSES = {"department.add": "新上传（3401）", "department.change": "变更（3402）"}


class DepartmentBatch(BatchPage):
    """What the batches share: the list, and the act's reason why not."""

    list_page = DepartmentList
    list_url = "directory:departments"
    unit = "个科室"
    act_key: ClassVar[str]
    refused: ClassVar[tuple[type[Exception], ...]] = (DirectoryError, PlatformError)

    def refusal(self, row: Any) -> str:
        """Return the act's reason."""
        return act(self.act_key).reason(row)


class Upload(DepartmentBatch):
    """上传 of the chosen: new ones are added, those that differ are changed."""

    action = "directory.submit"
    act_key = "upload"
    verb = "上传"
    effect = (
        "把所选科室送到医保平台：平台还没有的新上传（科室信息上传 3401），已有且内容不同的变更（科室信息变更 3402）。"
        "平台受理后立即生效；上传期间不能修改。"
    )

    def prepare(self, rows: list[Any]) -> None:
        """Plan all at once, so that every problem of every row is known before anything is queued."""
        plans = services.plan_departments(self.request.actor.institution, rows)
        self.plans: dict[int, Planned] = {planned.department.pk: planned for planned in plans}

    def refusal(self, row: Any) -> str:
        """Return the hindrance or all problems of the row."""
        planned = self.plans[row.pk]
        return planned.hindrance or "；".join(str(fault) for fault in planned.faults)

    def sums(self, rows: list[Any]) -> Sequence[tuple[str, str]]:
        """Return how many go by which transaction."""
        counts = Counter(self.plans[row.pk].purpose for row in rows)
        return [(PURPOSES[purpose], f"{count} 个") for purpose, count in sorted(counts.items())]

    def carry_out(self, actor: Actor, rows: list[Any], form: forms.Form | None) -> Result:
        """Queue them."""
        done = services.submit_departments(actor, departments=rows)
        words = f"已提交上传 {len(done.queued)} 个科室，正在后台送往平台。"
        left = len(done.hindered) + len(done.faulty)
        if left:
            words += f"另有 {left} 个没有提交（{'已在上传队列中' if done.hindered else '内容有误'}）。"
        return Result(words, listed("queued") if done.queued else "", "success" if done.queued else "warning")


class End(DepartmentBatch, OneByOne):
    """停用: the end goes to the platform as a change."""

    action = "directory.submit"
    act_key = "end"
    verb = "停用"
    effect = "给科室填上结束时间，并作为变更送到平台（科室信息变更 3402）。以后同一编码可以重新启用。"
    form_class = EndForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """End one."""
        assert form is not None
        given = form.cleaned_data
        services.end_department(actor, department=row, endtime=given["endtime"], reason=given["reason"])


class Withdraw(DepartmentBatch, OneByOne):
    """撤销 at the platform."""

    action = "directory.submit"
    act_key = "withdraw"
    verb = "撤销"
    danger = True
    effect = "撤销平台上的科室登记（科室信息撤销 3403），用于传错的科室。撤销后用这个科室编码的费用明细将无法上传。"
    form_class = ReasonForm

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Withdraw one."""
        assert form is not None
        services.withdraw_department(actor, department=row, reason=form.cleaned_data["reason"])


class Discard(DepartmentBatch, OneByOne):
    """作废 of drafts."""

    action = "directory.edit"
    act_key = "discard"
    verb = "作废"
    danger = True
    effect = "删除从未上传过的草稿；上传失败过的草稿改为「已撤销」保留。平台上没有这些科室，不受影响。"

    def one(self, actor: Actor, row: Any, form: forms.Form | None) -> None:
        """Discard one."""
        services.discard_draft(actor, department=row)
