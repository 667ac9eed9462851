"""Forms of this corner."""

from __future__ import annotations

from django import forms

from portal.lists.forms import DateInput


class SwitchForm(forms.Form):
    """A change of codes: its name and day."""

    name = forms.CharField(
        label="切换名称", max_length=100, help_text="例如「2026 年 12 月医用耗材编码切换」",
        error_messages={"required": "请填写切换名称。"},
    )  # fmt: skip
    day = forms.DateField(
        label="切换日期", widget=DateInput, help_text="新编码开始使用的日期；旧编码用到前一天",
        error_messages={"required": "请填写切换日期。", "invalid": "请填写日期，例如 2026-12-01。"},
    )  # fmt: skip
    memo = forms.CharField(label="备注", max_length=300, required=False, help_text="例如局方通知的文号")


class ReasonForm(forms.Form):
    """Why; required."""

    reason = forms.CharField(
        label="原因", max_length=200, min_length=2,
        error_messages={"required": "请填写原因。", "min_length": "请填写原因（至少 2 个字）。"},
    )  # fmt: skip
