"""A batch too large for one request: kept whole when it is confirmed, carried out piece by piece, each piece once.

Who runs the pieces (a Task) stands above the lists and hands over its function by `set_batch_runner`. The intent of
the confirmation is used in the same transaction that keeps the work, so a double click keeps it once; a piece and the
position behind it are committed together, so a run that dies, is repeated or runs twice does no piece again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.lists.exporting import quiet_request
from portal.lists.intent import FIELD, Result
from portal.lists.models import BatchWork
from portal.people.actor import Actor

if TYPE_CHECKING:
    from portal.lists.batch import BatchPage

MOST_AT_ONCE = 500
PIECE = 200
SELECTION = ("csrfmiddlewaretoken", "row", "only", "all", "count", "query", "next", FIELD)
GONE = "已不存在，或不再属于您的机构"


@dataclass(frozen=True)
class Piece:
    """What became of one piece: how far the work is now, of how many, and the room's own words."""

    position: int
    total: int
    words: str = ""
    level: str = "success"


BatchRunner = Callable[[Actor, BatchWork, "BatchPage"], Result]
_runner: list[BatchRunner] = []


def set_batch_runner(function: BatchRunner) -> None:
    """Say who runs large batches; it answers the confirmation. The last one given counts."""
    _runner[:] = [function]


def batch_runner() -> BatchRunner | None:
    """Return who runs large batches, None where nobody does: then all is done in the request."""
    return _runner[0] if _runner else None


def keep_work(page: BatchPage, able: Sequence[Any], reasons: Sequence[tuple[Any, str]], back: str) -> BatchWork:
    """Keep a confirmed batch: the records to take, those left out already and why, and the form as it was sent."""
    actor = page.request.actor
    return BatchWork.objects.create(
        institution=actor.institution,
        person=page.request.user,
        page=page.path(),
        kwargs=page.kwargs,
        keys=[str(row.pk) for row in able],
        form=_form_of(page),
        back=back,
        left_out=[[str(row.pk), reason] for row, reason in reasons],
    )


def take_piece(work_id: int, actor: Actor, fence: Callable[[], None]) -> Piece | None:
    """Carry out the next piece, None when none is left. Raises NotAllowed and whatever the room's service raises.

    `fence` is called first inside of the transaction and raises when this run may no longer write.
    """
    with transaction.atomic():
        fence()
        work = BatchWork.objects.select_for_update().get(pk=work_id)
        keys = work.keys[work.position : work.position + PIECE]
        if not keys:
            return None
        result = _carry_out(work, keys, actor)
        work.position += len(keys)
        work.ended_at = timezone.now() if work.position >= len(work.keys) else None
        work.save(update_fields=["position", "taken", "left_out", "ended_at"])
    return Piece(work.position, len(work.keys), result.message, result.level)


def open_batch(work: BatchWork, actor: Actor) -> BatchPage:
    """Return the batch's page without a browser, for `actor`'s person. Raises NotAllowed, LookupError (no page)."""
    from portal.lists.batch import BatchPage

    try:
        kind = import_string(work.page)
    except ImportError:
        raise LookupError(f"no batch page {work.page!r}") from None
    if not (isinstance(kind, type) and issubclass(kind, BatchPage)):
        raise LookupError(f"no batch page {work.page!r}")
    actor.must(kind.action)
    page = kind()
    page.setup(quiet_request(actor, data=QueryDict(work.form)), **work.kwargs)
    return page


def reasons_of(work: BatchWork) -> list[tuple[str, int]]:
    """Return why records were left out, with how many, the most frequent first."""
    return Counter(reason for _, reason in work.left_out).most_common()


def _carry_out(work: BatchWork, keys: list[str], actor: Actor) -> Result:
    """Do the records of one piece as they are now; note those that can no longer be taken."""
    page = open_batch(work, actor)
    found = {str(row.pk): row for row in page.visible_rows().filter(pk__in=keys)}
    rows = [found[key] for key in keys if key in found]
    page.prepare(rows)
    reasons = [(str(row.pk), reason) for row in rows if (reason := page.refusal(row))]
    left = {key for key, _ in reasons}
    able = [row for row in rows if str(row.pk) not in left]
    work.left_out += [[key, GONE] for key in keys if key not in found] + [[key, reason] for key, reason in reasons]
    work.taken += len(able)
    return page.carry_out(actor, able, page.bound_form()) if able else Result("")


def _form_of(page: BatchPage) -> str:
    """Return the fields of the room's own form as they were sent; nothing of the selection."""
    sent = page.request.POST.copy()
    for name in SELECTION:
        sent.pop(name, None)
    return sent.urlencode() if page.form_class is not None else ""
