"""How long the ledger is kept: what may go goes and is noted for the seal, and the database itself keeps the rest."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.db import connection as database
from django.utils import timezone

from insurance.exchange import archiving, retention
from insurance.exchange.archiving import read_archive
from insurance.exchange.bodies import _cipher, forget_keys, month_of
from insurance.exchange.models import (
    Call,
    CallBody,
    CallEvent,
    CallRow,
    Connection,
    PruneOrder,
    PruneRun,
    RetentionRule,
    Submission,
)
from insurance.specification.books import open_book
from portal.approvals.services import approve, propose
from portal.audit.models import AuditEvent, Pruned
from portal.people.actor import Actor, NotAllowed
from portal.people.models import Institution, Person
from tests.exchange.conftest import connect

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(institution: Institution) -> Connection:  # type: ignore[override]
    forget_keys()
    retention.keep_rules()
    return connect(institution, "http://127.0.0.1:9")


def kept(connection: Connection, infno: str, days: int, number: int = 0) -> Call:
    """A call of so many days ago with both bodies and two events."""
    at = timezone.now() - dt.timedelta(days=days)
    call = Call.objects.create(
        institution=connection.institution, connection=connection, infno=infno, effect="query", state="accepted",
        msgid=f"M{infno}{days}-{number}", opter="portal", opter_name="医保平台", digest="0" * 64, http_status=200,
    )  # fmt: skip
    Call.objects.filter(pk=call.pk).update(prepared_at=at, applied_at=at)
    month = month_of(at)
    for part in ("request", "answer"):
        content, nonce = f"{infno} {part}".encode(), os.urandom(12)
        sealed = nonce + _cipher(month).encrypt(nonce, content, month.isoformat().encode())
        digest = hashlib.sha256(content).hexdigest()
        with database.cursor() as cursor:
            cursor.execute(
                "INSERT INTO exchange_callbody (call_id, part, month, at, sealed, digest, size)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [call.pk, part, month, at, sealed, digest, len(content)],
            )
            cursor.execute(
                "INSERT INTO exchange_callevent (call_id, at, kind, detail) VALUES (%s, %s, %s, '{}')",
                [call.pk, at, part],
            )
    return call


def bodies(call: Call) -> int:
    return CallBody.objects.filter(call=call).count()


def refused(statement: str, *values: Any) -> bool:
    """Say whether the database refuses it."""
    try:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(statement, values)
    except DatabaseError:
        return True
    return False


def test_every_transaction_has_a_class_and_money_is_protected() -> None:
    rules = {rule.code: rule for rule in retention.keep_rules()}
    members = [infno for rule in rules.values() for infno in rule.infnos]
    assert sorted(members) == sorted(open_book().index)
    own = {infno: rule for rule in rules.values() for infno in rule.infnos}
    for infno in ("2207", "2208", "2304", "2601", "2505", "3201", "3202", "3301", "5163", "3401", "4101", "3505"):
        assert own[infno].protected, infno
    for infno in ("1101", "5203", "1301", "9001", "9102", "2206"):
        assert not own[infno].protected, infno


def test_what_is_due_goes_and_everything_else_stays(connection: Connection) -> None:
    old, young, money = kept(connection, "1101", 91), kept(connection, "1101", 89), kept(connection, "2207", 3000)
    rule = RetentionRule.objects.get(code="query")
    assert retention.due_bodies(rule) == 2
    done = retention.prune()
    assert done["查询与签到报文"] == 2
    assert (bodies(old), bodies(young), bodies(money)) == (0, 2, 2)
    assert CallEvent.objects.filter(call=old).count() == 2, "the head and its steps stay longer"
    assert Pruned.objects.get(source=retention.BODIES).count == 2
    assert retention.prune()["查询与签到报文"] == 0
    assert PruneRun.objects.filter(rule=rule, part="body").count() == 2
    kept(connection, "1101", 91, number=2)  # as if the clock had gone on
    RetentionRule.objects.filter(pk=rule.pk).update(changed_at=timezone.now())
    assert retention.prune()["查询与签到报文"] == 2, "after a change everything is looked at again"


def test_heads_go_later_with_their_steps(connection: Connection) -> None:
    old, money = kept(connection, "5203", 731), kept(connection, "2207", 3000)
    keys = set(CallEvent.objects.filter(call=old).values_list("pk", flat=True))
    done = retention.prune()
    assert done["查询与签到记录"] == 2
    assert not Call.objects.filter(pk=old.pk).exists()
    assert Call.objects.filter(pk=money.pk).exists()
    assert CallEvent.objects.filter(call=money).count() == 2
    noted = Pruned.objects.get(source=retention.EVENTS)
    assert (noted.first_key, noted.last_key) == (min(keys), max(keys))


def test_the_database_refuses_every_other_way(connection: Connection) -> None:
    old, money = kept(connection, "1101", 91), kept(connection, "2207", 3000)
    assert refused("DELETE FROM exchange_callbody WHERE call_id = %s", old.pk)
    assert refused("DELETE FROM exchange_callevent WHERE call_id = %s", old.pk)
    # the key to the gate alone does not open it for what no rule lets go
    door = "SELECT set_config('exchange.pruning', 'query:', true);"
    assert refused(f"{door} DELETE FROM exchange_callbody WHERE call_id = {money.pk}")
    assert refused(f"{door} DELETE FROM exchange_callevent WHERE call_id = {old.pk}")
    assert refused(
        "SELECT set_config('exchange.pruning', 'settlement:', true);"
        f" DELETE FROM exchange_callbody WHERE call_id = {money.pk}"
    )
    assert refused("SELECT exchange_prune_bodies('settlement', '2000-01-01', now(), 10)")
    assert refused("UPDATE exchange_retentionrule SET protected = false, body_days = 90 WHERE code = 'settlement'")
    assert refused("UPDATE exchange_retentionrule SET body_days = 1 WHERE code = 'query'")
    assert refused("UPDATE exchange_callbody SET sealed = 'x' WHERE call_id = %s", old.pk)
    assert (bodies(old), bodies(money)) == (2, 2)


def test_days_are_set_by_who_may_with_a_reason(
    connection: Connection, person: Callable[..., Person], institution: Institution
) -> None:
    admin = Actor.of(person("admin", institution, "system_admin"), institution)
    rule = RetentionRule.objects.get(code="query")
    with pytest.raises(NotAllowed):
        retention.set_days(
            Actor.of(person("it", institution, "it"), institution), rule=rule, body_days=60, head_days=400, reason="x"
        )
    for days in ((10, 400), (60, 100), (500, 400)):
        with pytest.raises(retention.RetentionRefused):
            retention.set_days(admin, rule=rule, body_days=days[0], head_days=days[1], reason="x")
    with pytest.raises(retention.RetentionRefused):
        retention.set_days(
            admin, rule=RetentionRule.objects.get(code="settlement"), body_days=90, head_days=400, reason="x"
        )
    retention.set_days(admin, rule=rule, body_days=60, head_days=400, reason="磁盘不足")
    rule.refresh_from_db()
    assert (rule.body_days, rule.head_days, rule.changed_by) == (60, 400, admin.name)
    assert retention.keep_rules()[6].body_days == 60, "what was set stays"


def test_whole_months_are_dropped_when_nothing_in_them_is_kept(connection: Connection) -> None:
    def month(name: str, first: str, last: str) -> None:
        with database.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE exchange_callbody_{name} PARTITION OF exchange_callbody"
                f" FOR VALUES FROM ('{first}') TO ('{last}')"
            )

    month("202001", "2020-01-01", "2020-02-01")
    month("202002", "2020-02-01", "2020-03-01")
    today = timezone.localdate()
    gone = kept(connection, "1101", (today - dt.date(2020, 1, 10)).days)
    kept(connection, "1101", (today - dt.date(2020, 2, 10)).days)
    money = kept(connection, "2207", (today - dt.date(2020, 2, 11)).days)
    assert retention.drop_months() == ["exchange_callbody_202001"]
    assert (bodies(gone), bodies(money)) == (0, 2)
    assert Pruned.objects.get().count == 2


def test_protected_bodies_go_by_two_persons_after_an_archive(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    settings.FILES_DIR = tmp_path
    old, young = kept(connection, "2207", 800), kept(connection, "2207", 700)
    rule = RetentionRule.objects.get(code="settlement")
    admin = Actor.of(person("admin", institution, "system_admin"), institution)
    reviewer = Actor.of(person("reviewer", institution, "reviewer"), institution)
    with pytest.raises(retention.RetentionRefused, match="至少保存两年"):
        archiving.propose_prune(admin, rule=rule, before=timezone.localdate() - dt.timedelta(days=10), reason="磁盘")
    before = timezone.localdate() - dt.timedelta(days=750)
    with pytest.raises(NotAllowed):
        archiving.propose_prune(reviewer, rule=rule, before=before, reason="磁盘不足")
    asked = archiving.propose_prune(admin, rule=rule, before=before, reason="磁盘不足")
    assert dict(archiving.shown(asked))["报文"] == "2 份"
    with pytest.raises(NotAllowed):
        approve(admin, approval=asked)
    approve(reviewer, approval=asked, seen=asked.digest)
    order = PruneOrder.objects.get()
    keys = list(CallBody.objects.filter(call=old).values_list("pk", flat=True))
    young_keys = list(CallBody.objects.filter(call=young).values_list("pk", flat=True))
    assert refused("SELECT exchange_prune_archived(%s, %s)", order.pk, keys), "not archived"
    name, gone = archiving.run_order(order, lambda number, words: None)
    assert gone == 2
    assert (bodies(old), bodies(young)) == (0, 2)
    lines = list(read_archive(archiving.folder() / name))
    assert [line["content"] for line in lines] == [b"2207 request", b"2207 answer"]
    assert b"2207" not in (archiving.folder() / name).read_bytes()
    order.refresh_from_db()
    assert order.done_at is not None
    assert archiving.run_order(order, lambda number, words: None) == (name, 0), "a task that starts anew does nothing"
    assert refused("SELECT exchange_prune_archived(%s, %s)", order.pk, young_keys), "done once"


def ordered(institution: Institution, person: Callable[..., Person]) -> PruneOrder:
    """Two persons' order to drop settlements of more than 750 days ago."""
    found: PruneOrder = PruneOrder.objects.create(
        rule=RetentionRule.objects.get(code="settlement"), institution=institution, count=0, reason="磁盘不足",
        before=timezone.localdate() - dt.timedelta(days=750),
        proposed_by=person("one", institution, "system_admin"), approved_by=person("two", institution, "reviewer"),
    )  # fmt: skip
    return found


