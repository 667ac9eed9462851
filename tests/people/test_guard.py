"""Who may open what; what the refused are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter

from portal.people.actor import Actor, NotAllowed
from portal.people.guard import needs
from portal.people.middleware import ActorMiddleware
from portal.people.models import Membership
from portal.people.roles import ROLES, describe
from portal.people.scope import ScopedQuerySet
from portal.tasks.models import Task
from tests.people.factories import make_actor, make_institution, make_person

pytestmark = pytest.mark.django_db


@needs("people.manage")
def page(request: object) -> HttpResponse:
    return HttpResponse("打开了")


def ask(person: object, **headers: str) -> HttpResponse:
    request = RequestFactory().get("/some/page/?a=1", headers=headers)
    request.user = person
    return ActorMiddleware(page)(request)


def test_three_persons_before_one_door() -> None:
    """The one who may, the one who may not, the stranger."""
    place = make_institution()
    assert ask(make_person("system_admin", place)).content.decode() == "打开了"
    colleague = ask(make_person("cashier", place))
    assert colleague.status_code == 403
    stranger = ask(make_person(None))
    assert stranger.status_code == 403
    assert "没有在任何机构任职" in stranger.content.decode()


def test_not_logged_in_goes_to_the_login_page_and_back(client) -> None:
    response = client.get("/tasks/?state=done")
    assert response.url == f"{reverse('people:login')}?next=%2Ftasks%2F%3Fstate%3Ddone"
    piece = client.get(
        "/tasks/1/live/", headers={"HX-Request": "true", "HX-Current-URL": "https://evil.example/tasks/1/?x=y"}
    )
    assert piece["HX-Redirect"] == f"{reverse('people:login')}?next=%2Ftasks%2F1%2F%3Fx%3Dy"


def test_the_refused_learn_the_right_the_role_and_whom_to_ask() -> None:
    place = make_institution()
    giver = make_person("security_admin", place, name="王安全")
    shown = ask(make_person("cashier", place)).content.decode()
    assert "「人员 · 管理」" in shown
    assert "系统管理员" in shown
    assert giver.name in shown
    assert str(place) in shown


def test_a_piece_of_a_page_is_refused_as_a_piece() -> None:
    response = ask(make_person("cashier"), **{"HX-Request": "true"})
    assert response.status_code == 403
    assert "<html" not in response.content.decode()


def test_somebody_switched_off_may_nothing() -> None:
    person = make_person("it")
    person.is_active = False
    assert ask(person).status_code == 403


def test_a_services_refusal_becomes_the_same_page(client) -> None:
    middleware = ActorMiddleware(lambda request: HttpResponse())
    request = RequestFactory().get("/")
    request.user, request.actor = make_person("cashier"), make_actor("cashier")
    response = middleware.process_exception(request, NotAllowed("directory.submit"))
    assert response.status_code == 403
    assert "「科室与人员 · 上传」" in response.content.decode()
    assert "不能停用自己" in middleware.process_exception(request, NotAllowed("不能停用自己的账号。")).content.decode()
    assert middleware.process_exception(request, ValueError()) is None


OPEN_PAGES = {"people:login", "people:logout", "desk:healthz", "desk:readyz", "people:alive"}
OWN_PAGES = {"people:password", "people:account", "people:operator"}


def every_address() -> list[tuple[str, str]]:
    """Return (name, address) of every page of every room, with invented arguments."""
    found = []
    for space, (_, resolver) in get_resolver().namespace_dict.items():
        for pattern in pages_of(resolver):
            converters = pattern.pattern.converters.items()
            guesses = {name: 1 if isinstance(each, IntConverter) else "x" for name, each in converters}
            found.append((f"{space}:{pattern.name}", reverse(f"{space}:{pattern.name}", kwargs=guesses)))
    return found


def pages_of(resolver: URLResolver) -> Iterator[URLPattern]:
    """Yield the pages of a room, those of its corners too."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from pages_of(one)
        else:
            yield one


def test_no_page_opens_without_login_but_the_few(client) -> None:
    """Whatever a room adds, somebody who has not logged in is sent to the login page."""
    open_to_all = set()
    for name, address in every_address():
        for answer in (client.get(address, follow=True), client.post(address, follow=True)):
            sent_away = answer.redirect_chain and answer.redirect_chain[-1][0].startswith(reverse("people:login"))
            if not sent_away and answer.status_code not in (404, 405):
                open_to_all.add(name)
    assert open_to_all <= OPEN_PAGES


