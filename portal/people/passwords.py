"""Rules for passwords that Django has no Chinese words for."""

from __future__ import annotations

from django.core.exceptions import ValidationError


class LengthValidator:
    """At least so many characters."""

    def __init__(self, min_length: int = 10) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a shorter one."""
        if len(password) < self.min_length:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        """Return the rule in one sentence."""
        return f"密码至少 {self.min_length} 位，请加长。"
