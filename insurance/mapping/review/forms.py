"""What is typed in this corner: days and a memo, reasons."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.lists.forms import DateInput

RETURN_REASONS = (
    "规格或含量不符", "剂型不符", "生产企业不符", "批准文号不符", "包装或单位不符", "有更合适的编码", "编码即将失效",
    "起止日期有误", "依据不足，请补充",
)  # fmt: skip


class TakeForm(forms.Form):
    """When a relation holds, where it is not from today until the code ends, and what is to be said of it."""

    begndate = forms.DateField(label="开始日期", required=False, widget=DateInput())
    enddate = forms.DateField(label="结束日期", required=False, widget=DateInput())
    memo = forms.CharField(label="备注", required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["begndate"].error_messages["invalid"] = "开始日期：应为日期，如 2026-12-01"
        self.fields["enddate"].error_messages["invalid"] = "结束日期：应为日期，如 2099-12-31"
        self.fields["memo"].error_messages["max_length"] = "备注：应为 500 字以内"


class ReturnForm(forms.Form):
    """Why something is handed back: a common reason, own words, or both."""

    common = forms.ChoiceField(
        label="常用原因",
        required=False,
        choices=[("", "（自己填写）"), *((one, one) for one in RETURN_REASONS)],
        widget=forms.Select(attrs={"data-confirm": ""}),
    )
    reason = forms.CharField(label="说明", required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """Join both; one of them is needed."""
        given = super().clean() or {}
        words = [given.get("common", ""), (given.get("reason") or "").strip()]
        given["words"] = "：".join(word for word in words if word)
        if len(given["words"]) < 2:
            raise forms.ValidationError("请选择或填写退回原因，对码人要据此改正。")
        return given


class ReasonForm(forms.Form):
    """Why, in own words."""

    reason = forms.CharField(label="原因", min_length=2, max_length=300)


class EndForm(ReasonForm):
    """The last day on which a relation holds, and why."""

    enddate = forms.DateField(label="最后有效日", widget=DateInput())
    field_order = ("enddate", "reason")
