"""值对照."""

from django.apps import AppConfig


class ValuesConfig(AppConfig):
    """Makes the sets known that every hospital needs."""

    name = "portal.values"
    label = "values"
    verbose_name = "值对照"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register."""
        from portal.values import own

        own.register_own()
