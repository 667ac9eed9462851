"""A small catalogue of invented drugs in the database."""

from __future__ import annotations

import pytest

from insurance.catalogue.models import Item
from portal.people.models import Institution
from tests.mapping_items.factories import make_code

RIGHT, OTHER_MAKER, OTHER_FORM = "XZ99ZZZ001A001010190001", "XZ99ZZZ001A001010190002", "XZ99ZZZ001A010010190001"


@pytest.fixture
def drugs(institution: Institution) -> list[Item]:
    """One drug by two makers, and another form of it."""
    facts = {"dosform": "片剂", "spec": "25mg", "pacspec": "", "unit": "盒"}
    first = make_code(
        "101", RIGHT, name="盐酸示例替林片", maker="示例制药有限公司", aprvno="国药准字H90000001", **facts
    )
    second = make_code(
        "101", OTHER_MAKER, name="盐酸示例替林片", maker="虚构药业有限公司", aprvno="国药准字H90000002", **facts
    )
    third = make_code(
        "101", OTHER_FORM, name="盐酸示例替林缓释片", maker="示例制药有限公司", aprvno="国药准字H90000003",
        **{**facts, "dosform": "缓释片"},
    )  # fmt: skip
    return [first, second, third]
