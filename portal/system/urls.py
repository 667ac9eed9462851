"""Addresses of 系统."""

from __future__ import annotations

from django.urls import URLPattern, path

from portal.system import alarm_pages, pages, people
from portal.system.people_lists import LoginList, PersonList

app_name = "system"
urlpatterns: list[URLPattern] = [
    path("people/", PersonList.as_view(), name="people"),
    path("people/new/", people.new, name="person_new"),
    path("people/join/", people.join, name="person_join"),
    path("people/<int:pk>/", people.detail, name="person"),
    path("people/<int:pk>/name/", people.rename, name="person_name"),
    path("people/<int:pk>/grant/", people.grant, name="person_grant"),
    path("people/<int:pk>/revoke/<int:membership>/", people.revoke, name="person_revoke"),
    path("people/<int:pk>/operator/<int:membership>/", people.operator, name="person_operator"),
    path("people/<int:pk>/password/", people.reset, name="person_reset"),
    path("people/<int:pk>/do/<slug:code>/", people.act, name="person_act"),
    path("alarms/", alarm_pages.AlarmList.as_view(), name="alarms"),
    path("alarms/<int:pk>/", alarm_pages.alarm, name="alarm"),
    path("alarms/routes/", alarm_pages.RouteList.as_view(), name="routes"),
    path("alarms/routes/new/", alarm_pages.route_new, name="route_new"),
    path("alarms/routes/<int:pk>/", alarm_pages.route, name="route"),
    path("alarms/routes/<int:pk>/switch/", alarm_pages.route_switch, name="route_switch"),
    path("alarms/routes/<int:pk>/test/", alarm_pages.route_test, name="route_test"),
    path("health/", pages.health, name="health"),
    path("protection/", pages.protection, name="protection"),
    path("logins/", LoginList.as_view(), name="logins"),
    path("logins/<int:pk>/end/", people.end_login, name="login_end"),
]
