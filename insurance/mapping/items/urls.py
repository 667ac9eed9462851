"""Addresses of this corner."""

from __future__ import annotations

from django.urls import URLPattern, path

from insurance.mapping.items.views import batches, details, listing

urlpatterns: list[URLPattern] = [
    path("items/", listing.ItemList.as_view(), name="items"),
    path("items/import/", listing.importing, name="items_import"),
    path("items/new/", details.new, name="item_new"),
    path("items/no-code/", batches.NoCode.as_view(), name="items_no_code"),
    path("items/need-code/", batches.NeedCode.as_view(), name="items_need_code"),
    path("items/stop/", batches.Stop.as_view(), name="items_stop"),
    path("items/resume/", batches.Resume.as_view(), name="items_resume"),
    path("items/check/", batches.Check.as_view(), name="items_check"),
    path("items/<int:pk>/", details.detail, name="item"),
    path("items/<int:pk>/edit/", details.edit, name="item_edit"),
]
