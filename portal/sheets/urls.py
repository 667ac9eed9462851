"""Addresses of the import wizard."""

from django.urls import path

from portal.sheets import export_views, mapping_views, views

app_name = "sheets"
urlpatterns = [
    path("", views.ImportList.as_view(), name="list"),
    path("exports/", export_views.ExportList.as_view(), name="exports"),
    path("exports/<int:pk>/", export_views.detail, name="export"),
    path("exports/<int:pk>/file/", export_views.download, name="export_file"),
    path("mappings/", mapping_views.MappingList.as_view(), name="mappings"),
    path("mappings/<int:pk>/", mapping_views.mapping, name="mapping"),
    path("mappings/<int:pk>/delete/", mapping_views.forget, name="forget_mapping"),
    path("<int:pk>/columns/", mapping_views.columns, name="columns"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/live/", views.live, name="live"),
    path("<int:pk>/errors.xlsx", views.errors, name="errors"),
    path("<int:pk>/confirm/", views.confirm, name="confirm"),
    path("<int:pk>/abandon/", views.abandon, name="abandon"),
    path("<str:code>/new/", views.new, name="new"),
    path("<str:code>/template.xlsx", views.template, name="template"),
]
