"""Addresses of the people room."""

from django.urls import path

from portal.people import views

app_name = "people"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("password/", views.password, name="password"),
    path("institution/", views.switch, name="switch"),
]
