"""What this room refuses, in words for the person who asked."""

from __future__ import annotations


class DemoRefused(Exception):
    """Demo data may not exist here; the text is Chinese and says why and what to do."""


class Unreachable(DemoRefused):
    """Nobody answers at the platform's address, so nobody knows whether it is a sandbox."""
