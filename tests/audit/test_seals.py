"""The daily seal names the first row that was changed, taken away or added."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.audit import seals
from portal.audit.leaves import LEAVES_A_PART, pack, unpack
from portal.audit.models import AuditEvent, Pruned, Seal, SealCheck, SealLeaves
from portal.audit.sealing import rows_of
from portal.audit.seals import SealedSource, close_all, note_pruned, unsealed_days, yesterday
from portal.audit.verifying import Fault, verify
from portal.people.models import Institution
from portal.privacy.keys import parse
from tests.audit.tampering import event_on, tamper

pytestmark = pytest.mark.django_db
OTHER_KEY = "spare:aes:spare-material-spare-material"
FIRST = yesterday() - timedelta(days=2)


@pytest.fixture(autouse=True)
def _only_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "_sources", {"audit": seals._sources["audit"]})


@pytest.fixture
def events(institution: Institution) -> list[AuditEvent]:
    """Three events on each of the last three closed days, sealed."""
    made = [event_on(FIRST + timedelta(days=day), institution, n) for day in range(3) for n in (1, 2, 3)]
    assert [seal.count for seal in close_all()] == [3, 3, 3]
    return made


def first_fault() -> Fault:
    return verify().faults[0]


def test_untouched_agrees(events: list[AuditEvent]) -> None:
    report = verify()
    assert (report.days, report.rows, report.faults) == (3, 9, [])


def test_it_closes_every_day_until_yesterday_once(events: list[AuditEvent], institution: Institution) -> None:
    assert list(Seal.objects.order_by("day").values_list("day", flat=True)) == [
        FIRST + timedelta(days=n) for n in range(3)
    ]
    assert close_all() == []
    with pytest.raises(ValueError, match="not over"):
        seals.close_day(seals.sources()[0], yesterday() + timedelta(days=1))


def test_each_link_names_the_one_before(events: list[AuditEvent]) -> None:
    first, second, third = Seal.objects.order_by("day")
    assert (first.previous, second.previous, third.previous) == ("", first.root, second.root)


@pytest.mark.parametrize(
    "change",
    [
        "label = '改了'",
        "reason = 'x'",
        "action = 'tasks.cancel'",
        "subjects = '[\"a.b:1\"]'",
        "detail = '{\"a\": 1}'",
        "ip = '10.0.0.1'",
        "actor_name = '别人'",
        "institution_id = NULL",
        "origin = 'x'",
        "at = at + interval '1 second'",
    ],
)
def test_a_changed_column_is_named(events: list[AuditEvent], change: str) -> None:
    tamper(f"UPDATE audit_auditevent SET {change} WHERE id = %s", events[4].pk)
    fault = first_fault()
    assert (fault.kind, fault.key, fault.day) == ("changed", events[4].pk, str(FIRST + timedelta(days=1)))
    assert f"第 {events[4].pk} 号记录的内容与封存时不同" in fault.words


def test_a_deleted_row_is_named(events: list[AuditEvent]) -> None:
    tamper("DELETE FROM audit_auditevent WHERE id = %s", events[2].pk)
    assert (first_fault().kind, first_fault().key) == ("missing", events[2].pk)


def test_a_row_slipped_into_a_sealed_day_is_named(events: list[AuditEvent], institution: Institution) -> None:
    late = event_on(FIRST, institution, 9)
    assert (first_fault().kind, first_fault().key, first_fault().day) == ("added", late.pk, str(FIRST))


def test_a_row_moved_to_another_day_is_missed_and_found(events: list[AuditEvent]) -> None:
    tamper("UPDATE audit_auditevent SET at = at + interval '1 day' WHERE id = %s", events[0].pk)
    assert [(fault.kind, fault.key) for fault in verify().faults] == [
        ("missing", events[0].pk),
        ("added", events[0].pk),
    ]


def test_the_first_of_several_comes_first(events: list[AuditEvent]) -> None:
    tamper("UPDATE audit_auditevent SET label = 'x' WHERE id IN (%s, %s)", events[8].pk, events[1].pk)
    assert [fault.key for fault in verify().faults] == [events[1].pk, events[8].pk]


def test_changing_row_and_digest_together_needs_the_key(events: list[AuditEvent], settings: Any) -> None:
    """Somebody makes the whole day fit again, with a key of their own instead of ours."""
    tamper("UPDATE audit_auditevent SET label = 'x' WHERE id = %s", events[0].pk)
    parts = SealLeaves.objects.get(day=FIRST)
    fitting = settings.FIELD_KEYS
    settings.FIELD_KEYS = f"{parse(fitting)[0].id}:aes:another-material-another"
    sealer = seals.current_sealer()
    leaves = [(key, sealer.leaf(key, content)) for key, content in rows_of(FIRST)]
    root = seals.Root(sealer, *seals.head_of("audit", FIRST, "", sealer))
    for leaf in leaves:
        root.add(leaf)
    settings.FIELD_KEYS = fitting
    tamper("UPDATE audit_sealleaves SET leaves = %s WHERE id = %s", pack(leaves), parts.pk, table="audit_sealleaves")
    tamper("UPDATE audit_seal SET root = %s WHERE day = %s", root.hex(), FIRST, table="audit_seal")
    kinds = [fault.kind for fault in verify(FIRST, FIRST).faults]
    assert kinds[0] == "seal"
    assert "changed" in kinds


def test_a_deleted_seal_is_named(events: list[AuditEvent]) -> None:
    tamper("DELETE FROM audit_seal WHERE day = %s", FIRST + timedelta(days=1), table="audit_seal")
    fault = first_fault()
    assert (fault.kind, fault.day) == ("seal", str(FIRST + timedelta(days=1)))
    assert "缺少此日的封存记录" in fault.words


def test_a_deleted_first_seal_is_named(events: list[AuditEvent]) -> None:
    tamper("DELETE FROM audit_seal WHERE day = %s", FIRST, table="audit_seal")
    assert (first_fault().kind, first_fault().day) == ("seal", str(FIRST))


def test_a_day_that_was_never_sealed_is_named(institution: Institution) -> None:
    event_on(yesterday() - timedelta(days=3), institution)
    fault = first_fault()
    assert (fault.kind, fault.day) == ("unsealed", str(yesterday() - timedelta(days=3)))
    assert "seal close" in fault.words


def test_what_was_missed_is_closed_later(events: list[AuditEvent], institution: Institution, monkeypatch: Any) -> None:
    later = yesterday() + timedelta(days=4)
    monkeypatch.setattr(seals, "yesterday", lambda: later)
    assert [seal.day for seal in close_all()] == [yesterday() + timedelta(days=n) for n in (1, 2, 3, 4)]


class TestPruning:
    def test_what_was_pruned_lawfully_is_not_missed(self, events: list[AuditEvent]) -> None:
        assert note_pruned("audit", [events[1].pk, events[0].pk, events[5].pk], "保存期已满", 7) == 3
        tamper("DELETE FROM audit_auditevent WHERE id IN (%s, %s)", events[0].pk, events[5].pk)
        assert verify().faults == []
        tamper("DELETE FROM audit_auditevent WHERE id = %s", events[6].pk)
        assert (first_fault().kind, first_fault().key) == ("missing", events[6].pk)

    def test_a_note_made_by_hand_excuses_nothing(self, events: list[AuditEvent]) -> None:
        note_pruned("audit", [events[0].pk], "保存期已满")
        record = Pruned.objects.get()
        tamper("UPDATE audit_pruned SET keys = %s, last_key = %s", seals.pack_keys([events[0].pk, events[1].pk]),
               events[1].pk, table="audit_pruned")  # fmt: skip
        assert record.count == 1
        tamper("DELETE FROM audit_auditevent WHERE id = %s", events[0].pk)
        assert first_fault().kind == "missing"

    def test_what_is_pruned_while_verifying_is_not_missed(
        self, events: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def pruned_meanwhile(day: date) -> Iterator[tuple[int, bytes]]:
            if day == FIRST:
                note_pruned("audit", [events[1].pk], "保存期已满")
                tamper("DELETE FROM audit_auditevent WHERE id = %s", events[1].pk)
            yield from rows_of(day)

        monkeypatch.setattr(seals, "_sources", {"audit": SealedSource("audit", "审计记录", pruned_meanwhile)})
        assert verify().faults == []

    def test_it_needs_a_reason(self) -> None:
        with pytest.raises(ValueError, match="reason"):
            note_pruned("audit", [1], "  ")

    def test_many_keys_stay_small(self) -> None:
        assert note_pruned("x", range(1, 120_001), "保存期已满") == 120_000
        assert [record.count for record in Pruned.objects.order_by("id")] == [50_000, 50_000, 20_000]
        assert sum(len(record.keys) for record in Pruned.objects.all()) < 150_000


class TestKeys:
    def test_sm4_keys_seal_by_sm3(self, institution: Institution, settings: Any) -> None:
        settings.FIELD_KEYS = "g1:sm4:gm-material-gm-material-gm"
        event_on(yesterday(), institution)
        (seal,) = close_all()
        assert (seal.algorithm, seal.key_id, len(seal.root)) == ("sm3", "g1", 64)
        assert verify().faults == []

    def test_old_days_stay_verifiable_after_rotation(self, institution: Institution, settings: Any) -> None:
        event_on(yesterday() - timedelta(days=1), institution)
        close_all(yesterday() - timedelta(days=1))
        before = parse(settings.FIELD_KEYS)[0].id
        settings.FIELD_KEYS = f"{OTHER_KEY},{settings.FIELD_KEYS}"
        event_on(yesterday(), institution)
        close_all()
        assert [seal.key_id for seal in Seal.objects.order_by("day")] == [before, "spare"]
        assert verify().faults == []

    def test_a_key_that_is_gone_is_said(self, events: list[AuditEvent], settings: Any) -> None:
        before = parse(settings.FIELD_KEYS)[0].id
        settings.FIELD_KEYS = OTHER_KEY
        assert f"缺少密钥 {before}" in first_fault().words


def test_leaves_survive_packing() -> None:
    leaves = [(key, bytes([key % 256]) * 16) for key in (0, 1, 5, 1000, 2**40)]
    assert list(unpack(pack(leaves))) == leaves
    with pytest.raises(ValueError, match="ascend"):
        pack([(5, b"x" * 16), (5, b"y" * 16)])


def test_a_long_day_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """150,000 rows: more than seven parts, sealed and verified in a few MB."""
    number = 7 * LEAVES_A_PART + 10_000

    def rows(day: date) -> Iterator[tuple[int, bytes]]:
        return ((key, b"content") for key in range(1, number + 1))

    source = SealedSource("long", "长表", rows)
    monkeypatch.setattr(seals, "_sources", {"long": source})
    tracemalloc.start()
    close_all()
    report = verify()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (report.rows, report.faults) == (number, [])
    assert SealLeaves.objects.count() == 8
    assert peak < 12_000_000


class TestCommand:
    def test_close_and_verify(self, institution: Institution) -> None:
        event_on(yesterday(), institution)
        out = StringIO()
        call_command("seal", "close", stdout=out)
        call_command("seal", "verify", stdout=out)
        assert "封存 1 条" in out.getvalue()
        assert "核验一致：1 个封存日，1 条记录。" in out.getvalue()
        assert SealCheck.objects.get().good

    def test_a_fault_exits_with_1_and_its_words(self, events: list[AuditEvent]) -> None:
        tamper("DELETE FROM audit_auditevent WHERE id = %s", events[0].pk)
        with pytest.raises(CommandError, match=rf"缺少第 {events[0].pk} 号记录") as caught:
            call_command("seal", "verify", "--from", str(FIRST), stdout=StringIO())
        assert caught.value.returncode == 1
        assert SealCheck.objects.get().faults[0]["key"] == events[0].pk
        call_command("seal", "verify", "--from", str(yesterday()), stdout=StringIO())

    def test_a_typing_error_is_said(self) -> None:
        with pytest.raises(CommandError, match="2026-11-23"):
            call_command("seal", "verify", "--from", "昨天")


def test_nothing_is_due_after_closing(events: list[AuditEvent]) -> None:
    assert list(unsealed_days(seals.sources()[0])) == []
