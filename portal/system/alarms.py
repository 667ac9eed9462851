"""Alarms that leave the portal.

    raise_alarm(institution, "exchange.unapplied", "3 条答复写入失败", "danger")     # something happened
    clear_alarm(institution, "exchange.unapplied")                                 # and is over

    register_source(AlarmSource("exchange.stopped", "平台暂停", look, duty="exchange"))   # asked every half minute

An alarm is one row from its first time until it is cleared. Whoever is told hears of it once and again after its quiet
period, at once when it grows worse, and when it is over. `register_alarm` says how often it must happen within how long
(and how long it must stand) before anybody is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.people.models import Institution
from portal.privacy.masks import mask_text
from portal.privacy.traces import frames_of
from portal.system.choices import LEVELS, AlarmLevel
from portal.system.models import AlarmDelivery, AlarmEvent, AlarmRoute

log = logging.getLogger(__name__)

QUIET = timedelta(minutes=60)
# For whom an alarm is; a route names some of them or none (all).
DUTIES = {
    "exchange": "医保办（平台与上传）",
    "processes": "信息科（进程、数据库、磁盘）",
    "security": "安全管理（登录、权限）",
    "audit": "审计管理（封存、审计外送）",
}


@dataclass(frozen=True)
class AlarmKind:
    """How one code is told: its words, whose duty it is, and when somebody hears of it.

    `at_least` times `within` (counted in spans that begin with the first time), standing for `after`; again after
    `quiet`.
    """

    code: str
    label: str
    duty: str = "processes"
    at_least: int = 1
    within: timedelta = timedelta(minutes=10)
    after: timedelta = timedelta()
    quiet: timedelta = QUIET


@dataclass(frozen=True)
class AlarmSource:
    """Something to look at every half minute: `look` returns Chinese words and a level while it is wrong, else None.

    With `everywhere` it is asked for each institution, else once with None.
    """

    kind: AlarmKind
    look: Callable[[Institution | None], tuple[str, str] | None]
    everywhere: bool = True


_kinds: dict[str, AlarmKind] = {}
_sources: dict[str, AlarmSource] = {}
_providers: list[Callable[[], Iterable[AlarmSource]]] = []


def register_alarm(kind: AlarmKind) -> None:
    """Say how a code is told; without this one is told of it at once, as a matter of 信息科."""
    if kind.duty not in DUTIES:
        raise ValueError(f"unknown duty {kind.duty!r}")
    _kinds[kind.code] = kind


def register_source(source: AlarmSource) -> None:
    """Let the dispatcher watch something."""
    register_alarm(source.kind)
    _sources[source.kind.code] = source


def register_provider(provider: Callable[[], Iterable[AlarmSource]]) -> None:
    """Let sources be asked for when they are needed, where those who give them are not all loaded yet."""
    _providers.append(provider)


def named() -> frozenset[str]:
    """Return the codes that rooms have registered themselves."""
    return frozenset(_kinds)


def watched() -> list[AlarmSource]:
    """Return every source, those of the providers too."""
    for provider in _providers:
        for source in provider():
            if source.kind.code not in _sources:
                register_source(source)
    return list(_sources.values())


def alarm_kind(code: str) -> AlarmKind:
    """Return how a code is told."""
    if code not in _kinds:
        watched()
    return _kinds.get(code) or AlarmKind(code, code)


def alarm_words(code: str) -> str:
    """Return a code's name, 其他告警 for one that no installed room has."""
    kind = alarm_kind(code)
    return kind.label if kind.label != code else "其他告警"


