"""Institution scope: rows a person may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import models

if TYPE_CHECKING:
    from portal.people.models import Person

Row = TypeVar("Row", bound=models.Model)


class ScopedQuerySet(models.QuerySet[Row], Generic[Row]):
    """A queryset of a model with an `institution`; `visible_to` narrows it to where the person works."""

    def visible_to(self, person: Person | Any) -> ScopedQuerySet[Row]:
        """Return only rows of institutions in which `person` has a membership; none for a stranger."""
        if not getattr(person, "is_authenticated", False):
            return self.none()
        # The few keys themselves: a subquery here hides from the planner which index a long list is to be read by.
        return self.filter(institution__in=sorted({member.institution_id for member in person.all_memberships}))
