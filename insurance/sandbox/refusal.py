"""The two ways in which the platform says no."""

from __future__ import annotations


class Refusal(Exception):
    """The platform read the message and will not do it: infcode -1 with these words."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class GatewayRefusal(Exception):
    """The gateway did not let the request through: an HTTP status and its own wrapper, no envelope."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
