"""Addresses of the exchange's pages."""

from django.urls import path

from insurance.exchange.views import calls, connection, dictionaries, submissions

app_name = "exchange"
urlpatterns = [
    path("submissions/", submissions.SubmissionList.as_view(), name="submissions"),
    path("submissions/resend/", submissions.Resend.as_view(), name="resend"),
    path("submissions/withdraw/", submissions.Withdraw.as_view(), name="withdraw"),
    path("submissions/decide/", submissions.Decide.as_view(), name="decide"),
    path("submissions/<int:pk>/", submissions.detail, name="submission"),
    path("calls/", calls.CallList.as_view(), name="calls"),
    path("calls/<int:pk>/", calls.detail, name="call"),
    path("dictionaries/", dictionaries.index, name="dictionaries"),
    path("dictionaries/<str:code>/", dictionaries.detail, name="dictionary"),
    path("connection/", connection.page, name="connection"),
    path("connection/change/", connection.change, name="connection_change"),
    path("connection/pause/", connection.pause, name="pause"),
    path("connection/resume/", connection.resume, name="resume"),
]
