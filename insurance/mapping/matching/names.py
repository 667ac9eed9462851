"""Names of drugs as pharmacies and catalogues write them: marks taken off, salt, form, model and container apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from insurance.mapping.matching.facts import Verdict
from insurance.mapping.matching.text import bigrams, dice, distance, plain, table

_LEAD = re.compile(r"^[^0-9a-z一-鿿(\[]+")
_CLASS = re.compile(r"^[▲△※★☆*#]*[甲乙丙自]?类?\d*(?:\.\d+)?%?$")
_OPEN_CLASS = re.compile(r"^\([甲乙丙自]\d*%?(?=[^)]*$|[^)]*\()")
_GROUP = re.compile(r"\(([^()]*)\)?|\[([^\[\]]*)\]?")
_MODEL = re.compile(r"^[a-z0-9.,+/%:-]+(?:型|号)?$")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


@dataclass(frozen=True, slots=True)
class Name:
    """One name: `whole` as it is compared, `base` the substance without salt and form, `full` with its salts.

    `form` and `family` are of data/forms.csv (empty when the name names none); `models` what tells kinds apart
    (I, 30r, c14-24); `container` what it is filled in (塑, 玻).
    """

    whole: str = ""
    full: str = ""
    base: str = ""
    salts: frozenset[str] = frozenset()
    form: str = ""
    family: str = ""
    models: frozenset[str] = frozenset()
    container: str = ""
    percent: float = 0.0


@cache
def _forms() -> dict[str, tuple[str, str]]:
    known = {plain(row["alias"]): (row["form"], row["family"]) for row in table("forms")}
    return {**{f"{alias}剂": form for alias, form in known.items() if not alias.endswith("剂")}, **known}


@cache
def _torn() -> dict[str, tuple[str, str]]:
    """Forms with one character lost in typing (射液, 胶剂), where that is no other form."""
    made: dict[str, set[tuple[str, str]]] = {}
    for alias, form in _forms().items():
        if len(alias) >= 3:
            for at in range(len(alias)):
                made.setdefault(alias[:at] + alias[at + 1 :], set()).add(form)
    return {alias: next(iter(forms)) for alias, forms in made.items() if len(forms) == 1 and alias not in _forms()}


@cache
def _marks(kind: str) -> frozenset[str]:
    return frozenset(plain(row["word"]) for row in table("markers") if row["kind"] == kind)


@cache
def _salts(place: str) -> tuple[str, ...]:
    return tuple(sorted((row["salt"] for row in table("salts") if row["place"] == place), key=len, reverse=True))


@lru_cache(maxsize=65536)
def form_of(text: str) -> tuple[str, str]:
    """Return the form and family that a form's cell names; ("", "") when none is known."""
    raw = plain(text)
    return _forms().get(raw) or _forms().get(re.sub(r"\(.*", "", raw)) or ("", "")


@lru_cache(maxsize=65536)
def parse(text: str) -> Name:
    """Read one name."""
    raw, hint = _without_marks(plain(text))
    models, container, rest = _groups(raw)
    percent = _PERCENT.search(rest)
    rest = _PERCENT.sub("", rest) if percent else rest
    full, form, family = _form(rest, hint)
    base, salts = _salt(full)
    parts = (full, form, *sorted(models), percent.group(1) if percent else "")
    return Name(
        "|".join(parts), full, base, salts, form, family, models, container, float(percent.group(1)) if percent else 0.0
    )


def _without_marks(raw: str) -> tuple[str, str]:
    """Take off list marks (甲, 乙10%, 国基 …) before and behind; return the rest and a form that a mark names."""
    hint = ""
    while True:
        before, raw = raw, _LEAD.sub("", raw)
        if raw.startswith("("):
            found = re.match(r"^\(([^()]*)\)", raw)
            inner = found.group(1) if found else ""
            if found and (_CLASS.match(inner) or _listed(inner)):
                raw = raw[found.end() :]
            elif found and inner in _marks("powder") | _marks("injection"):
                hint, raw = _forms()[inner][0], raw[found.end() :]
            elif not found:
                raw = _OPEN_CLASS.sub("", raw).lstrip("(")
        raw = re.sub(r"^\[([^\[\]]*)\]", lambda found: "" if _listed(found.group(1)) else found.group(0), raw)
        raw = raw[len(_leading(raw)) :]
        if raw == before:
            break
    raw = re.sub(r"\[([^\[\]]*)\]?", lambda found: "" if _listed(found.group(1)) else found.group(0), raw)
    loose = re.search(r"([一-鿿,]+)\]$", raw) if "[" not in raw else None
    if loose:
        word = max((mark for mark in _marks("list") if loose.group(1).endswith(mark)), key=len, default="")
        raw = raw[: -len(word) - 1]
    return raw, hint


