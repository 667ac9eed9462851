"""Forms of the people room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from portal.people.models import Person
from portal.people.roles import ROLE_CHOICES

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
        help_text="至少 10 位，不能全是数字，不能用常见密码，不能与登录名相近。",
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


class PersonForm(forms.Form):
    """A new person with the first role."""

    username = forms.CharField(label="登录名", max_length=50, widget=forms.TextInput({**TEXT, "autofocus": True}))
    name = forms.CharField(label="姓名", max_length=50, widget=forms.TextInput(TEXT))
    role = forms.ChoiceField(label="角色", choices=ROLE_CHOICES, widget=forms.Select({"class": "form-select"}))
    opter = forms.CharField(
        label="经办人编号",
        max_length=30,
        required=False,
        widget=forms.TextInput(TEXT),
        help_text="报文中的 opter，可空",
    )

    def clean_username(self) -> str:
        """The login name, not taken yet."""
        username: str = self.cleaned_data["username"]
        if Person.objects.filter(username=username).exists():
            raise forms.ValidationError(f"登录名 {username} 已有人使用，请换一个。")
        return username


class GrantForm(forms.Form):
    """One more role of a person in the current institution."""

    role = forms.ChoiceField(label="角色", choices=ROLE_CHOICES, widget=forms.Select({"class": "form-select"}))
    opter = forms.CharField(label="经办人编号", max_length=30, required=False, widget=forms.TextInput(TEXT))
    opter_name = forms.CharField(label="经办人姓名", max_length=50, required=False, widget=forms.TextInput(TEXT))
