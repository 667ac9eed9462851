"""Makes Django run the checks of the settings (config/checks.py)."""

from __future__ import annotations

from django.apps import AppConfig


class SettingsConfig(AppConfig):
    """No models: only the checks that run before every command and at `manage.py check`."""

    name = "config"
    verbose_name = "设置"

    def ready(self) -> None:
        """Register the checks."""
        from config import checks

        checks.register_all()
