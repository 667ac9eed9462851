"""Forms of 系统 · 人员."""

from __future__ import annotations

from django import forms

from portal.people.models import Person
from portal.people.roles import ROLE_CHOICES

TEXT = {"class": "form-control"}


class PersonForm(forms.Form):
    """A new account, without rights."""

    username = forms.CharField(label="登录名", max_length=50, widget=forms.TextInput({**TEXT, "autofocus": True}))
    name = forms.CharField(label="姓名", max_length=50, widget=forms.TextInput(TEXT))

    def clean_username(self) -> str:
        """The login name, not taken yet."""
        username: str = self.cleaned_data["username"]
        if Person.objects.filter(username=username).exists():
            raise forms.ValidationError(f"登录名 {username} 已有人使用，请换一个。")
        return username


class OperatorForm(forms.Form):
    """The operator number and name that go into messages."""

    opter = forms.CharField(
        label="经办人编号",
        max_length=30,
        required=False,
        widget=forms.TextInput(TEXT),
        help_text="报文中的 opter，可空",
    )
    opter_name = forms.CharField(
        label="经办人姓名", max_length=50, required=False, widget=forms.TextInput(TEXT), help_text="空时取本人姓名"
    )


class GrantForm(OperatorForm):
    """One more role of a person in the current institution."""

    role = forms.ChoiceField(label="角色", choices=ROLE_CHOICES, widget=forms.Select({"class": "form-select"}))
    field_order: tuple[str, ...] = ("role", "opter", "opter_name")


class JoinForm(GrantForm):
    """A role for somebody who has an account elsewhere."""

    username = forms.CharField(label="登录名", max_length=50, widget=forms.TextInput({**TEXT, "autofocus": True}))
    field_order: tuple[str, ...] = ("username", "role", "opter", "opter_name")

    def clean_username(self) -> Person:
        """The person, by the whole login name."""
        found = Person.objects.filter(username=self.cleaned_data["username"], is_active=True).first()
        if found is None:
            raise forms.ValidationError("没有这个登录名，或账号已停用。请核对后再试。")
        return found


class NameForm(forms.Form):
    """The corrected name."""

    name = forms.CharField(label="姓名", max_length=50, widget=forms.TextInput({**TEXT, "autofocus": True}))


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=200, widget=forms.TextInput({**TEXT, "autofocus": True}))
