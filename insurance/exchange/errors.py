"""What can become of a message, as exceptions for those who wait for its answer."""

from __future__ import annotations


class PlatformError(Exception):
    """Base: `words` is what a person should read."""

    def __init__(self, words: str, call_id: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.call_id = call_id


class Refused(PlatformError):
    """The platform said no (infcode not 0, or a clear 401/403/404 of the gateway)."""


class Unknown(PlatformError):
    """The message may have arrived; nobody knows what became of it."""


class Undelivered(PlatformError):
    """Nothing left this machine, so nothing happened at the platform."""


class MessageInvalid(PlatformError):
    """The message does not satisfy the specification; `problems` lists everything wrong with it."""

    def __init__(self, problems: list[object]) -> None:
        super().__init__("；".join(str(problem) for problem in problems))
        self.problems = problems


class AlreadyOpen(PlatformError):
    """The record already has a submission of this purpose on its way."""


class Withheld(PlatformError):
    """A handler's own word, when asked what a submission says, that it must not go; it goes back with these words."""
