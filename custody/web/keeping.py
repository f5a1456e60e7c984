"""What was typed into a form outlives a session that ended meanwhile: it travels through the sign-in page and comes back."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import render_template
from werkzeug.datastructures import MultiDict

from custody.web import current

KEPT = "kept."
NEVER_KEPT = frozenset({"csrf_token", "secret", "new_secret", "new_secret_again"})
HOME = "/"


def typed_values(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Everything of a form that may be shown again; secrets never."""
    return [(name, value) for name, value in form.items(multi=True) if name not in NEVER_KEPT]


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
    """One button that sends the form again, now with a session that stands."""
    words = current.words()
    return render_template("pages/resume.html", page_title=words.say("resume.title"), action=action, values=values, csrf=csrf_secret)
