"""What every template may read: words, the person, the time, where a form came from. Nothing here decides."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, current_app, g, request, url_for
from werkzeug.exceptions import HTTPException

from custody.web import current
from custody.web.access import Access
from custody.web.desk_parts import Button, act_links
from custody.web.desks import DESKS, desks_of
from custody.web.keeping import same_site_path
from custody.web.meanwhile import seen_until
from custody.web.studies import token_here
from custody.web.whole import whole
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
    study: str
    """Where they could work in another one too; else empty."""


def add_to_templates(app: Flask) -> None:
    app.context_processor(_values)
    app.jinja_env.filters["whole"] = whole


def _values() -> dict[str, Any]:
    found = g.get("present")
    return {
        "words": current.words(),
        "viewer": _viewer() if found is not None else None,
        "csrf_token": token_here,
        "idempotency_key": lambda: secrets.token_urlsafe(16),
        "seen_until": seen_until,
        "now": current.now(),
        "is_demonstration": g.get("is_demonstration", False),
        "ledger_broken": g.get("ledger_broken", False),
        "navigation": _navigation() if found is not None else (),
        "navigation_more": _links(MORE) if found is not None else (),
        "theme": theme(),
        "desk_back": _back() if found is not None else None,
        "desk_acts": _acts_of_this_desk,
    }


THEME = "theme"
THEMES = ("light", "dark")


def theme() -> str:
    """Light or dark where somebody chose one in this browser; else empty, and the device decides."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""


def _back() -> Link | None:
    """The desk an act was begun at, from `then`, which counts only when it is a page of a desk of this very site."""
    try:
        then = same_site_path(request.values.get("then", ""))
    except HTTPException:
        return None  # the form itself could not be read: the page that says so asks it for nothing
    desk = next((each for each in DESKS if _is_start(then, url_for(each.endpoint))), None)
    if desk is None:
        return None
    return Link(current.words().say("desk.kit.back_to", desk=current.words().say(desk.title_key)), then, False)


def _acts_of_this_desk() -> tuple[Button, ...]:
    """Everything this person may begin at the desk of this page, for desks whose pages are older than the kit."""
    desk = next((each for each in DESKS if _is_under(request.endpoint or "", each.endpoint)), None)
    new, about = act_links(current.words(), desk) if desk is not None else ((), ())
    return (*new, *about)


BEFORE = (("nav.work", "work.home"), ("nav.waiting", "proposals.waiting"))
AFTER = (("nav.search", "work.search"),)
MORE = (
    ("nav.acts", "acts.every"),
    ("people.title", "people.every"),
    ("access_review.title", "access_review.form"),
    ("bench.title", "own.bench"),
    ("station.title", "station.setup"),
    ("nav.account", "own.show"),
    ("nav.badges", "demonstration.sheet"),
)
"""The main menu around the desks, and what is folded under “More”: words and page; pages this person may not open, or this store does not
have, are left out."""


@dataclass(frozen=True)
class Link:
    label: str
    href: str
    current: bool


def _navigation() -> tuple[Link, ...]:
    desks = tuple((desk.title_key, desk.endpoint) for desk in desks_of(current.present().roles))
    back = _back()
    made = _links((*BEFORE, *desks, *AFTER))
    # While an act of a desk is filled in and signed, the desk stays marked.
    return made if back is None else tuple(replace(link, current=_is_start(back.href, link.href)) for link in made)


def _links(pages: tuple[tuple[str, str], ...]) -> tuple[Link, ...]:
    words, here = current.words(), request.endpoint or ""
    return tuple(Link(words.say(key), url_for(page), _is_under(here, page)) for key, page in pages if _may_open(page))


def _is_start(path: str, start: str) -> bool:
    return start != "/" and (path == start or path.startswith((f"{start}/", f"{start}?")))


def _is_under(here: str, page: str) -> bool:
    """Desks with several pages stay marked on each of them."""
    desk = page.partition(".")[0]
    return here == page or (here.partition(".")[0] == desk and desk not in {"work", "sign_in"} and not {here, page} & {"own.bench"})


def _may_open(page: str) -> bool:
    access: Access | None = getattr(current_app.view_functions.get(page), "custody_access", None)
    if access is None or (page.startswith("demonstration.") and not g.get("is_demonstration")):
        return False
    return access.public or not access.roles or current.holds(*access.roles)


def _viewer() -> ViewerShown:
    here = current.present()
    words = current.words()
    site, study = current.site(), current.study()
    with current.store().reading() as connection:
        place = site_seen(connection, site) if site is not None else None
    return ViewerShown(
        account=here.account.value,
        printed_name=here.printed_name,
        role_word=", ".join(words.term(grant.role) for grant in here.grants),
        site_name=place.name if place else "",
        language=words.language,
        phone=place.phone if place else "",
        study=study.value if study is not None and len(g.studies) > 1 else "",
    )
