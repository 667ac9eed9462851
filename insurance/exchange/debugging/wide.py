"""Forms with thousands of inputs, for the views that say so; everywhere else Django's limit of 1,000 stands.

The body is read under Django's own limit of bytes and parsed here with a limit of names, before the CSRF check (which
reads the token from the same body). Only url-encoded forms are read so; one with files keeps Django's limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.utils.datastructures import MultiValueDict

V = TypeVar("V", bound=Callable[..., Any])
ENCODED = "application/x-www-form-urlencoded"
MOST_NAMES = 20_000


def wide_form(view: V) -> V:
    """Let a view's form have up to MOST_NAMES inputs."""
    view.wide_form = True  # type: ignore[attr-defined]
    return view


class WideFormMiddleware:
    """Reads the body of views marked by `wide_form`; stands before the CSRF check in MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Parse the form of a marked view. Raises TooManyFieldsSent, RequestDataTooBig (both answered with 400)."""
        if getattr(view, "wide_form", False) and request.method == "POST" and request.content_type == ENCODED:
            # what request.POST would be made from, and where Django itself keeps it
            request._post = parsed(request.body)  # type: ignore[attr-defined]
            request._files = MultiValueDict()  # type: ignore[attr-defined]


def parsed(body: bytes) -> QueryDict:
    """Return a form's fields. Raises TooManyFieldsSent beyond MOST_NAMES."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_NAMES)
    except ValueError as error:
        raise TooManyFieldsSent(f"more than {MOST_NAMES} fields") from error
    found = QueryDict(mutable=True)
    for name, value in pairs:
        found.appendlist(name, value)
    found._mutable = False
    return found
