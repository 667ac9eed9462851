"""From a posted page to the content of a draft."""

from __future__ import annotations

from collections.abc import Iterator

from insurance.exchange.debugging import files
from insurance.exchange.debugging.drafting import Content
from insurance.exchange.debugging.jsontext import MOST_CHARACTERS
from insurance.exchange.debugging.posting import PREFIX, Posted, as_typed
from insurance.exchange.files import FileError
from insurance.specification.model import Transaction
from portal.people.guard import ActorRequest

ROW_ACTS = ("add", "copy", "drop")
FILE = "f:"


def read_content(request: ActorRequest, what: Transaction, base: Content, act: str) -> tuple[Content, str]:
    """Return what the page says after `act`, and the place to look at ("" where nothing moved).

    The page sends either `json` or the form's inputs; files sent along are kept beside the draft's (`base`). Raises
    BadAct, FileError.
    """
    given = request.POST
    insuplc = given.get("insuplc_admdvs", "").strip()[:6]
    if "json" in given:
        # one character too many stays, so that the check says that it is too long
        return Content(None, as_typed(given["json"][: MOST_CHARACTERS + 1]), insuplc, base.files), ""
    kept, marks = _kept(request, base)
    posted = Posted(what.input, [*_pairs(request), *marks])
    place = posted.act(act) if act.split(":")[0] in ROW_ACTS else ""
    return Content(posted.state, "", insuplc, kept), place


def _pairs(request: ActorRequest) -> Iterator[tuple[str, str]]:
    for name, values in request.POST.lists():
        if name.startswith(PREFIX):
            yield name, str(values[-1])


def _kept(request: ActorRequest, base: Content) -> tuple[dict[str, files.KeptFile], list[tuple[str, str]]]:
    """Return the files of the draft with those sent now, and the inputs that name them."""
    kept, marks = dict(base.files), []
    for name, file in request.FILES.items():
        if not name.startswith(FILE) or isinstance(file, list):
            continue
        size = file.size or 0
        if size > files.MOST_BYTES:
            raise FileError(f"文件 {size / 1048576:.1f} MB，超过上限 {files.MOST_BYTES // 1048576} MB，没有保存")
        kept, mark = files.keep(kept, file.name or "", file.read())
        marks.append((PREFIX + name.removeprefix(FILE), mark))
    return kept, marks
