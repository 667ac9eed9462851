"""A class-based page behind a right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.utils.decorators import classonlymethod
from django.views import View

from portal.people.guard import ActorRequest, needs


class ActionView(View):
    """A view behind a right: `action` is `room.verb`; the request has an Actor."""

    action: ClassVar[str]
    request: ActorRequest

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the guarded view."""
        return needs(cls.action)(super().as_view(**initkwargs))

    @classmethod
    def path(cls) -> str:
        """Return the dotted path: the page's name in saved views, tasks and exports."""
        return f"{cls.__module__}.{cls.__qualname__}"
