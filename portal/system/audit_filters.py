"""The query form of 审计."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from portal.audit.models import AuditEvent
from portal.audit.words import actions_like, known_actions, room_words
from portal.lists.filters import ChoiceFilter, DayRangeFilter, ListFilter, SearchFilter, narrow
from portal.people.models import Person

SUBJECT = re.compile(r"[a-z_]+\.[a-z_]+:[0-9A-Za-z-]+")
MOST_PERSONS = 200
ALL = "all"


def rooms() -> list[tuple[str, str]]:
    """Return the rooms that have actions, by word."""
    found = {code.partition(".")[0] for code in known_actions()}
    return sorted(((room, room_words(room)) for room in found), key=lambda pair: pair[1])


def actions() -> list[tuple[str, str]]:
    """Return the actions with their room, by word."""
    named = ((code, f"{room_words(code.partition('.')[0])}：{words}") for code, words in known_actions().items())
    return sorted(named, key=lambda pair: pair[1])


def institutions(request: Any) -> list[tuple[str, str]]:
    """Return the other institutions whose audit the person may read, and all of them."""
    places = [place for place in auditable(request.user) if place != request.actor.institution]
    return [(ALL, "全部机构"), *((str(place.pk), str(place)) for place in places)] if places else []


def auditable(person: Person) -> list[Any]:
    """Return the institutions whose audit somebody may read, by code."""
    return [place for place in person.institutions() if person.may("audit.view", place)]


class PersonFilter(django_filters.CharFilter):
    """By name or login name; a system account by its name."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Find the persons first, so that their index serves."""
        word = narrow(value or "")
        if not word:
            return qs
        found = Person.objects.filter(Q(name__icontains=word) | Q(username__icontains=word))
        keys = list(found.values_list("pk", flat=True)[:MOST_PERSONS])
        return qs.filter(Q(person__in=keys) | Q(person=None, actor_name=word))


class RoomFilter(django_filters.ChoiceFilter):
    """Every action of a room."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow by the code's first half."""
        return qs.filter(action__startswith=f"{value}.") if value else qs


class SubjectFilter(django_filters.CharFilter):
    """One record by its number in the audit (`directory.department:12`); other words look into the content."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow to what concerned the record."""
        word = narrow(value or "")
        if SUBJECT.fullmatch(word):
            return qs.filter(subjects__contains=[word])
        return qs.filter(label__icontains=word) if word else qs


class PlaceFilter(django_filters.ChoiceFilter):
    """The institution at hand unless another one, or all, is asked for."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow to one institution."""
        request: Any = self.parent.request
        if value == ALL:
            return qs
        return qs.filter(institution=value or request.actor.institution.pk)


class WordsFilter(SearchFilter):
    """Content and reason; a word of an action finds the action too."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow word by word."""
        words = narrow(value or "").split()
        codes = actions_like(words[0]) if len(words) == 1 else []
        found = super().filter(qs, value)
        return found | qs.filter(action__in=codes) if codes else found


class AddressFilter(django_filters.CharFilter):
    """A whole address; anything else finds nothing."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow to events from one computer."""
        word = narrow(value or "")
        if not word:
            return qs
        try:
            return qs.filter(ip=str(ipaddress.ip_address(word)))
        except ValueError:
            return qs.none()


class AuditFilter(ListFilter):
    """By words, person, room, action, day, record, institution, address, request."""

    ahead = 3
    words: Any = WordsFilter(fields=["label", "reason"], label="内容、原因")
    who: Any = PersonFilter(label="操作人")
    day: Any = DayRangeFilter(field_name="at", label="日期", times=True)
    room: Any = RoomFilter(label="模块", choices=rooms, empty_label="全部")
    action: Any = ChoiceFilter(label="操作", choices=actions)
    subject: Any = SubjectFilter(label="对象")
    ip: Any = AddressFilter(label="来源地址")
    origin: Any = SearchFilter(fields=["origin"], exact=("origin",), label="请求编号")
    institution: Any = PlaceFilter(label="机构", empty_label="当前机构")

    class Meta:
        """What it filters."""

        model = AuditEvent
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["institution"].extra["choices"] = institutions(self.request)
