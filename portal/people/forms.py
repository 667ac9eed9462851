"""Forms of the people room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from portal.people.models import Person

TEXT = {"class": "form-control"}


class LoginForm(forms.Form):
    """Login name and password."""

    username = forms.CharField(
        label="登录名", max_length=50, widget=forms.TextInput({**TEXT, "autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="密码",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({**TEXT, "autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    """A person's own new password, twice, after the old one."""

    old = forms.CharField(
        label="现在的密码",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({**TEXT, "autocomplete": "current-password", "autofocus": True}),
    )
    new = forms.CharField(
        label="新密码",
        max_length=200,
        strip=False,
        help_text=(
            "至少 10 位，含大写字母、小写字母、数字、符号中的至少三种；"
            "不能用常见密码、与登录名相近的、最近 5 次用过的。"
        ),
        widget=forms.PasswordInput({**TEXT, "autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="再输一次新密码",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({**TEXT, "autocomplete": "new-password"}),
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_old(self) -> str:
        """The old password, checked."""
        old: str = self.cleaned_data["old"]
        if not self.person.check_password(old):
            raise forms.ValidationError("现在的密码不正确，请重新输入。")
        return old

    def clean_new(self) -> str:
        """The new password, by the rules and not the old one."""
        new: str = self.cleaned_data["new"]
        if new == self.cleaned_data.get("old"):
            raise forms.ValidationError("新密码不能与现在的密码相同。")
        validate_password(new, self.person)
        return new

    def clean_again(self) -> str:
        """The second writing of the new password."""
        again: str = self.cleaned_data["again"]
        if "new" in self.cleaned_data and again != self.cleaned_data["new"]:
            raise forms.ValidationError("两次输入的新密码不一致，请重新输入。")
        return again


class CodeForm(forms.Form):
    """A code of the phone, or a recovery code."""

    code = forms.CharField(
        label="动态验证码",
        max_length=20,
        widget=forms.TextInput(
            {
                **TEXT,
                "autocomplete": "one-time-code",
                "autofocus": True,
                "inputmode": "numeric",
                "class": "form-control code",
            }
        ),
    )


class UnlockForm(forms.Form):
    """The same person's password again, with a code where one is wanted."""

    password = forms.CharField(
        label="密码",
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({**TEXT, "autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label="动态验证码",
        max_length=20,
        required=False,
        widget=forms.TextInput({**TEXT, "autocomplete": "one-time-code"}),
    )
