"""The shell around all rooms."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Hands over the shell's own menu lines and panels, and checks what the rooms hand over."""

    name = "portal.desk"
    label = "desk"
    verbose_name = "工作台"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register."""
        from portal.desk import checks, panels, system_menu

        checks.register_checks()
        panels.register_own()
        system_menu.register_system()
