"""Addresses of 任务中心."""

from django.urls import path

from portal.tasks import bells, scheduling, views

app_name = "tasks"
urlpatterns = [
    path("", views.TaskList.as_view(), name="list"),
    path("schedules/", scheduling.schedules, name="schedules"),
    path("schedules/<int:pk>/", scheduling.schedule, name="schedule"),
    path("schedules/<int:pk>/run/", scheduling.run_now, name="run_now"),
    path("notices/", bells.index, name="notices"),
    path("notices/bell/", bells.bell, name="bell"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/live/", views.live, name="live"),
    path("<int:pk>/progress/", views.progress, name="progress"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/repeat/", views.repeat, name="repeat"),
]
