from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "portal.tasks"
    label = "tasks"
    verbose_name = "任务中心"
    default_auto_field = "django.db.models.BigAutoField"
