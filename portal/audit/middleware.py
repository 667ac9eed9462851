"""Gives each request its id and writes one log line when it is answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from portal.audit.context import Origin, accepted, within

log = logging.getLogger("portal.requests")

HEADER = "X-Request-ID"
# A monitor asks every few seconds and static files come in dozens: they would bury what people did.
SILENT = ("/static/", "/healthz", "/readyz")


class RequestMiddleware:
    """Takes X-Request-ID when it can be one, else makes one; the answer carries it. Stands before all others.

    The log line has method, path (no query: people search by names), status and milliseconds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        with within(Origin(accepted(request.headers.get(HEADER, "")), request)) as origin:
            response = self.get_response(request)
            response[HEADER] = origin.name
            if not request.path.startswith(SILENT):
                _note(request, response.status_code, (time.monotonic() - began) * 1000)
        return response


def _note(request: HttpRequest, status: int, milliseconds: float) -> None:
    path = request.path.encode("ascii", "backslashreplace").decode()[:300]
    said = {"method": request.method, "path": path, "status": status, "ms": round(milliseconds, 1)}
    level = logging.WARNING if status >= 500 else logging.INFO
    log.log(level, "%s %s %s %.0fms", request.method, path, status, milliseconds, extra=said)
