"""How each catalogue stands: what is held, when and how it was last refreshed, what is wrong with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind, refreshed
from insurance.catalogue.models import (
    AreaItem,
    AreaRelation,
    Ceiling,
    DictionaryEntry,
    Item,
    Load,
    OwnShare,
)
from insurance.catalogue.tasks import REFRESH
from portal.people.models import Institution
from portal.tasks.models import Schedule, Task

ALL = "all"
NIGHT = "mapping.night"
TABLES = {"1312": AreaItem, "1316": AreaRelation, "1318": Ceiling, "1319": OwnShare, "1901": DictionaryEntry}
KEEP_SECONDS = 30


@dataclass(frozen=True)
class Line:
    """One catalogue: `newest` its newest download, `good` the newest that ended well, `task` what runs for it now."""

    kind: Kind
    rows: int
    newest: Load | None
    good: Load | None
    merged: Load | None
    task: Task | None
    trouble: str
    level: str

    @property
    def remarks(self) -> int:
        """How many sorts of problems the newest download has."""
        return len(self.newest.remarks) if self.newest else 0


def lines_of(institution: Institution, now: dt.datetime) -> list[Line]:
    """Return a line for each catalogue that can be refreshed, in the order of the night."""
    newest = _newest()
    good = _newest(LoadState.DONE, LoadState.NOTHING)
    merged = _newest(LoadState.DONE)
    rows = row_counts()
    tasks = open_tasks(institution)
    found = []
    for kind in refreshed():
        last, sound = newest.get(kind.infno), good.get(kind.infno)
        task = tasks.get(kind.infno) or tasks.get(ALL)
        trouble, level = _trouble(last, sound, now)
        found.append(
            Line(kind, rows.get(kind.infno, 0), last, sound, merged.get(kind.infno), task, trouble, level)
        )  # fmt: skip
    return found


def _newest(*states: LoadState) -> dict[str, Load]:
    rows = Load.objects.filter(state__in=states) if states else Load.objects.all()
    found = rows.order_by("infno", "-pk").distinct("infno").select_related("requested_by", "institution")
    return {load.infno: load for load in found}


def _trouble(last: Load | None, good: Load | None, now: dt.datetime) -> tuple[str, str]:
    """Return what is wrong with a catalogue in a few words and how bad it is, ("", "") when nothing is."""
    if good is None:
        failed = last is not None and last.state == LoadState.FAILED
        return ("从未下载成功", "danger") if failed else ("从未下载", "danger")
    if last is not None and last.state == LoadState.FAILED:
        return "最近一次更新未完成，仍是原来的版本", "warning"
    days = (now - (good.ended_at or good.started_at)).days
    if days > settings.CATALOGUE_OLD_DAYS:
        return f"{days} 天没有更新", "warning"
    return "", ""


def row_counts() -> dict[str, int]:
    """Return how many current rows each catalogue holds; kept for half a minute, as counting them takes some 50 ms."""
    return dict(cache.get_or_set(merged_key("rows"), _count_rows, KEEP_SECONDS) or {})


def merged_key(name: str) -> str:
    """Return under which name something counted over the catalogues is kept: another one after each merged load."""
    done = Load.objects.filter(state=LoadState.DONE).aggregate(number=Count("pk"), newest=Max("pk"))
    return f"catalogue.{name}.{done['number']}.{done['newest'] or 0}"


def _count_rows() -> dict[str, int]:
    items = Item.objects.filter(current=True).order_by().values_list("infno").annotate(number=Count("pk"))
    return {**dict(items), **{infno: table._default_manager.count() for infno, table in TABLES.items()}}


def open_tasks(institution: Institution) -> dict[str, Task]:
    """Return the refreshes of an institution that have not ended, by catalogue (ALL for all of them)."""
    tasks = Task.objects.filter(institution=institution, kind=REFRESH, ended_at=None).order_by("pk")
    return {str(task.params.get("infno", "")): task for task in tasks}


def running_task(institution: Institution, infno: str) -> Task | None:
    """Return the unfinished refresh of one catalogue (ALL: of all), None when there is none."""
    return open_tasks(institution).get(infno)


def next_night(institution: Institution) -> Schedule | None:
    """Return the schedule that refreshes everything by night, None while there is none."""
    found: Schedule | None = (
        Schedule.objects.filter(institution=institution, kind__in=[NIGHT, REFRESH], active=True)
        .order_by("next_run")
        .first()
    )
    return found


def askable(load: Load) -> bool:
    """Say whether a download was turned down only until a person has seen it, and is still the newest."""
    levels = {str(remark.get("level")) for remark in load.remarks if isinstance(remark, dict)}
    if load.state != LoadState.FAILED or "ask" not in levels or "error" in levels:
        return False
    return not Load.objects.filter(infno=load.infno, insu_admdvs=load.insu_admdvs, pk__gt=load.pk).exists()


def areas_kept(institution: Institution) -> list[str]:
    """Return the insured areas whose lists are kept, the institution's own first."""
    own = institution.admdvs
    return [own, *(area for area in settings.CATALOGUE_AREAS if area != own)]
