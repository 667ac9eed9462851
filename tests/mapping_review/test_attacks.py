"""What an attacker tries at the review: periods that grow, certainty that is none any more, signs no text has."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from insurance.exchange.models import Submission
from insurance.mapping.choices import EndingKind, EndingState, MappingState, Source
from insurance.mapping.errors import MappingError
from insurance.mapping.models import Comment, Ending, Mapping
from insurance.mapping.review import services
from insurance.mapping.review.facts import digest_of
from portal.lists.intent import issue
from portal.people.actor import Actor
from portal.people.models import Institution, Person
from tests.mapping_items.factories import make_code
from tests.mapping_review.conftest import Propose, code_named, pair, suggest
from tests.mapping_review.test_bench import intent

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


@pytest.fixture
def standing(connected: Institution, approver: Actor, proposed: Propose) -> Mapping:
    """A relation in force that the platform holds."""
    made = proposed(1, begndate=TODAY() - 5 * DAY)
    services.approve_mappings(approver, mappings=[made])
    Mapping.objects.filter(pk=made.pk).update(state=MappingState.IN_FORCE, told_at=timezone.now())
    return Mapping.objects.select_related("item").get(pk=made.pk)


def ended_by_platform(mapping: Mapping, proposer: Actor, last: dt.date) -> Ending:
    """An end as 以平台为准 asks for it."""
    return Ending.objects.create(
        institution=mapping.institution, mapping=mapping, kind=EndingKind.END, enddate=last, reason="与平台一致",
        quiet=True, proposed_by=proposer.person,
    )  # fmt: skip


def test_no_ending_makes_a_relation_reach_beyond_its_code(standing: Mapping, mapper: Actor, approver: Actor) -> None:
    """The platform's later end is approved only within the code's validity."""
    code_end = TODAY() + 30 * DAY
    make_code("101", standing.med_list_codg, enddate=code_end, ver="1301_20261201_1.0.0")
    Mapping.objects.filter(pk=standing.pk).update(enddate=TODAY() + 10 * DAY)
    late = ended_by_platform(standing, mapper, code_end + DAY)
    done = services.approve_endings(approver, endings=[late])
    assert (done.approved, "失效日期" in done.left_out[0][1]) == ([], True)
    Ending.objects.filter(pk=late.pk).update(enddate=code_end)
    assert services.approve_endings(approver, endings=[late]).approved
    standing.refresh_from_db()
    assert standing.enddate == code_end


def test_making_way_never_makes_the_old_one_longer(standing: Mapping, mapper: Actor, approver: Actor) -> None:
    """Ended earlier while its successor waited: it keeps the earlier end."""
    make_code("101", code_named(2))
    new = services.propose_mapping(
        mapper, item=standing.item, code=code_named(2), begndate=TODAY() + 20 * DAY, source=Source.SEARCHED
    )
    assert new.replaces == standing
    services.approve_endings(approver, endings=[ended_by_platform(standing, mapper, TODAY() + 3 * DAY)])
    Mapping.objects.filter(pk=standing.pk).update(state=MappingState.IN_FORCE)
    assert services.approve_mappings(approver, mappings=[new]).approved
    standing.refresh_from_db()
    assert standing.enddate == TODAY() + 3 * DAY
    assert not Ending.objects.filter(state=EndingState.APPROVED).exists()


def test_what_cannot_be_restored_is_told(standing: Mapping, mapper: Actor, approver: Actor) -> None:
    """Between the one taken back and its predecessor's old end stands a third one meanwhile."""
    for number in (2, 3):
        make_code("101", code_named(number))
    begin, last = TODAY() + 10 * DAY, TODAY() + 20 * DAY
    new = services.propose_mapping(
        mapper, item=standing.item, code=code_named(2), begndate=begin, enddate=last, source=Source.SEARCHED
    )
    services.approve_mappings(approver, mappings=[new])
    third = services.propose_mapping(
        mapper, item=standing.item, code=code_named(3), begndate=last + DAY, source=Source.SEARCHED
    )
    services.approve_mappings(approver, mappings=[third])
    Submission.objects.update(state="refused", words="编码不存在")
    with pytest.raises(MappingError, match="不能恢复"):
        services.cancel_mapping(mapper, mapping=new, reason="编码不对")
    new.refresh_from_db()
    assert new.state == MappingState.APPROVED


