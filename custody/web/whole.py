"""Dates and numbers of things inside a sentence stay on one line of a page: one broken at its hyphen is read wrongly."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

DATE = r"\d{4}-\d\d-\d\d(?!\d)"
NUMBER = r"(?<![\w-])(?=[A-Z0-9-]{0,19}\d)[A-Z0-9]+(?:-[A-Z0-9]+)+(?![\w-])"
KEPT = re.compile(f"{DATE}|{NUMBER}")
LENGTH_MAX = 20
"""What is longer may break: a phone has no room for it beside a label."""


def whole(text: object) -> Markup:
    """The text, escaped, each date and each number with a hyphen marked; the style sheet keeps what is marked on one line."""
    said = str(text)
    # A list has hundreds of texts without a hyphen, and many that come again.
    return _marked(said) if "-" in said else escape(said)


@lru_cache(maxsize=4096)
def _marked(said: str) -> Markup:
    made, end = Markup(""), 0
    for found in KEPT.finditer(said):
        if len(found[0]) <= LENGTH_MAX:
            made += escape(said[end : found.start()]) + Markup('<span class="whole">{}</span>').format(found[0])
            end = found.end()
    return made + escape(said[end:])
