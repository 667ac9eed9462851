"""Addresses of the people room."""

from django.urls import path

from portal.people import managing, views

app_name = "people"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("password/", views.password, name="password"),
    path("institution/", views.switch, name="switch"),
    path("people/", managing.index, name="list"),
    path("people/new/", managing.new, name="new"),
    path("people/<int:pk>/", managing.detail, name="detail"),
    path("people/<int:pk>/grant/", managing.grant, name="grant"),
    path("people/<int:pk>/revoke/<int:membership>/", managing.revoke, name="revoke"),
    path("people/<int:pk>/password/", managing.reset, name="reset"),
    path("people/<int:pk>/lock/", managing.lock, name="lock"),
    path("people/<int:pk>/unlock/", managing.unlock, name="unlock"),
]