def raise_alarm(institution: Institution | None, code: str, words: str, level: str = "warning") -> AlarmEvent:
    """Say that something is wrong: one more time of the alarm that stands, or a new one. Words are Chinese, masked.

    Writes only the database; what is to leave the portal leaves it by the dispatcher. Raises ValueError for a level.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}")
    return _note(institution, code, mask_text(words)[:500], level, again=True)


def clear_alarm(institution: Institution | None, code: str) -> AlarmEvent | None:
    """Say that it is over; who was told of it is told so. None when nothing stood."""
    with transaction.atomic():
        event = _open(institution, code)
        if event is None:
            return None
        event.cleared_at = timezone.now()
        event.save(update_fields=["cleared_at"])
        if event.notified_at is not None and event.notified_at >= event.raised_at:
            _tell(event, "cleared", event.notified_level)
    return event


def watch() -> None:
    """Look at every source once: what is wrong is raised and stays raised, what is well again is cleared."""
    places: list[Institution] = list(Institution.objects.order_by("pk"))
    for source in watched():
        for place in places if source.everywhere else [None]:
            _look(source, place)


def _look(source: AlarmSource, place: Institution | None) -> None:
    try:
        found = source.look(place)
    except Exception as error:
        # one source that fails must not keep the others from being looked at
        log.error("alarm source %s: %s", source.kind.code, frames_of(error))
        return
    if found is None:
        clear_alarm(place, source.kind.code)
    else:
        _note(place, source.kind.code, mask_text(found[0])[:500], found[1], again=False)


def _note(institution: Institution | None, code: str, words: str, level: str, *, again: bool) -> AlarmEvent:
    """Write the alarm. `again`: this is one more time; else it only goes on."""
    while True:
        try:
            with transaction.atomic():
                event = _open(institution, code)
                if event is None:
                    event = _new(institution, code, words, level)
                else:
                    _once_more(event, words, level, again)
                _tell_when_due(event)
                return event
        except IntegrityError:
            continue  # somebody else raised it first; now there is one


def _open(institution: Institution | None, code: str) -> AlarmEvent | None:
    found: AlarmEvent | None = (
        AlarmEvent.objects.select_for_update().filter(institution=institution, code=code, cleared_at=None).first()
    )
    return found


def _new(institution: Institution | None, code: str, words: str, level: str) -> AlarmEvent:
    now = timezone.now()
    event: AlarmEvent = AlarmEvent.objects.create(
        institution=institution, code=code, level=level, words=words, raised_at=now, last_at=now, window_at=now
    )
    return event


def _once_more(event: AlarmEvent, words: str, level: str, again: bool) -> None:
    now, kind = timezone.now(), alarm_kind(event.code)
    event.words, event.level, event.last_at = words, level, now
    if again:
        event.count += 1
        if now - event.window_at > kind.within:
            event.window_at, event.window_count = now, 0
        event.window_count += 1
    event.save(update_fields=["words", "level", "last_at", "count", "window_at", "window_count"])


def _tell_when_due(event: AlarmEvent) -> None:
    kind, now = alarm_kind(event.code), timezone.now()
    if event.window_count < kind.at_least or now - event.raised_at < kind.after:
        return
    told_at, told_level = _last_told(event)
    worse = told_at is not None and LEVELS.index(event.level) > LEVELS.index(told_level)
    if told_at is not None and now - told_at < kind.quiet and not worse:
        return
    event.notified_at, event.notified_level = now, event.level
    event.save(update_fields=["notified_at", "notified_level"])
    _tell(event, "raised", event.level)


def _last_told(event: AlarmEvent) -> tuple[datetime | None, str]:
    """Return when this code was last told here and how bad it was then, also of an alarm that is over (it flaps)."""
    told = AlarmEvent.objects.filter(institution=event.institution, code=event.code, notified_at__isnull=False)
    found = told.order_by("-raised_at").values_list("notified_at", "notified_level").first()
    return found or (None, AlarmLevel.INFO.value)


def _tell(event: AlarmEvent, what: str, level: str) -> None:
    """Queue one message for each route that takes this level and duty."""
    duty, now = alarm_kind(event.code).duty, timezone.now()
    routes = AlarmRoute.objects.filter(active=True, level__in=LEVELS[: LEVELS.index(level) + 1])
    if event.institution is not None:
        routes = routes.filter(institution=event.institution)
    AlarmDelivery.objects.bulk_create(
        AlarmDelivery(event=event, route=route, what=what, words=event.words, level=level, not_before=now)
        for route in routes
        if not route.duties or duty in route.duties
    )
