"""The factories write rows as the rooms do."""

from __future__ import annotations

from insurance.catalogue.models import Item
from portal.people.models import Institution
from tests.mapping_items.factories import INFNOS, make_code, make_item


def test_every_kind_has_a_code_and_an_item(institution: Institution) -> None:
    """A code's cells say the same as its columns, in the order of the file."""
    for list_type in INFNOS:
        assert make_item(institution, list_type=list_type).pk
        code = make_code(list_type, f"X{list_type}A", name="演示甲", maker="演示制药有限公司")
        assert Item.objects.get(pk=code.pk).cells[0] == f"X{list_type}A"
        assert "演示甲" in code.cells
