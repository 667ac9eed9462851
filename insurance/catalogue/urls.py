"""Addresses of this room."""

from django.urls import URLPattern, path

from insurance.catalogue.views import changes, dictionaries, item, items, loads, terms

app_name = "catalogue"

urlpatterns: list[URLPattern] = [
    path("", items.CodeList.as_view(), name="items"),
    path("<int:pk>/", item.detail, name="item"),
    path("terms/", terms.TermList.as_view(), name="terms"),
    path("terms/<int:pk>/", terms.detail, name="term"),
    path("dictionaries/", dictionaries.DictionaryList.as_view(), name="dictionaries"),
    path("loads/", loads.overview, name="loads"),
    path("loads/refresh/", loads.refresh, name="refresh"),
    path("loads/history/", loads.LoadList.as_view(), name="history"),
    path("loads/<int:pk>/", loads.detail, name="load"),
    path("loads/<int:pk>/accept/", loads.accept, name="accept"),
    path("loads/<int:pk>/changes/", changes.ChangeList.as_view(), name="changes"),
]
