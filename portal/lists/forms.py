"""How every Django form looks: `FORM_RENDERER = "portal.lists.forms.PortalRenderer"`.

`{{ form }}` shows the fields with labels, help and all errors; buttons stand in a `<div class="form-buttons">`.
"""

from __future__ import annotations

from django import forms
from django.forms.renderers import TemplatesSetting


class PortalRenderer(TemplatesSetting):
    """Django's widgets inside the portal's own field layout."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


class DateInput(forms.DateInput):
    """A day, by the browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, str] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class DateTimeInput(forms.DateTimeInput):
    """A minute, by the browser's own calendar."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, str] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")
