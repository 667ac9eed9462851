"""Small charts as SVG made here: no script, no colour needed to understand them, each bar a link to its rows.

The policy for styles is strict, so colours come by class (`fill-green`), and every number stands in a title and in the
table under the chart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.desk.registry import Picture, Series

WIDTH, HEIGHT = 420, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Row:
    """One label of the chart in its table: the values of all series with their lists."""

    label: str
    cells: list[tuple[str, str]] = field(default_factory=list)


def rows_of(picture: Picture) -> list[Row]:
    """Return the numbers of a chart, newest label first."""
    rows = [
        Row(label, [(number(one.values[place]), _url(one, place)) for one in picture.series])
        for place, label in enumerate(picture.labels)
    ]
    return rows[::-1]


def draw(picture: Picture) -> SafeString:
    """Return the chart as one `<svg>`."""
    top = ceiling(_highest(picture))
    marks = bars(picture, top) if picture.kind == "bars" else lines(picture, top)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" preserveAspectRatio="xMinYMin meet">{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        _scale(top, picture.unit),
        marks,
        _days(picture),
    )


def ceiling(value: float) -> float:
    """Return the round number (1, 2 or 5 times a power of ten) at or above `value`; 1 for nothing."""
    if value <= 0:
        return 1
    power = 1.0
    while power * 10 <= value:
        power *= 10
    return next((step * power for step in STEPS if step * power >= value), 10 * power)


def number(value: float | None) -> str:
    """Return a value as shown: whole, with separators; a dash where nothing was measured."""
    return "—" if value is None else f"{value:,.0f}"


def bars(picture: Picture, top: float) -> SafeString:
    """Return one column per label, its series standing on each other."""
    step = (WIDTH - LEFT - RIGHT) / max(len(picture.labels), 1)
    drawn: list[SafeString] = []
    for place, label in enumerate(picture.labels):
        floor = float(HEIGHT - BOTTOM)
        for one in picture.series:
            high = (HEIGHT - TOP - BOTTOM) * (one.values[place] or 0) / top
            floor -= high
            if high:
                shape = format_html(
                    '<rect class="fill-{}" x="{}" y="{}" width="{}" height="{}">{}</rect>',
                    one.colour, _f(LEFT + step * place + step * 0.15), _f(floor), _f(step * 0.7), _f(max(high, 1)),
                    _title(picture, one, place, label),
                )  # fmt: skip
                drawn.append(_linked(shape, _url(one, place)))
    return format_html_join("", "{}", ((shape,) for shape in drawn))


def lines(picture: Picture, top: float) -> SafeString:
    """Return one line per series, with a dot for each label."""
    step = (WIDTH - LEFT - RIGHT) / max(len(picture.labels), 1)
    drawn: list[SafeString] = []
    for one in picture.series:
        points = {
            place: (LEFT + step * (place + 0.5), HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top)
            for place, value in enumerate(one.values)
            if value is not None
        }
        path = " ".join(f"{_f(x)},{_f(y)}" for x, y in points.values())
        drawn.append(format_html('<polyline class="line-{}" points="{}"/>', one.colour, path))
        for place, (x, y) in points.items():
            dot = format_html(
                '<circle class="fill-{}" cx="{}" cy="{}" r="2.5">{}</circle>',
                one.colour, _f(x), _f(y), _title(picture, one, place, picture.labels[place]),
            )  # fmt: skip
            drawn.append(_linked(dot, _url(one, place)))
    return format_html_join("", "{}", ((shape,) for shape in drawn))


def _highest(picture: Picture) -> float:
    if picture.kind == "bars":
        return max((sum(one.values[n] or 0 for one in picture.series) for n in range(len(picture.labels))), default=0)
    return max((value or 0 for one in picture.series for value in one.values), default=0)


def _scale(top: float, unit: str) -> SafeString:
    """Draw the lines at nothing, half and all of the scale, each with its number."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
        words = f"{number(top * share)}{unit}" if share else "0"
        if share == 0.5 and top < 2:
            words = ""
        parts.append((_f(LEFT), _f(y), _f(WIDTH - RIGHT), _f(y), _f(LEFT - 4), _f(y + 3), words))
    return format_html_join(
        "",
        '<line class="chart-line" x1="{}" y1="{}" x2="{}" y2="{}"/><text class="chart-number" x="{}" y="{}">{}</text>',
        parts,
    )


def _days(picture: Picture) -> SafeString:
    step = (WIDTH - LEFT - RIGHT) / max(len(picture.labels), 1)
    # labels of 14 days do not fit side by side: every second one, counted from the last
    shown = [n for n in range(len(picture.labels)) if (len(picture.labels) - 1 - n) % 2 == 0 or step > 40]
    return format_html_join(
        "",
        '<text class="chart-label" x="{}" y="{}">{}</text>',
        ((_f(LEFT + step * (n + 0.5)), _f(HEIGHT - 6), picture.labels[n]) for n in shown),
    )


def _title(picture: Picture, one: Series, place: int, label: str) -> SafeString:
    return format_html("<title>{} {} {}{}</title>", label, one.label, number(one.values[place]), picture.unit)


def _linked(shape: SafeString, url: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, shape) if url else shape


def _url(one: Series, place: int) -> str:
    return one.urls[place] if place < len(one.urls) else ""


def _f(value: float) -> str:
    return f"{value:.1f}"
