"""What a person may mean by a target: its code, its label, or both as drop-downs show them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portal.people.models import Institution
from portal.values.errors import ValueRefused
from portal.values.registry import ValueSet

CODE = re.compile(r"[0-9A-Za-z.+*_-]{1,100}")


class Targets:
    """The targets of a set, found by code, by label or by both; asked once for any number of rows."""

    def __init__(self, institution: Institution, value_set: ValueSet) -> None:
        self.free, self.open = value_set.target is None, value_set.open
        self.codes: Mapping[str, str] = value_set.targets(institution)
        self.by_label: dict[str, list[str]] = {}
        for code, label in self.codes.items():
            self.by_label.setdefault(label, []).append(code)
        self.label = value_set.label

    def find(self, text: str) -> tuple[str, str]:
        """Return code and label. Raises ValueRefused."""
        text = text.strip()
        if not text:
            raise ValueRefused("请填写平台值。")
        if self.free:
            return text[:100], ""
        for code in (text, text.split(" ", 1)[0]):
            if code in self.codes:
                return code, self.codes[code]
        named = self.by_label.get(text, [])
        if len(named) == 1:
            return named[0], text
        if named:
            raise ValueRefused(f"「{text[:30]}」对应几个代码：{'、'.join(named[:5])}，请直接填代码。")
        if self.open and CODE.fullmatch(text):
            return text, ""
        raise ValueRefused(f"「{text[:30]}」不在「{self.label}」的平台字典中，请从下拉列表中选择。")
