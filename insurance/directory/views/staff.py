"""医保医师护士药师 and 机构信息: what the platform says of persons and of the institution."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from insurance.directory.choices import PracticeKind, Verdict
from insurance.directory.filters import PractitionerFilter
from insurance.directory.models import PRACTITIONER_COLUMNS, ComparisonRow, InstitutionInfo, Practitioner
from insurance.directory.queries import with_comparison
from insurance.directory.services.mirroring import INFO_COLUMNS
from insurance.directory.showing import MASKS, label_of, shown
from insurance.directory.tables import PractitionerTable
from insurance.directory.views.asking import asked
from portal.lists.views import Empty, Link, ListPage, Tab
from portal.people.guard import ActorRequest, needs

PRESENT = Q(left_at=None)


def practitioners_of(request: ActorRequest) -> QuerySet[Practitioner]:
    """Return the licensed staff of the institution at hand that the person may see."""
    visible: QuerySet[Practitioner] = Practitioner.objects.visible_to(request.user)
    return with_comparison(visible.filter(institution=request.actor.institution))


class PractitionerList(ListPage):
    """Licensed staff as the platform knows them, by kind."""

    action = "directory.view"
    title = "医保医师护士药师"
    purpose = "医保平台登记在本院的医执人员（医执人员信息查询 5102）；平台不再返回的人员保留在「已离职」。"
    table_class = PractitionerTable
    filter_class = PractitionerFilter
    tabs = (
        *(
            Tab(kind.value, kind.label, Q(prac_psn_type=kind) & PRESENT, f"平台没有登记在本院的{kind.label}。")
            for kind in PracticeKind
        ),
        Tab("left", "已离职", ~PRESENT, "没有平台不再返回的人员。"),
        Tab("all", "全部"),
    )
    tools = (
        Link("导入本院名单", "directory:staff_import", "directory.import"),
        Link("与本院名单核对", "directory:compare_staff"),
    )
    empty = Empty("还没有向平台查询过。请点右上角「更新」。")
    order = ("pinyin", "prac_psn_code")
    export_action = "directory.export"
    template_name = "directory/practitioners.html"

    def rows(self) -> QuerySet[Any]:
        """Return the staff of the institution at hand."""
        return practitioners_of(self.request)

    def context(self) -> dict[str, Any]:
        """Add the last run."""
        return {**asked(self.request, "directory.practitioners"), "run_url": "directory:practitioners_run"}


@require_GET
@needs("directory.view")
def practitioner(request: ActorRequest, pk: int) -> HttpResponseBase:
    """One licensed person."""
    found = get_object_or_404(practitioners_of(request), pk=pk)
    row = ComparisonRow.objects.filter(practitioner=found).select_related("staff", "practitioner").first()
    context = {
        "person": found,
        "title": shown(found, "prac_psn_name"),
        "facts": [
            (label_of(Practitioner, name), shown(found, name), name if name in MASKS else "")
            for name in PRACTITIONER_COLUMNS
        ],
        "row": row,
        "differing": [label_of(Practitioner, name) for name in row.fields] if row else [],
        "different": row is not None and row.verdict == Verdict.DIFFERENT,
    }
    return render(request, "directory/practitioner.html", context)


@require_GET
@needs("directory.view")
def institution(request: ActorRequest) -> HttpResponseBase:
    """What the platform says of the institution, beside what the portal was set up with."""
    where = request.actor.institution
    info = InstitutionInfo.objects.visible_to(request.user).filter(institution=where).first()
    facts = [(label_of(InstitutionInfo, name), shown(info, name)) for name in INFO_COLUMNS] if info else []
    context = {
        "where": where,
        "info": info,
        "facts": facts,
        "renamed": info is not None and info.fixmedins_name != where.fixmedins_name,
        "run_url": "directory:institution_run",
        **asked(request, "directory.institution"),
    }
    return render(request, "directory/institution.html", context)
