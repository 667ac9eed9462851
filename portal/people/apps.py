from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class PeopleConfig(AppConfig):
    name = "portal.people"
    label = "people"
    verbose_name = "人员与权限"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register every login, however it came about."""
        user_logged_in.connect(_begin, dispatch_uid="people.login")


def _begin(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    from portal.people import logins

    logins.begin(request, user)
