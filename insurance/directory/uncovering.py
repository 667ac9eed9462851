"""Which personal fields of this room can be uncovered, and which of its lists may be asked for in clear."""

from __future__ import annotations

from insurance.directory.models import Department, Practitioner
from insurance.directory.showing import MASKS, label_of, shown
from portal.audit.uncovering import Uncoverable, register_scope, register_uncoverable

LISTS = {
    "insurance.directory.views.departments.DepartmentList": "科室",
    "insurance.directory.views.staff.PractitionerList": "医保医师护士药师",
}


def personal(model: type[Department] | type[Practitioner]) -> dict[str, str]:
    """Return the masked columns of a model with their labels."""
    names = {field.name for field in model._meta.fields}
    return {name: label_of(model, name) for name in MASKS if name in names}


def register_personal() -> None:
    """Hand them over."""
    for model in (Department, Practitioner):
        register_uncoverable(
            Uncoverable(
                model._meta.label_lower,
                action="directory.view",
                fields=personal(model),
                visible=model.objects.visible_to,
                masked=shown,
                clear=lambda thing, name: shown(thing, name, clear=True),
            )
        )
    for path, label in LISTS.items():
        register_scope(path, label)