def carried(call: Call, state: str, **changes: Any) -> Submission:
    """A submission in `state` that `call` carried."""
    made: Submission = Submission.objects.create(
        institution=call.institution, connection=call.connection, purpose="department.add", subject_type="x",
        subject_id=str(call.pk), thread=f"x:{call.pk}", digest="0" * 64, state=state, last_call=call, **changes,
    )  # fmt: skip
    CallRow.objects.create(call=call, submission=made)
    return made


def test_what_is_still_being_decided_is_never_pruned(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    settings.FILES_DIR = tmp_path
    unapplied, flying = kept(connection, "1101", 800, 1), kept(connection, "1101", 800, 2)
    Call.objects.filter(pk=unapplied.pk).update(applied_at=None)
    Call.objects.filter(pk=flying.pk).update(applied_at=None, state="sent")
    gone = kept(connection, "1101", 800, 3)
    retention.prune()
    assert (bodies(unapplied), bodies(flying), bodies(gone)) == (2, 2, 0)
    assert Call.objects.filter(pk__in=[unapplied.pk, flying.pk, gone.pk]).count() == 2
    door = "SELECT set_config('exchange.pruning', 'query:', true);"
    assert refused(f"{door} DELETE FROM exchange_callbody WHERE call_id = {unapplied.pk}")
    unknown, unlike, done = (kept(connection, "2207", 800, number) for number in (4, 5, 6))
    submission = carried(unknown, "unknown")
    carried(unlike, "accepted", contradicted=True)
    carried(done, "accepted")
    order = ordered(institution, person)
    assert archiving.run_order(order, lambda number, words: None)[1] == 2
    assert (bodies(unknown), bodies(unlike), bodies(done)) == (2, 2, 0)
    assert submission.state == "unknown"
    Call.objects.update(applied_at=timezone.now(), state="accepted")
    assert retention.prune()["查询与签到报文"] == 4, "what had to wait goes when it is done"


def test_a_month_with_something_undecided_is_not_dropped(connection: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE exchange_callbody_202001 PARTITION OF exchange_callbody"
            " FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
        )
    call = kept(connection, "1101", (timezone.localdate() - dt.date(2020, 1, 10)).days)
    Call.objects.filter(pk=call.pk).update(applied_at=None)
    assert retention.drop_months() == []
    assert bodies(call) == 2


def test_two_that_carry_out_one_order_at_once_make_one_archive(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    """The task's lease ran out while it wrote, and another worker began anew; both end, and the archive is whole."""
    settings.FILES_DIR = tmp_path
    kept(connection, "2207", 800)
    order = ordered(institution, person)
    slow = PruneOrder.objects.get(pk=order.pk)
    name, gone = archiving.run_order(order, lambda number, words: None)
    assert gone == 2
    archiving._archive(slow, lambda number, words: None)
    assert (slow.archive, slow.done_at is not None) == (name, True)
    assert archiving.run_order(slow, lambda number, words: None) == (name, 0)
    assert [path.name for path in archiving.folder().iterdir()] == [name]
    assert len(list(read_archive(archiving.folder() / name))) == 2


def test_only_what_the_archive_holds_goes(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    """Between archive and deletion the class has grown by a transaction of a new edition."""
    settings.FILES_DIR = tmp_path
    old = kept(connection, "2207", 800)
    order = ordered(institution, person)
    archiving._archive(order, lambda number, words: None)
    later = kept(connection, "2207", 800, 1)
    assert archiving.run_order(order, lambda number, words: None)[1] == 2
    assert (bodies(old), bodies(later)) == (0, 2)


def test_the_command_reads_an_archive_and_is_audited(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    settings.FILES_DIR = tmp_path
    call = kept(connection, "2207", 800)
    order = ordered(institution, person)

    def said(*words: str) -> str:
        out = StringIO()
        call_command("archive", *words, stdout=out)
        return out.getvalue()

    assert "没有归档" in said("list")
    name, _ = archiving.run_order(order, lambda number, words: None)
    assert name in said("list")
    listed = said("show", name)
    assert call.msgid in listed
    assert "2207 request" not in listed
    assert not AuditEvent.objects.filter(action="exchange.archive_read").exists()
    shown = said("show", name, "--call", str(call.pk))
    assert "2207 request" in shown
    assert "2207 answer" in shown
    assert AuditEvent.objects.get(action="exchange.archive_read").label.endswith(call.msgid)
    assert "2207 answer" in said("show", str(archiving.folder() / name), "--msgid", call.msgid)
    for words in (["show"], ["show", "nothing"], ["show", name, "--call", "0"]):
        with pytest.raises(CommandError):
            said(*words)
    path = archiving.folder() / name
    path.write_text(path.read_text()[:-20])
    with pytest.raises(CommandError, match="摘要不符"):
        said("show", name)


def test_a_changed_archive_stops_the_deletion(
    connection: Connection, person: Callable[..., Person], institution: Institution, settings: Any, tmp_path: Any
) -> None:
    settings.FILES_DIR = tmp_path
    call = kept(connection, "2207", 800)
    one, two = person("one", institution, "system_admin"), person("two", institution, "reviewer")
    values = {"rule": RetentionRule.objects.get(code="settlement"), "institution": institution, "count": 2}
    before = timezone.localdate() - dt.timedelta(days=750)
    order = PruneOrder.objects.create(**values, before=before, proposed_by=one, approved_by=two, reason="磁盘不足")
    path, order.archive_digest, _ = archiving.write_archive(order, lambda number, words: None)
    order.archive, order.archived_at = path.name, timezone.now()
    order.save()
    path.write_text(path.read_text()[:-20])
    with pytest.raises(retention.RetentionRefused, match="归档文件"):
        archiving.run_order(order, lambda number, words: None)
    assert bodies(call) == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        PruneOrder.objects.create(**values, before=before, proposed_by=one, approved_by=one, reason="磁盘不足")


def test_the_kind_of_approval_is_known(institution: Institution, person: Callable[..., Person]) -> None:
    with pytest.raises(NotAllowed):
        propose(
            Actor.of(person("office", institution, "insurance_office"), institution),
            kind=archiving.KIND, label="x", reason="不能",
        )  # fmt: skip
