"""Every action that the code writes into the audit has words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from portal.audit.words import known_actions, register_words, words_of

WRITTEN = re.compile(
    r"""\b(?:record|_note|note_reading)\(\s*[^()"']*(?:\([^()]*\))?[^()"']*["']([a-z_]+\.[a-z_]+)["']"""
)


def written() -> dict[str, str]:
    """Return every action code that stands in a call of record, with the file it stands in."""
    found: dict[str, str] = {}
    for room in ("portal", "insurance"):
        for path in Path(settings.BASE_DIR, room).rglob("*.py"):
            for code in WRITTEN.findall(path.read_text(encoding="utf-8")):
                found[code] = str(path.relative_to(settings.BASE_DIR))
    return found


def test_no_action_shows_as_a_code() -> None:
    codes = written()
    assert len(codes) > 40
    missing = {code: path for code, path in codes.items() if code not in known_actions()}
    assert not missing


def test_an_action_nobody_named_shows_by_room_and_verb() -> None:
    assert words_of("directory.edit") == "科室与人员 · 修改"
    assert words_of("nothing.known") == "其他 · 其他操作"


def test_a_room_registers_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.audit import words

    monkeypatch.setattr(words, "_words", dict(words._words))
    register_words({"room.verb": "做某事"})
    assert words_of("room.verb") == "做某事"