def test_all_that_is_shown_of_an_item_is_in_the_fingerprint(proposed: Propose) -> None:
    made = proposed(1)
    for name in ("prcunt", "item_cont", "exct_cont", "spec", "prodentp_name"):
        before = digest_of(made)
        setattr(made.item, name, "已改")
        assert digest_of(made) != before, name


def test_certain_no_more_is_not_taken_as_certain(client: Client, mapper_person: Person, connected: Institution) -> None:
    """Made another drug after the page was shown: the proposal does not pass as certain."""
    item, code = pair(connected, 1)
    suggest(item, code)
    client.force_login(mapper_person)
    key = intent(client.get("/mapping/review/").content)
    item.spec, item.fixmedins_hilist_name, item.aprvno = "5g", "演示另一药注射液", ""
    item.save()
    client.post(f"/mapping/review/{item.pk}/take/", {"code": code.code, "intent": key})
    assert not Mapping.objects.get(item=item).certain


@pytest.mark.parametrize(
    "path", ["?q=a%00b", "?q=%00", "?q=%27%3B+DROP+TABLE+x--", "?q=%25%5C_%7B%7D%24%24", "?q=" + "长" * 3000]
)
def test_odd_words_are_looked_for_and_nothing_breaks(
    client: Client, mapper_person: Person, connected: Institution, path: str
) -> None:
    suggest(*pair(connected, 1))
    client.force_login(mapper_person)
    assert client.get(f"/mapping/review/{path}").status_code == 200
    assert client.get(f"/catalogue/{path.replace('?q', '?words')}").status_code == 200


def test_odd_signs_in_forms_are_refused_in_words(client: Client, mapper_person: Person, connected: Institution) -> None:
    item, code = pair(connected, 1)
    client.force_login(mapper_person)
    base = f"/mapping/review/{item.pk}"
    for address, purpose, sent in (
        (f"{base}/take/", "mapping.take", {"code": f"\0{code.code}X"}),
        (f"{base}/take/", "mapping.take", {"code": code.code, "memo": "a\0"}),
        (f"{base}/take/", "mapping.take", {"code": code.code, "begndate": "99999-01-01"}),
        (f"{base}/no-code/", "mapping.take", {"reason": "自费\0"}),
        (f"{base}/note/", "", {"text": "看\0", "mapping": "1\0"}),
    ):
        key = issue(mapper_person, purpose).key if purpose else ""
        assert client.post(address, {"intent": key, **sent}).status_code in (302, 422), address
    assert not Mapping.objects.exists()
    assert "\0" not in "".join(Comment.objects.values_list("text", flat=True))


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE mapping_mapping SET approved_by_id = proposed_by_id", "mapping_two_persons"),
        ("UPDATE mapping_mapping SET approved_by_id = NULL", "mapping_stands_approved"),
        ("UPDATE mapping_mapping SET enddate = begndate - 1", "mapping_days_in_order"),
        (
            "INSERT INTO mapping_ending (institution_id, mapping_id, kind, reason, quiet, state, proposed_by_id,"
            " approved_by_id, proposed_at, words) SELECT institution_id, id, 'end', '', false, 'approved',"
            " proposed_by_id, proposed_by_id, now(), '' FROM mapping_mapping",
            "ending_two_persons",
        ),
    ],
)
def test_the_database_itself_keeps_the_rules(standing: Mapping, statement: str, rule: str) -> None:
    """Past every service, as the portal's own database user."""
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_keeps_periods_apart(standing: Mapping) -> None:
    with pytest.raises(IntegrityError, match="mapping_periods_apart"), transaction.atomic():
        Mapping.objects.create(
            institution=standing.institution, item=standing.item, list_type="101", med_list_codg=code_named(9),
            begndate=standing.enddate, enddate=standing.enddate, state=MappingState.ENDED,
            proposed_by=standing.proposed_by, approved_by=standing.approved_by,
        )  # fmt: skip
