"""Every page of this corner with some hundred items in a real browser: nothing refused, nothing beyond the screen."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from insurance.exchange.queries import connection_of
from insurance.mapping.choices import Certainty, MappingState
from insurance.mapping.models import Mapping
from insurance.mapping.review import services
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_items.factories import make_code
from tests.mapping_review.conftest import code_named, pair, suggest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Look = Callable[[str], Path]


def fill(institution: Institution, number: int = 300) -> None:
    """Items of all certainties, dearest first."""
    for place in range(1, number + 1):
        item, code = pair(institution, place, inpatients=place % 9, stock=Decimal(place * 10))
        kind = (Certainty.AMBIGUOUS, Certainty.CERTAIN, Certainty.CERTAIN, Certainty.LIKELY, Certainty.NONE)[place % 5]
        siblings = [
            make_code(
                "101", code_named(place + 1000 * step), name=code.name, spec=code.spec, dosform=code.dosform,
                pacspec=f"{12 * step}片/盒", maker=f"演示制药{(place + step) % 7}厂",
                aprvno=f"国药准字H9{step}{place:06}",
            )
            for step in (1, 2, 3)
        ] if kind in (Certainty.AMBIGUOUS, Certainty.LIKELY) else []  # fmt: skip
        if kind != Certainty.NONE:
            deciding = ["生产企业", "包装"] if kind == Certainty.AMBIGUOUS else []
            suggest(item, code, *siblings, certainty=kind, deciding=deciding)


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080)])
def test_every_page_is_fit_to_be_seen(
    page: Any,
    log_in: Callable[[Person], Any],
    live_server: Any,
    look: Look,
    member: Person,
    approver_person: Person,
    institution: Institution,
    width: int,
    height: int,
) -> None:
    connection_of(institution)
    fill(institution, 300 if width == 1366 else 40)
    page.set_viewport_size({"width": width, "height": height})
    log_in(member)

    def see(address: str, name: str) -> None:
        page.goto(f"{live_server.url}{address}")
        look(f"review-{name}-{width}")
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{address}: {over} px beyond the screen"

    see("/mapping/review/", "bench")
    see("/mapping/review/?tab=ambiguous", "ambiguous")
    see("/mapping/review/?tab=none", "none")
    see("/mapping/review/?q=演示药", "search")
    see("/mapping/review/certain/", "certain")
    items = [one.item for one in _suggestions("certain")]
    services.propose_certain(Actor.of(member, institution), items=items)
    log_in(approver_person)
    see("/mapping/approvals/", "approvals")
    rows = Mapping.objects.filter(state=MappingState.PROPOSED)
    approver = Actor.of(approver_person, institution)
    made = services.draw_round(approver, mappings=rows)
    see(made.get_absolute_url(), "round")
    for one in made.looks.all():
        services.look_at(approver, look=one)
    see(made.get_absolute_url(), "round-all" if made.looks.exists() else "round-small")
    services.approve_round(approver, round=made)
    see("/mapping/mappings/", "mappings")
    see("/mapping/mappings/?tab=queued", "mappings-queued")
    mapping = Mapping.objects.filter(state=MappingState.APPROVED).first()
    assert mapping is not None
    see(mapping.get_absolute_url(), "mapping")
    log_in(member)
    see(f"/mapping/review/?item={mapping.item_id}", "again")
    page.keyboard.press("?")
    expect(page.locator("[data-keys]")).to_be_visible()
    look(f"review-keys-{width}")


def _suggestions(certainty: str) -> Any:
    from insurance.mapping.models import Suggestion

    return Suggestion.objects.filter(certainty=certainty).select_related("item__institution")
