"""Who would have a change of codes approved unseen, or keep alive what was called off."""

from __future__ import annotations

import pytest
from django.test import Client

from insurance.exchange.choices import SubmissionState
from insurance.exchange.models import Submission
from insurance.mapping.choices import EndingState, LineState, MappingState
from insurance.mapping.models import Ending, Mapping
from insurance.mapping.models.relations import OPEN_END
from insurance.mapping.review.services import cancel_mapping
from insurance.mapping.switching.errors import SwitchingError
from insurance.mapping.switching.services.assessing import assess
from insurance.mapping.switching.services.deciding import approve_switch, cancel_switch, draw_sample
from insurance.mapping.switching.services.preparing import choose_code, prepare_lines
from insurance.mapping.switching.services.rows import take_rows
from tests.mapping_items.factories import make_code
from tests.mapping_review.test_bench import intent
from tests.mapping_switching.conftest import Ward

pytestmark = pytest.mark.django_db


def test_what_is_prepared_behind_the_approvers_back_is_not_approved(ward: Ward, client: Client) -> None:
    """The same line with another code, or a line more, after the page was shown: nothing goes, no tick is kept."""
    ward.relation("XA")
    for code in ("XN1", "XN2"):
        make_code("101", code)
    switch = ward.switch(("XA", "XN1"), ("XA", "XN2"), known=False)
    line = choose_code(ward.office, line=switch.lines.get(), code="XN1")
    client.force_login(ward.other)
    address = f"/mapping/switches/{switch.pk}/approve/"
    key = intent(client.get(address).content)

    assert line.proposal is not None
    cancel_mapping(ward.office, mapping=line.proposal, reason="改选")
    assess(switch)
    line = choose_code(ward.office, line=switch.lines.get(), code="XN2")
    answer = client.post(address, {"intent": key, "line": line.pk})
    assert "在您看到之后有变化" in answer.content.decode()
    assert " checked" not in answer.content.decode()
    assert not Mapping.objects.filter(state=MappingState.APPROVED).exists()

    answer = client.post(address, {"intent": intent(answer.content), "line": line.pk})
    assert answer.status_code == 302
    assert Mapping.objects.get(state=MappingState.APPROVED).med_list_codg == "XN2"


def test_what_is_prepared_after_the_draw_is_drawn_too(ward: Ward) -> None:
    ward.relation("XA")
    ward.relation("XB")
    switch = ward.switch(("XA", "XN1"), ("XB", "XN2"))
    first, later = switch.lines.order_by("pk")
    prepare_lines(ward.office, switch=switch, lines=[first])
    assert draw_sample(ward.second, switch=switch) == [first]
    prepare_lines(ward.office, switch=switch, lines=[later])
    with pytest.raises(SwitchingError, match="还有 1 项没有核对"):
        approve_switch(ward.second, switch=switch, looked_at=[first.pk])


def test_what_a_corrected_table_contradicts_is_not_approved(ward: Ward) -> None:
    """A code that is another now, and an end where there is a successor now; the rest goes."""
    one, gone, sound = ward.relation("XA"), ward.relation("XE"), ward.relation("XS")
    switch = ward.switch(("XA", "XN1"), ("XE", ""), ("XS", "XN2"))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    for code in ("XN8", "XN9"):
        make_code("101", code)
    rows = [{"old_code": "XA", "new_code": "XN9"}, {"old_code": "XE", "new_code": "XN8"}]
    take_rows(ward.office, switch=switch, rows=rows)
    assess(switch)
    drawn = draw_sample(ward.second, switch=switch)
    assert [line.mapping for line in drawn] == [sound]
    decided = approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in drawn])
    assert (decided.mappings, decided.endings, len(decided.left_out)) == (1, 0, 2)
    assert {words.split("：")[0] for words in decided.left_out} == {str(one.item), str(gone.item)}
    states = dict(switch.lines.values_list("mapping", "state"))
    assert (states[one.pk], states[gone.pk]) == (LineState.PROPOSED, LineState.PROPOSED)


def test_a_switch_of_nothing_but_ends_is_called_off_with_them(ward: Ward) -> None:
    gone = ward.relation("XE")
    switch = ward.switch(("XE", ""))
    prepare_lines(ward.office, switch=switch, lines=switch.lines.all())
    approve_switch(ward.second, switch=switch, looked_at=[line.pk for line in draw_sample(ward.second, switch=switch)])
    cancel_switch(ward.office, switch=switch, reason="局方取消")
    gone.refresh_from_db()
    assert (gone.enddate, gone.state) == (OPEN_END, MappingState.IN_FORCE)
    assert Ending.objects.get().state == EndingState.CANCELLED
    assert not Submission.objects.exclude(state=SubmissionState.WITHDRAWN).exists()
