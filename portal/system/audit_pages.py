"""审计: what everybody decided, read by the audit officers; each reading is itself written down."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from portal.audit.histories import history_url, names_of
from portal.audit.models import AuditEvent
from portal.audit.reading import note_reading
from portal.audit.words import detail_words, room_words, words_of
from portal.lists.columns import CodeColumn, TextColumn, TimeColumn
from portal.lists.ledger import LedgerPage
from portal.lists.tables import ListTable
from portal.lists.views import Empty
from portal.people.guard import ActorRequest, needs
from portal.people.roles import ROLES
from portal.privacy.masks import mask_name
from portal.system.audit_filters import AuditFilter, auditable
from portal.tasks.registry import kinds

VIEW = "audit.view"
MOST_SUBJECTS = 100


class ActionWords(TextColumn):
    """An action in words, with its room in the title."""

    def words(self, value: Any, record: Any) -> str:
        """Return the words; the code never shows."""
        return words_of(str(value))

    def title(self, value: Any, record: Any) -> str:
        """Return room and words."""
        return f"{room_words(str(value).partition('.')[0])}：{words_of(str(value))}"

    def value(self, value: Any, record: Any) -> Any:
        """Return the words for a spreadsheet."""
        return words_of(str(value))


class AuditTable(ListTable):
    """One event a row."""

    at = TimeColumn(verbose_name="时间", opens=True)
    actor_name = TextColumn(verbose_name="操作人", width="w-s")
    action = ActionWords(verbose_name="操作", width="w-m")
    label = TextColumn(verbose_name="内容", width="w-xl")
    reason = TextColumn(verbose_name="原因", width="w-l")
    subject_count = TextColumn(verbose_name="对象", accessor="subject_words", width="w-m", orderable=False)
    ip = CodeColumn(verbose_name="来源地址")
    number = CodeColumn(verbose_name="流水号", accessor="pk")


class AuditList(LedgerPage):
    """Every event of the institution at hand, newest first."""

    action = VIEW
    title, purpose = "审计", "谁在什么时候做了什么、为什么。只增不改，每天封存；查看和导出也会记入审计。"
    table_class, filter_class = AuditTable, AuditFilter
    time_field = "at"
    export_action = "audit.export"
    empty = Empty("没有符合条件的审计记录。")
    template_name = "audit/list.html"

    def rows(self) -> QuerySet[Any]:
        """Return the events of every institution whose audit the person may read; the query form picks one."""
        places = [place.pk for place in auditable(self.request.user)]
        found: QuerySet[Any] = AuditEvent.objects.filter(Q(institution__in=places))
        return found

    def decorate(self, records: list[Any]) -> None:
        """Name what the events concerned: one query per kind of record."""
        firsts = [event.subjects[0] for event in records if event.subjects]
        names = names_of(str(subject) for subject in firsts)
        for event in records:
            first = str(event.subjects[0]) if event.subjects else ""
            more = f" 等 {len(event.subjects)} 项" if len(event.subjects) > 1 else ""
            event.subject_words = f"{names[first][0]}{more}" if first in names else more.strip()

    def get(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list and note that it was read."""
        response = super().get(request, *args, **kwargs)
        if response.status_code == 200:
            note_reading(request.actor, "audit.read", f"查看审计：{self.asked}")
        return response

    def post(self, request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer 导出 and note that it was asked for."""
        response = super().post(request, *args, **kwargs)
        if "export" in request.POST:
            note_reading(request.actor, "audit.export", f"导出审计：{self.asked}")
        return response

    @property
    def asked(self) -> str:
        """What was asked for, in the words of the form; what somebody typed is masked, it may be a patient's name."""
        typed = str(self.filter.form["words"].label)
        said = (words.partition("：") for words in self.query_words)
        return (
            "，".join(f"{label}：{mask_name(value) if label == typed else value}" for label, _, value in said) or "全部"
        )


@require_safe
@needs(VIEW)
def event(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Show one event with everything it holds."""
    places = [place.pk for place in auditable(request.user)]
    rows = AuditEvent.objects.filter(institution__in=places).select_related("person", "institution")
    found = get_object_or_404(rows, pk=pk)
    note_reading(request.actor, "audit.open", f"查看审计明细 {found.pk}", (f"audit.auditevent:{found.pk}",))
    context = {
        "event": found,
        "action": words_of(found.action),
        "room": room_words(found.action.partition(".")[0]),
        "subjects": shown_subjects(found),
        "details": [(detail_words(key), shown(key, value)) for key, value in found.detail.items() if detail_words(key)],
        "others": {key: value for key, value in found.detail.items() if not detail_words(key)},
    }
    return render(request, "audit/event.html", context)


def shown(key: str, value: Any) -> Any:
    """Return a detail's value in words where it is a code: roles and kinds of tasks."""
    if key == "role" and value in ROLES:
        return ROLES[value].label
    if key == "kind":
        return next((kind.label for kind in kinds() if kind.code == value), value)
    return value


def shown_subjects(found: AuditEvent) -> list[dict[str, str]]:
    """Return what an event concerned: name, address of its history, and its number."""
    subjects = [str(subject) for subject in found.subjects[:MOST_SUBJECTS]]
    names = names_of(subjects)
    return [
        {
            "subject": subject,
            "name": names.get(subject, ("", ""))[0] or "（已不存在或无名称）",
            "url": history_url(subject),
        }
        for subject in subjects
    ]
