"""Addresses of the exchange's pages."""

from django.urls import include, path

from insurance.exchange.views import calls, connection, dictionaries, retention, submissions, worklists

app_name = "exchange"
urlpatterns = [
    path("todo/", worklists.TodoList.as_view(), name="todo"),
    path(
        "todo/resend/",
        submissions.Resend.as_view(list_page=worklists.TodoList, list_url="exchange:todo"),
        name="resend_todo",
    ),
    path(
        "todo/withdraw/",
        submissions.Withdraw.as_view(list_page=worklists.TodoList, list_url="exchange:todo"),
        name="withdraw_todo",
    ),
    path("todo/acknowledge/", worklists.Acknowledge.as_view(), name="acknowledge"),
    path("unknown/", worklists.UnknownList.as_view(), name="unknown"),
    path("submissions/", submissions.SubmissionList.as_view(), name="submissions"),
    path("submissions/resend/", submissions.Resend.as_view(), name="resend"),
    path("submissions/withdraw/", submissions.Withdraw.as_view(), name="withdraw"),
    path("submissions/decide/", submissions.Decide.as_view(), name="decide"),
    path("submissions/<int:pk>/", submissions.detail, name="submission"),
    path("calls/", calls.CallList.as_view(), name="calls"),
    path("calls/<int:pk>/", calls.detail, name="call"),
    path("calls/<int:pk>/plain/", calls.in_plain, name="call_uncover"),
    path("calls/<int:pk>/apply/", calls.apply_now, name="apply_now"),
    path("dictionaries/", dictionaries.index, name="dictionaries"),
    path("dictionaries/<str:code>/", dictionaries.detail, name="dictionary"),
    path("debug/", include("insurance.exchange.debugging.urls")),
    path("retention/", retention.page, name="retention"),
    path("retention/<slug:code>/", retention.change, name="retention_change"),
    path("connection/", connection.page, name="connection"),
    path("connection/change/", connection.change, name="connection_change"),
    path("connection/pause/", connection.pause, name="pause"),
    path("connection/resume/", connection.resume, name="resume"),
]