def _leading(raw: str) -> str:
    """The mark that stands before a name without brackets (未确叶酸片); 抗菌 may as well begin the name itself."""
    return next(
        (mark for mark in _marks("list") if len(mark) > 1 and raw.startswith(mark) and raw[len(mark) + 2 :]), ""
    )


def _listed(inner: str) -> bool:
    return all(part in _marks("list") | _marks("inside") or _CLASS.match(part) for part in re.split(r"[,/;.]", inner))


def _groups(raw: str) -> tuple[frozenset[str], str, str]:
    """What stands in brackets, sorted into models and container, and the name without brackets."""
    models, container = set(), ""
    for found in _GROUP.finditer(raw):
        inner = found.group(1) or found.group(2) or ""
        if inner in _marks("container"):
            container = "玻" if "玻" in inner else "袋" if "袋" in inner or "软" in inner else "塑"
        elif _MODEL.match(inner):
            models.add(inner.rstrip("型号"))
    return frozenset(models), container, _GROUP.sub("", raw).strip(")]([,.-")


def _form(rest: str, hint: str) -> tuple[str, str, str]:
    """The name without its form, the form and its family."""
    powder = next((mark for mark in ("注射用", "注用") if rest.startswith(mark) and len(rest) > len(mark) + 1), "")
    rest = rest[len(powder) :]
    form, family, name = "", "", rest
    for size in range(min(7, len(rest) - 1), 0, -1):
        known = _forms().get(rest[-size:]) or (_torn().get(rest[-size:]) if size > 1 else None)
        if known:
            (form, family), name = known, rest[:-size]
            break
    if powder or hint == "注射用":
        form, family = "注射用", "注射"
    elif not form and hint:
        form, family = _forms()[plain(hint)]
    return name, form, family


def _salt(full: str) -> tuple[str, frozenset[str]]:
    """The substance without the salts before and behind it."""
    salts, base = set(), full
    front = next((salt for salt in _salts("front") if base.startswith(salt) and len(base) - len(salt) >= 2), "")
    if front:
        salts.add(front)
        base = base[len(front) :]
    back = next((salt for salt in _salts("back") if base.endswith(salt) and len(base) - len(salt) >= 3), "")
    if back and not base[: -len(back)].endswith("化"):
        salts.add(back)
        base = base[: -len(back)]
    return base, frozenset(salts)


def compare_forms(ours: Name, theirs: Name) -> Verdict:
    """Compare forms: NEAR within one family (口服液 and 口服溶液, 针 and 注射液), DIFFERS otherwise."""
    if not ours.form or not theirs.form:
        return Verdict.UNKNOWN
    if ours.form == theirs.form:
        return Verdict.EXACT
    if ours.family != theirs.family:
        return Verdict.DIFFERS
    if ours.family == "注射":
        if "针" in (ours.form, theirs.form):
            return Verdict.AGREES if "注射液" in (ours.form, theirs.form) else Verdict.NEAR
        return Verdict.DIFFERS
    return Verdict.NEAR


def compare_models(ours: Name, theirs: Name) -> Verdict:
    """Compare what tells kinds of one drug apart; UNKNOWN when a side names none."""
    if ours.models == theirs.models:
        return Verdict.EXACT if ours.models else Verdict.UNKNOWN
    if not ours.models or not theirs.models:
        return Verdict.UNKNOWN
    return Verdict.NEAR if ours.models & theirs.models else Verdict.DIFFERS


def compare_substances(ours: Name, theirs: Name) -> tuple[Verdict, float]:
    """Compare substances with their salts, and say how alike they are (0–1).

    EXACT the same, NEAR a salt named on one side only, ALIKE a character mistyped or lost, DIFFERS another drug.
    """
    if ours.percent and theirs.percent and abs(ours.percent - theirs.percent) > 1e-6:
        return Verdict.DIFFERS, 0.6 if ours.full == theirs.full else 0.4
    if ours.full == theirs.full:
        return Verdict.EXACT, 1.0
    if ours.base == theirs.base:
        return (
            (Verdict.NEAR, 0.9) if ours.salts <= theirs.salts or theirs.salts <= ours.salts else (Verdict.DIFFERS, 0.6)
        )
    mine, other = ours.full, theirs.full
    if not ours.form:
        other = min((other, other + theirs.form), key=lambda one: distance(mine, one))
    likeness = dice(bigrams(mine), bigrams(other))
    if likeness < 0.3:
        return Verdict.DIFFERS, 0.7 * likeness
    allowed = 0 if len(mine) < 3 else 1 if len(mine) < 9 else 2
    if distance(mine, other, allowed) <= allowed or distance(ours.base, theirs.base, allowed) <= (len(ours.base) > 3):
        return Verdict.ALIKE, 0.8
    return Verdict.DIFFERS, 0.7 * likeness


def with_form(name: Name, form: str) -> Name:
    """Return `name` with the form that its own cell names, where the name does not name one."""
    if name.form or not form:
        return name
    known, family = form_of(form)
    return replace(name, form=known, family=family) if known else name
