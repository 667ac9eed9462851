"""Addresses of the people room; 系统 · 人员 stands in portal.system."""

from django.urls import path

from portal.people import account, drafting, locking, views

app_name = "people"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("login/code/", views.code, name="code"),
    path("logout/", views.log_out, name="logout"),
    path("lock/", locking.lock, name="lock"),
    path("unlock/", locking.unlock, name="unlock"),
    path("alive/", locking.alive, name="alive"),
    path("operator/", locking.operator, name="operator"),
    path("draft/", drafting.draft, name="draft"),
    path("institution/", views.switch, name="switch"),
    path("account/", account.account, name="account"),
    path("account/logins/<int:pk>/end/", account.end_login, name="end_login"),
    path("password/", account.password, name="password"),
    path("factor/", account.set_up_factor, name="factor"),
    path("factor/recovery/", account.renew_recovery, name="recovery"),
]
