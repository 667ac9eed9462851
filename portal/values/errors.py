"""What can be wrong with a mapping."""


class ValueRefused(Exception):
    """The change was not made; the message is Chinese: what, where, what to do."""