def test_no_page_opens_to_a_stranger_but_the_few(client) -> None:
    """Somebody who can log in but works nowhere sees nothing of the rooms."""
    client.force_login(make_person(None))
    open_to_all = set()
    for name, address in every_address():
        if client.get(address).status_code not in (302, 403, 404, 405):
            open_to_all.add(name)
    assert open_to_all <= OPEN_PAGES | OWN_PAGES


def test_every_right_of_a_role_has_words() -> None:
    for role in ROLES.values():
        for action in role.actions:
            if not action.endswith(".*"):
                assert "." not in describe(action), action


def test_an_actor_has_the_operator_number_of_this_institution() -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    person = make_person("it", here)
    Membership.objects.create(person=person, institution=here, role="cashier", opter="0012", opter_name="甲某")
    Membership.objects.create(person=person, institution=there, role="cashier", opter="9999")
    person.forget()
    actor = Actor.of(person, here)
    assert (actor.opter, actor.opter_name) == ("0012", "甲某")
    assert Actor.of(person, there).opter == "9999"


def test_rights_are_per_institution() -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    person = make_person("system_admin", here)
    assert person.may("people.manage", here)
    assert not person.may("people.manage", there)
    assert not person.may("people.manage", None)


def test_a_request_reads_memberships_once(django_assert_num_queries) -> None:
    person = make_person("system_admin")
    person = type(person).objects.get(pk=person.pk)
    with django_assert_num_queries(1):
        assert ask(person).status_code == 200


def test_visible_to_narrows_to_ones_institutions() -> None:
    here, there = make_institution(), make_institution("H99990000002", "另一院")
    for place in (here, there):
        Task.objects.create(institution=place, kind="x.y", label="x")
    rows: ScopedQuerySet[Task] = Task.objects.all()
    assert [task.institution for task in rows.visible_to(make_person(institution=here))] == [here]
    assert rows.visible_to(make_person(None)).count() == 0
    from django.contrib.auth.models import AnonymousUser

    assert rows.visible_to(AnonymousUser()).count() == 0


def test_what_somebody_has_seen_is_gone_from_the_browser_after_logging_out(client) -> None:
    """A counter's PC is shared: the back button must ask the server again."""
    client.force_login(make_person())
    assert "no-store" in client.get("/")["Cache-Control"]
    assert "no-store" in client.get("/directory/practitioners/")["Cache-Control"]


def test_an_address_for_forms_that_is_opened_says_so(client) -> None:
    client.force_login(make_person())
    answer = client.get("/institution/")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "不能直接打开或刷新" in answer.content.decode()


def test_a_stranger_can_log_out(client) -> None:
    client.force_login(make_person(None))
    assert f'action="{reverse("people:logout")}"' in client.get("/").content.decode()


def test_a_form_sent_after_the_login_ended_leads_back_to_it_and_says_so(client) -> None:
    answer = client.post("/directory/new/", {}, headers={"Referer": "http://testserver/directory/new/"})
    assert answer.url == f"{reverse('people:login')}?next=%2Fdirectory%2Fnew%2F"
    assert "刚才的操作没有执行" in client.get(answer.url).content.decode()
    foreign = client.post("/directory/new/", {}, headers={"Referer": "https://evil.example/directory/new/"})
    assert foreign.url == f"{reverse('people:login')}?next=%2F"


@pytest.mark.parametrize("form", [{"institution": "9" * 5000}, {"institution": "x"}])
def test_an_institution_that_is_none_is_not_found(client, form: dict[str, str]) -> None:
    client.force_login(make_person())
    assert client.post("/institution/", form).status_code == 404


def test_where_to_go_on_to_is_an_address(client) -> None:
    person = make_person()
    client.force_login(person)
    here = person.all_memberships[0].institution_id
    assert client.post("/institution/", {"institution": here, "next": "a\0b"}).url == "/"
    assert client.post("/institution/", {"institution": here, "next": "tasks"}).url == "/"


def test_persons_are_searched_for_with_any_text(client) -> None:
    client.force_login(make_person("system_admin"))
    assert client.get(reverse("system:people"), {"words": "a\0b"}).status_code == 200
