"""Paged catalogues (1304 1312 1316 1318 1319): fetched page by page into rest, judged whole, merged at once.

Pages rest as StagedPage beside the walk in `Load.place`, so that a load goes on behind the last page that came,
also when it is another load that goes on because the platform was away in between.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from insurance.catalogue.choices import LoadState
from insurance.catalogue.kinds import Kind
from insurance.catalogue.loading import areas, ethnic
from insurance.catalogue.loading.pages import FIRST_DAY, PagesMoved, PagesUnsound, Stale, Walk, each_page, plain_row
from insurance.catalogue.loading.problems import Problems, Rejected
from insurance.catalogue.models import Item, Load, StagedPage
from insurance.exchange.asking import one_line
from portal.tasks.run import Run

PURPOSES = {
    "1304": "catalogue.ethnic",
    "1312": "catalogue.area_items",
    "1316": "catalogue.area_relations",
    "1318": "catalogue.ceilings",
    "1319": "catalogue.own_shares",
}
# How often a list that moves while it is read, or looks older than what is held, is read again from its first page.
AGAIN = 2
# Pages that a failed load left are gone on with for so long; later the list may be another.
KEEP_HOURS = 6


def load(run: Run, load: Load, kind: Kind) -> None:
    """Fetch, judge and merge one paged catalogue for every insured area it is kept for.

    Raises PagesUnsound, Rejected, PlatformError; then nothing changed.
    """
    take_over(load)
    while True:
        try:
            _fetch(run, load, kind)
            _merge(run, load, kind)
            return
        except (PagesMoved, Stale) as error:
            again = int(load.place.get("again", 0)) + 1
            if again > AGAIN:
                _discard(load)
                raise
            _discard(load, again=again)
            run.log(f"{kind}：{error}已从第一页重新读取。", "warning")
        except (PagesUnsound, Rejected):
            _discard(load)
            raise


def areas_of(load: Load, kind: Kind) -> list[str]:
    """Return the insured areas of a load: its own, else the setting's, else the institution's; [""] for 1304."""
    if kind.infno not in areas.MODELS:
        return [""]
    return [load.insu_admdvs] if load.insu_admdvs else settings.CATALOGUE_AREAS or [load.institution.admdvs]


def take_over(load: Load) -> None:
    """Take the pages over that an earlier load left when the platform failed it; too old ones are thrown away."""
    since = timezone.now() - dt.timedelta(hours=KEEP_HOURS)
    left = Load.objects.filter(infno=load.infno, state=LoadState.FAILED, staged__isnull=False).exclude(pk=load.pk)
    StagedPage.objects.filter(load__in=left.exclude(ended_at__gte=since)).delete()
    if load.place.get("walks"):
        return
    same = left.filter(insu_admdvs=load.insu_admdvs, institution=load.institution, ended_at__gte=since)
    before = same.distinct().order_by("-pk").first()
    if before is None or bool(before.place.get("full")) != bool(load.place.get("full")):
        return
    with transaction.atomic():
        before.staged.update(load=load)
        load.place = {**before.place, **{name: load.place.get(name) for name in ("full", "accept")}}
        load.ver_from = before.ver_from
        load.save(update_fields=["place", "ver_from"])


def _discard(load: Load, **place: Any) -> None:
    """Throw the pages away; what the load was asked for stays."""
    load.staged.all().delete()
    load.place = {name: load.place.get(name) for name in ("full", "accept")} | place
    load.save(update_fields=["place"])


def _fetch(run: Run, load: Load, kind: Kind) -> None:
    with one_line(run.actor):
        for area in areas_of(load, kind):
            _walk(run, load, kind, area)


def _walk(run: Run, load: Load, kind: Kind, area: str) -> None:
    """Fetch the pages of one area that did not come yet; each is kept together with how far the walk came."""
    walk = Walk.from_json(load.place.get("walks", {}).get(area))
    since = _since(load, kind, area)
    named = f"{kind}{f'（{area}）' if area else ''}"
    filters = {"insu_admdvs": area} if area else {}
    if walk.number and not walk.ended:
        run.log(f"{named}：接着第 {walk.number} 页继续。")
    for page in each_page(run.actor, PURPOSES[kind.infno], filters, since, walk=walk):
        with transaction.atomic():
            StagedPage.objects.create(load=load, area=area, number=page.number, rows=[plain_row(r) for r in page.rows])
            load.place = {**load.place, "walks": {**load.place.get("walks", {}), area: walk.as_json()}}
            load.rows_read += len(page.rows)
            load.save(update_fields=["place", "rows_read"])
        run.progress(walk.rows, walk.total or 0, f"{named}：第 {page.number} 页")


def _since(load: Load, kind: Kind, area: str) -> dt.date:
    """Return from which day on rows are asked for: some days before the newest held; noted, to be the same later."""
    noted = load.place.get("since", {})
    if area not in noted:
        newest = None if load.place.get("full") else _newest(kind, area)
        day = FIRST_DAY
        if newest is not None:
            day = min(timezone.localdate(newest), timezone.localdate())
            day -= dt.timedelta(days=settings.CATALOGUE_OVERLAP_DAYS)
            load.ver_from = f"{timezone.localtime(newest):%Y-%m-%d %H:%M:%S}"
        noted = {**noted, area: day.isoformat()}
        load.place = {**load.place, "since": noted}
        load.save(update_fields=["place", "ver_from"])
    return dt.date.fromisoformat(noted[area])


def _newest(kind: Kind, area: str) -> dt.datetime | None:
    newest = Max("updt_time")
    model = areas.MODELS.get(kind.infno)
    if model is None:
        told = Item.objects.filter(infno=kind.infno, current=True).aggregate(newest=newest)
    else:
        told = model._default_manager.filter(insu_admdvs=area).aggregate(newest=newest)
    found: dt.datetime | None = told["newest"]
    return found


def _merge(run: Run, load: Load, kind: Kind) -> None:
    """Judge all pages and take them, in one transaction. Raises Rejected, Stale; then nothing was taken."""
    run.progress(load.rows_read, load.rows_read, f"{kind}：核对并入库")
    problems = Problems()
    since = {area: dt.date.fromisoformat(day) for area, day in load.place.get("since", {}).items()}
    merge = areas.merge if kind.infno in areas.MODELS else ethnic.merge
    with transaction.atomic():
        run.fence()
        merge(load, kind, since, problems, firm=bool(load.place.get("again")))
        load.staged.all().delete()
