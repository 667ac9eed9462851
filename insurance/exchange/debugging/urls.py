"""Addresses of 接口调试, below /exchange/debug/ and in the exchange's own namespace."""

from __future__ import annotations

from django.urls import path

from insurance.exchange.debugging.views import picking, sending, writing

urlpatterns = [
    path("", picking.index, name="debug"),
    path("sends/", picking.SendList.as_view(), name="debug_sends"),
    path("sends/<int:pk>/", sending.sent, name="debug_send"),
    path("sends/<int:pk>/live/", sending.live, name="debug_live"),
    path("sends/<int:pk>/file/", sending.file, name="debug_file"),
    path("rules/<str:infno>/", picking.rule, name="debug_rule"),
    path("new/<str:infno>/", writing.new, name="debug_new"),
    path("new/<str:infno>/import/", writing.bring, name="debug_import"),
    path("drafts/<int:pk>/", writing.draft, name="debug_draft"),
    path("drafts/<int:pk>/copy/", writing.copy, name="debug_copy"),
    path("drafts/<int:pk>/delete/", writing.delete, name="debug_delete"),
    path("drafts/<int:pk>/send/", sending.confirm, name="debug_confirm"),
    path("repeat/<int:pk>/", sending.repeat, name="debug_repeat"),
]
