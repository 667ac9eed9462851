from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TasksConfig(AppConfig):
    name = "portal.tasks"
    label = "tasks"
    verbose_name = "任务中心"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the sweeps, and the task kinds of every room (its `tasks.py`)."""
        from portal.tasks import batches, notices, sweeps  # noqa: F401

        autodiscover_modules("tasks")
