"""The platform's rooms; importing this package puts each at its desk."""

from insurance.sandbox.rooms import departments, institutions, sessions, staff

__all__ = ["departments", "institutions", "sessions", "staff"]
