"""Charts drawn on the server: every value to be seen, linked, and in the table."""

from __future__ import annotations

import logging
import xml.etree.ElementTree as Tree

import pytest
from django.test import Client

from portal.desk.charts import ceiling, draw, rows_of
from portal.desk.registry import Chart, Picture, Series, add_chart

DAYS = [f"11-{day:02}" for day in range(10, 24)]


def picture(kind: str = "bars") -> Picture:
    good = Series("成功", "green", list(range(14)), [f"/calls/?day={day}" for day in DAYS])
    bad = Series("失败", "red", [0] * 13 + [1200])
    return Picture(DAYS, [good, bad], kind, "次")


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (3, 5), (19, 20), (51, 100), (1213, 2000), (5001, 10000)])
def test_scale_ends_at_a_round_number(value: float, top: float) -> None:
    assert ceiling(value) == top


@pytest.mark.parametrize("kind", ["bars", "lines"])
def test_values_are_drawn_named_and_linked(kind: str) -> None:
    svg = str(draw(picture(kind)))
    tree = Tree.fromstring(svg)
    assert "11-23 失败 1,200次" in svg
    assert 'href="/calls/?day=11-23"' in svg
    assert "style=" not in svg
    shapes = [node for node in tree.iter() if node.tag in ("rect", "circle")]
    assert len(shapes) == (14 if kind == "bars" else 28)
    for node in shapes:
        high = float(node.get("y") or node.get("cy") or -1)
        assert 0 <= high <= 150


def test_a_day_without_a_measurement_has_no_point() -> None:
    days = Picture(["1", "2", "3"], [Series("中位", "blue", [5, None, 7], ["/a", "", "/c"])], "lines", "毫秒")
    svg = str(draw(days))
    assert svg.count("<circle") == 2
    assert rows_of(days)[1].cells == [("—", "")]


def test_labels_are_escaped() -> None:
    bad = Picture(["<b>"], [Series("<script>", "green", [1], ["/?a=1&b=2"])])
    svg = str(draw(bad))
    Tree.fromstring(svg)
    assert "<script>" not in svg


def test_nothing_happened_is_a_flat_chart() -> None:
    Tree.fromstring(str(draw(Picture(DAYS, [Series("成功", "green", [0] * 14)]))))


def test_table_holds_the_same_numbers_newest_first() -> None:
    rows = rows_of(picture())
    assert rows[0].label == "11-23"
    assert rows[0].cells == [("13", "/calls/?day=11-23"), ("1,200", "")]


@pytest.mark.django_db
def test_desk_shows_charts_and_survives_a_broken_one(
    office: Client, shelf: None, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(actor: object) -> Picture:
        raise RuntimeError("as a bug would")

    add_chart(Chart("交易", lambda actor: picture()))
    add_chart(Chart("坏的", fails))
    add_chart(Chart("没有", lambda actor: None))
    with caplog.at_level(logging.ERROR):
        page = office.get("/").content.decode()
    assert '<svg class="chart"' in page
    assert "坏的" in page
    assert "没有</h2>" not in page
