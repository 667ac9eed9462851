"""What this room refuses, in words for the person."""


class MappingError(Exception):
    """Something about items or relations cannot be done; the message says what, where and what to do, in Chinese."""
