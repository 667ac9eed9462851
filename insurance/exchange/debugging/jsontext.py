"""A message as JSON text, both ways, without losing a digit: 12.50 stays 12.50."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MOST_CHARACTERS = 3_000_000


class NotJson(Exception):
    """The text is not usable JSON; the words say where and why, in Chinese."""


def loads(text: str) -> Any:
    """Return the value of a JSON text: fractions as Decimal, whole numbers as int. Raises NotJson.

    Refused besides faults of syntax: a name given twice in one object, NaN, what cannot be stored or sent (NUL and half
    characters), numbers of thousands of digits, nesting without end.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotJson(f"内容有 {len(text):,} 个字符，超过上限 {MOST_CHARACTERS:,}")
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise NotJson(
            f"第 {error.lineno} 行第 {error.colno} 个字符处不是有效的 JSON：{_WHY.get(error.msg, '写法有误')}"
        ) from None
    except (ValueError, RecursionError):
        raise NotJson("数字过长或嵌套过深，无法读取") from None
    _sendable(value)
    return value


_WHY = {
    "Expecting property name enclosed in double quotes": "名称应写在英文双引号内（或多了一个逗号）",
    "Expecting value": "此处应有值",
    "Expecting ',' delimiter": "缺少英文逗号",
    "Expecting ':' delimiter": "缺少英文冒号",
    "Extra data": "后面还有多余的内容",
    "Unterminated string starting at": "文本没有结束的双引号",
    "Invalid control character at": "文本中有换行等控制字符，应写成 \\n",
    "Invalid \\escape": "反斜杠用法不对",
    "Illegal trailing comma before end of object": "最后多了一个逗号",
    "Illegal trailing comma before end of array": "最后多了一个逗号",
}


def _no_constant(word: str) -> Any:
    raise NotJson(f"{word} 不是可以传输的数字")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotJson(f"同一对象中“{twice[:40]}”出现了两次")
    return found


def _sendable(value: Any) -> None:
    """Raise NotJson on a text that the database or the wire cannot take."""
    if isinstance(value, str) and not clean(value):
        raise NotJson("含有无法传输的字符")
    if isinstance(value, Mapping):
        for name, item in value.items():
            _sendable(name)
            _sendable(item)
    elif isinstance(value, list):
        for item in value:
            _sendable(item)


def clean(text: str) -> bool:
    """Say whether a text can be stored and sent: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def dumps(value: Any, indent: int = 2) -> str:
    """Return JSON text of a value; a Decimal keeps its digits. With `indent` 0 on one line."""
    return _written(value, indent, "\n" if indent else "")


def _written(value: Any, indent: int, line: str) -> str:
    below = line + " " * indent if indent else ""
    comma = f",{below}" if indent else ", "
    if isinstance(value, Mapping):
        items = [
            f"{json.dumps(str(name), ensure_ascii=False)}: {_written(item, indent, below)}"
            for name, item in value.items()
        ]
        return f"{{{below}{comma.join(items)}{line}}}" if items else "{}"
    if isinstance(value, list | tuple):
        if all(isinstance(item, int) for item in value):  # the bytes of a file: one line, not one line each
            return json.dumps(list(value))
        return f"[{below}{comma.join(_written(item, indent, below) for item in value)}{line}]"
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < 1000 else json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)


def input_of(value: Any) -> Any:
    """Return the `input` of a pasted envelope, else the value itself."""
    if not isinstance(value, dict):
        return value
    inner = value.get("input")
    return inner if isinstance(inner, dict) and (len(value) == 1 or "infno" in value) else value
