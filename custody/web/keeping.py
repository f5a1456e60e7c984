"""What was typed into a form outlives a session that ended meanwhile: it travels through the sign-in page and comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import render_template
from werkzeug.datastructures import MultiDict

from custody.domain.acts.base import ACTS, field_types
from custody.web import current
from custody.web.moments import SITE
from custody.web.wording import Line

KEPT = "kept."
NEVER_KEPT = frozenset({"csrf_token", "secret", "new_secret", "new_secret_again", "pin", "pin_again"})
SIGNED = "was_signed"
"""Stands among the kept values of a form that asked for the secret: it is asked again before the form is sent."""
ACT_IN_PATH = re.compile(r"/(?:acts|bedside/[^/]+/acts)/([a-z_]+)(?:/|$)")
HOME = "/"


def typed_values(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Everything of a form that may be shown again; secrets never, only that there was one."""
    kept = [(name, value) for name, value in form.items(multi=True) if name not in NEVER_KEPT]
    return [*kept, (SIGNED, "yes")] if "secret" in form and SIGNED not in form else kept


def kept_values(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """What the sign-in page carried."""
    found = ((name.removeprefix(KEPT), value) for name, value in form.items(multi=True) if name.startswith(KEPT))
    return [(name, value) for name, value in found if name not in NEVER_KEPT]


def same_site_path(text: str) -> str:
    """`text` when it is a path of this very site, else the first page: nobody is led elsewhere by a link."""
    parts = urlsplit(text) if text.isprintable() and "\\" not in text else None
    if parts is None or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return HOME
    return text.removesuffix("?")


def resume_page(action: str, values: list[tuple[str, str]], csrf_secret: str) -> str:
    """What was typed, to read once more, and one button that sends the form again with a session that stands.

    Whoever signs in now may be somebody else than who typed it: they see what they send, and sign it themselves.
    """
    words = current.words()
    return render_template(
        "pages/resume.html",
        page_title=words.say("resume.title"),
        action=action,
        values=[(name, value) for name, value in values if name != SIGNED],
        lines=tuple(_lines(action, values)),
        signed=(SIGNED, "yes") in values,
        csrf=csrf_secret,
    )


def _lines(action: str, values: list[tuple[str, str]]) -> Iterator[Line]:
    """The fields of an act among the values, by their labels; the parts of a time in one line."""
    found = ACT_IN_PATH.search(action)
    rule = ACTS.get(found[1]) if found is not None else None
    if rule is None:
        return
    words, known = current.words(), field_types(rule.cls)
    texts: dict[str, list[str]] = {}
    for name, value in values:
        if value and name.partition(".")[0] in known:
            whole = name.removesuffix(".date").removesuffix(".time").removesuffix(".offset")
            is_site_clock = name.endswith(".offset") and value == SITE
            texts.setdefault(whole, []).append(words.say("form.site_clock") if is_site_clock else words.choice(rule.name, whole, value))
    for name, parts in texts.items():
        yield Line(words.field(rule.name, name), " ".join(parts))
