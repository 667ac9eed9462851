"""Tags of the frame: a block's text kept for use in several places, and the portal's own line icons."""

from __future__ import annotations

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Drawn for this portal on a 16 × 16 grid, stroked with the text's colour.
SHAPES = {
    "home": "M2 8l6-5 6 5M4 7v6h8V7M7 13v-3h2v3",
    "people": "M6 7a2 2 0 100-4 2 2 0 000 4zM2 13c0-3 2-4 4-4s4 1 4 4M11 3.5a2 2 0 010 3.5M12 9.5c1.5.6 2 1.8 2 3.5",
    "book": "M3 3h4c1 0 1 1 1 1v9s0-1-1-1H3zM13 3H9C8 3 8 4 8 4v9s0-1 1-1h4z",
    "swap": "M3 5h9M9.5 2.5L12 5 9.5 7.5M13 11H4M6.5 8.5L4 11l2.5 2.5",
    "card": "M2 4h12v8H2zM2 7h12M4 10h3",
    "stamp": "M6 3h4l-1 5h3v3H4V8h3zM3 13.5h10",
    "box": "M2.5 5L8 2.5 13.5 5v6L8 13.5 2.5 11zM2.5 5L8 7.5 13.5 5M8 7.5v6",
    "scales": "M8 2.5v11M4.5 13.5h7M3 4.5h10M3 4.5L1.5 9h3zM13 4.5L11.5 9h3z",
    "list": "M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3",
    "pill": "M4 9l5-5a2.5 2.5 0 013.5 3.5l-5 5A2.5 2.5 0 014 9zM6.5 6.5L10 10",
    "send": "M14 2L2 7l4.5 2L9 14zM14 2L6.5 9",
    "check": "M2.5 2.5h11v11h-11zM5 8l2 2 4-4.5",
    "bell": "M4 11V7a4 4 0 018 0v4l1.2 1.5H2.8zM6.5 13.5a1.5 1.5 0 003 0",
    "clock": "M8 14A6 6 0 108 2a6 6 0 000 12zM8 5v3.5l2.5 1.5",
    "gear": (
        "M8 10.5a2.5 2.5 0 100-5 2.5 2.5 0 000 5zM8 2v2M8 12v2M2 8h2M12 8h2"
        "M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M3.8 12.2l1.4-1.4M10.8 5.2l1.4-1.4"
    ),
    "dot": "M8 10a2 2 0 100-4 2 2 0 000 4z",
    "fold": "M3 4h10M3 8h10M3 12h10",
    "close": "M4 4l8 8M12 4l-8 8",
    "out": "M7 3H3v10h4M6.5 8H14M11 5l3 3-3 3",
    "open": "M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5",
}  # fmt: skip


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return one of SHAPES as an inline picture that screen readers skip."""
    path = SHAPES.get(name, SHAPES["dot"])
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', path)


class CaptureNode(template.Node):
    """Renders its content into a variable instead of into the page."""

    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist
        self.name = name

    def render(self, context: Context) -> SafeString:
        """Keep the text, without the space around it, under the name."""
        context[self.name] = mark_safe(self.nodelist.render(context).strip())
        return mark_safe("")


@register.tag
def capture(parser: Parser, token: Token) -> CaptureNode:
    """`{% capture name %}…{% endcapture %}`: a page's title stands in the tab, above the page and on paper."""
    name: str | FilterExpression = token.split_contents()[1]
    nodelist = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodelist, str(name))
