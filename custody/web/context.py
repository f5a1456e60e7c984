"""What every template may read: words, the person, the time, where a form came from. Nothing here decides."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for

from custody.web import current
from custody.web.access import Access
from custody.workflows.reading import site_seen


@dataclass(frozen=True)
class ViewerShown:
    """The person in the header of a page."""

    account: str
    printed_name: str
    role_word: str
    site_name: str
    language: str
    phone: str


def add_to_templates(app: Flask) -> None:
    app.context_processor(_values)


def _values() -> dict[str, Any]:
    found = g.get("present")
    return {
        "words": current.words(),
        "viewer": _viewer() if found is not None else None,
        "csrf_token": lambda: found.session.csrf_secret if found is not None else "",
        "idempotency_key": lambda: secrets.token_urlsafe(16),
        "now": current.now(),
        "is_demonstration": g.get("is_demonstration", False),
        "ledger_broken": g.get("ledger_broken", False),
        "navigation": _navigation() if found is not None else (),
    }


MENU = (
    ("nav.work", "work.home"),
    ("nav.waiting", "proposals.waiting"),
    ("nav.receiving", "receiving.choose"),
    ("nav.bedside", "bedside.choose"),
    ("nav.acts", "acts.every"),
    ("nav.search", "work.search"),
    ("nav.account", "sign_in.secret_form"),
    ("nav.badges", "demonstration.sheet"),
)
"""The main menu: words and page; pages this person may not open, or this store does not have, are left out."""


@dataclass(frozen=True)
class Link:
    label: str
    href: str
    current: bool


def _navigation() -> tuple[Link, ...]:
    words = current.words()
    here = request.endpoint or ""
    return tuple(Link(words.say(key), url_for(page), _is_under(here, page)) for key, page in MENU if _may_open(page))


def _is_under(here: str, page: str) -> bool:
    """Desks with several pages stay marked on each of them."""
    desk = page.partition(".")[0]
    return here == page or (here.partition(".")[0] == desk and desk not in {"work", "sign_in"})


def _may_open(page: str) -> bool:
    access: Access | None = getattr(current_app.view_functions.get(page), "custody_access", None)
    if access is None or (page.startswith("demonstration.") and not g.get("is_demonstration")):
        return False
    return access.public or not access.roles or current.holds(*access.roles)


def _viewer() -> ViewerShown:
    here = current.present()
    words = current.words()
    site = current.site()
    with current.store().reading() as connection:
        place = site_seen(connection, site) if site is not None else None
    return ViewerShown(
        account=here.account.value,
        printed_name=here.printed_name,
        role_word=", ".join(words.term(grant.role) for grant in here.grants),
        site_name=place.name if place else "",
        language=words.language,
        phone=place.phone if place else "",
    )
