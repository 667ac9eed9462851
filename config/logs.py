"""How log lines look: to be read (`LOG_FORMAT=line`) or as JSON, both with the request or work they belong to.

Persons and institutions stand as numbers and codes, never by name; an exception's own words are not written (they may
quote a patient), its type and stack are.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from pythonjsonlogger.json import JsonFormatter

FORMATS = ("line", "json")
# What a record may carry besides its message; set by OriginFilter.
CARRIED = ("request", "person", "institution", "task", "calls")
EXTRA = ("method", "path", "status", "ms")


class OriginFilter(logging.Filter):
    """Gives each record the request's id, the person's number, the institution's code, the task, the calls."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Fill in what is known; nothing is asked of the database."""
        for name, value in carried().items():
            setattr(record, name, value)
        return True


def carried() -> dict[str, str]:
    """Return within what we are now; only what was read already."""
    from portal.audit.context import origin

    now = origin()
    actor: Any = getattr(now.request, "actor", None)
    return {
        "request": now.name,
        "person": str(actor.person.pk) if actor is not None and actor.person is not None else "",
        "institution": actor.institution.fixmedins_code if actor is not None else "",
        "task": str(now.task or ""),
        "calls": ",".join(str(number) for number in now.calls),
    }


class LineFormatter(logging.Formatter):
    """Time, level, logger, message, and behind it `[request=… person=…]` as far as known."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line (and a stack where there is one)."""
        known = [f"{name}={value}" for name in CARRIED if (value := getattr(record, name, ""))]
        text = f"{self.formatTime(record)} {record.levelname} {record.name} {record.getMessage()}"
        text += f" [{' '.join(known)}]" if known else ""
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text

    def formatException(self, ei: Any) -> str:
        """Return type and stack without the words."""
        return stack_of(ei)


class ObjectFormatter(JsonFormatter):
    """One JSON object a line: time (UTC), level, logger, message and what is known besides."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is not known."""
        return {name: value for name, value in log_data.items() if value not in ("", None)}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Take only fields we mean to log; whatever else hangs on a record may be personal."""
        from datetime import UTC, datetime

        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        log_data |= {name: getattr(record, name, "") for name in (*CARRIED, *EXTRA)}
        if record.exc_info:
            log_data["stack"] = self.formatException(record.exc_info)

    def formatException(self, ei: Any) -> str:
        """Return type and stack without the words."""
        return stack_of(ei)


def stack_of(info: Any) -> str:
    """Return an exception's type and where it came from, without what it says."""
    kind, _, trace = info
    return "".join([*traceback.format_tb(trace), kind.__name__ if kind else ""])


def logging_of(form: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING for `LOG_FORMAT` and `LOG_LEVEL`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"origin": {"()": "config.logs.OriginFilter"}},
        "formatters": {"line": {"()": "config.logs.LineFormatter"}, "json": {"()": "config.logs.ObjectFormatter"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form if form in FORMATS else "line",
                "filters": ["origin"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "rq.worker": {"level": "WARNING"},
        },
    }
