from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "portal.system"
    label = "system"
    verbose_name = "系统"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the sweeps over persons run."""
        from portal.system import people_sweeps  # noqa: F401
