"""The connection as pages see it: fetched without the secret, with the state of its queues and drains."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from insurance.exchange.breaker import is_shut_out
from insurance.exchange.choices import OPEN_STATES, DeliveryClass, SubmissionState
from insurance.exchange.connections import book_of
from insurance.exchange.models import Connection, Drain, Session, Submission
from insurance.exchange.queries import connection_of
from insurance.specification.books import Book, open_book
from portal.audit.queries import history
from portal.people.actor import Actor
from portal.people.guard import ActorRequest
from portal.people.models import Institution

SHOWN_OF_CONNECTION = (
    "answers_as_sandbox", "paused", "paused_reason", "failures", "broken_until", "broken_words", "shut_out",
    "shut_out_infnos",
)  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """One delivery class: how many stand where, and who delivers."""

    label: str
    numbers: Sequence[tuple[str, int, str]]
    holder: str
    alive: bool
    seen_at: dt.datetime | None


def link_of(actor: Actor) -> tuple[Connection | None, Book]:
    """Return the institution's connection, None when it has none yet, and the specification it speaks."""
    try:
        connection = connection_of(actor.institution)
    except Connection.DoesNotExist:
        return None, open_book(settings.PLATFORM_EDITION, settings.PLATFORM_EDITION_DIR)
    return connection, book_of(connection)


def link_in(request: ActorRequest) -> tuple[Connection | None, Book]:
    """Return `link_of` for a request, looked up once."""
    kept: tuple[Connection | None, Book] | None = getattr(request, "_exchange_link", None)
    if kept is None:
        kept = request._exchange_link = link_of(request.actor)  # type: ignore[attr-defined]
    return kept


def stopped_words(connection: Connection) -> str:
    """Return why nothing is sent now, "" when sending goes on."""
    if connection.paused:
        return f"已暂停上传：{connection.paused_reason}" if connection.paused_reason else "已暂停上传"
    if connection.broken_until and connection.broken_until > timezone.now():
        again = clock(connection.broken_until)
        if is_shut_out(connection):
            return f"{connection.broken_words}。排队的不会作废，{again} 自动再试一条"
        return f"平台连续 {connection.failures} 次不通，{again} 自动再试：{connection.broken_words}"
    return ""


def clock(moment: dt.datetime) -> str:
    """Return a time as people say it: 16:08 today, else 11-22 16:08."""
    local = timezone.localtime(moment)
    return local.strftime("%H:%M" if local.date() == timezone.localdate() else "%m-%d %H:%M")


def light_connection(institution: Institution) -> Connection | None:
    """Return what bands and alarms need of the connection, in one query and without its secret."""
    return Connection.objects.filter(institution=institution).only(*SHOWN_OF_CONNECTION).first()


def queues_of(connection: Connection) -> list[Queue]:
    """Return both delivery classes of a connection, in two queries."""
    counted = {
        (row["delivery"], row["state"]): row["number"]
        for row in Submission.objects.filter(connection=connection, state__in=list(OPEN_STATES))
        .values("delivery", "state")
        .annotate(number=Count("pk"))
        .order_by()
    }
    drains = {drain.delivery: drain for drain in Drain.objects.filter(connection=connection)}
    return [_queue(kind, counted, drains.get(kind)) for kind in DeliveryClass.values]


def _queue(kind: str, counted: dict[tuple[str, str], int], drain: Drain | None) -> Queue:
    numbers = [
        (SubmissionState(state).label, counted.get((kind, state), 0), SubmissionState(state).colour)
        for state in OPEN_STATES
    ]
    alive = bool(drain and drain.lease_until and drain.lease_until > timezone.now())
    return Queue(
        str(DeliveryClass(kind).label), numbers, drain.holder if drain else "", alive, drain.seen_at if drain else None
    )


def sessions_today(connection: Connection) -> list[Session]:
    """Return today's sign-ins (9001), by operator."""
    return list(Session.objects.filter(connection=connection, day=timezone.localdate()).order_by("opter"))


def paused_since(connection: Connection) -> tuple[dt.datetime, str] | None:
    """Return when and by whom sending was paused, None when the audit does not tell."""
    event = history(connection).filter(action="exchange.pause").first()
    return (event.at, event.actor_name) if event else None


def without_password(proxy: str) -> str:
    """Return a proxy's address without the password that may stand in it."""
    return re.sub(r"(//[^:/@]+):[^@]*@", r"\1:****@", proxy)


def deadlines() -> list[tuple[str, str]]:
    """Return the limits of delivery in words; they are settings of the installation, not of the connection."""
    return [
        ("连接", f"{settings.CONNECT_SECONDS:g} 秒"),
        ("查询总时限", f"{settings.DEADLINE_QUERY:g} 秒"),
        ("上传总时限", f"{settings.DEADLINE_SUBMIT:g} 秒"),
        ("文件总时限", f"{settings.DEADLINE_FILE:g} 秒"),
        ("同时发送", f"{settings.DELIVERY_THREADS} 条"),
        ("每批最多", f"{settings.BATCH_ROWS} 行（规范另有规定的从其规定）"),
        ("结果待查", f"每 {settings.VERIFY_EVERY:g} 秒查一次，满 {settings.VERIFY_MIN_AGE:g} 秒才认定平台没有"),
        ("熔断", f"连续 {settings.BREAKER_FAILURES} 次不通后停 {settings.BREAKER_SECONDS:g} 秒再试"),
    ]
