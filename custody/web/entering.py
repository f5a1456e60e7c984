"""Who is at this device, before anybody has signed in: its bench, who had it last, what a badge says, where the tries come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request, url_for
from werkzeug.wrappers import Response

from custody.codes.scan import expect, read_scan
from custody.errors import UnreadableCodeError
from custody.web import current
from custody.web.app import COOKIE
from custody.workflows import badges, people
from custody.workflows.badges import Badge, Bench
from custody.workflows.people import LastHere

BENCH_COOKIE = "custody_bench"
NAME_MAX = 120
_SYMBOL = re.compile(r"(\][A-Za-z][0-9a-z])?CU1:")
_AT_A_BED = re.compile(r"/bedside/[^/]+/?")


@dataclass(frozen=True, kw_only=True)
class Named:
    """Who somebody says they are. `badge`: what was scanned; `name`: the account, or whatever was typed instead."""

    name: str
    badge: Badge | None = None


def read_account(text: str) -> Named:
    """An account as typed, or as a badge says it; a badge scanned behind what stood in the field already counts as scanned."""
    symbol = _SYMBOL.search(text)
    if symbol is None:
        return Named(name=text.strip().lower())
    try:
        badge = badges.read_badge(expect(read_scan(text[symbol.start() :].strip()), "badge"))
    except UnreadableCodeError:
        return Named(name=text.strip())  # it is no account, and is refused as any other unknown name
    return Named(name=badge.account.value, badge=badge)


def is_badge(text: str) -> bool:
    """Whether a badge was scanned into this field, where a password was due."""
    return _SYMBOL.match(text.strip()) is not None


def bench_here() -> Bench | None:
    """The shared bench of this device, when one is open."""
    if "bench" not in g:
        with current.store().reading() as connection:
            g.bench = badges.find_bench(connection, request.cookies.get(BENCH_COOKIE, ""), current.now())
    found: Bench | None = g.bench
    return found


def last_here() -> LastHere | None:
    """Who was signed in at this device last and has not left."""
    if "last_here" not in g:
        with current.store().reading() as connection:
            g.last_here = people.last_here(connection, request.cookies.get(COOKIE, ""), current.now())
    found: LastHere | None = g.last_here
    return found


def device() -> str:
    """Where a try comes from. A device that had a bench or a session counts for itself, so that strangers never make a ward wait."""
    bench, last = bench_here(), last_here()
    if bench is not None:
        return badges.device_of(bench)
    return last.device if last is not None else f"address {request.remote_addr}"


def set_cookie(response: Response, name: str, value: str) -> None:
    secure = current.installation().config.secure_cookies
    response.set_cookie(name, value, httponly=True, samesite="Strict", secure=secure, path="/")


def drop_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", httponly=True, samesite="Strict", secure=current.installation().config.secure_cookies)


def at_the_bed(then: str) -> tuple[tuple[str, str], ...]:
    """What must never wait at a bed, with its address: for somebody who signs in because the page of an infusion fell asleep."""
    path = urlsplit(then).path.rstrip("/")
    if not _AT_A_BED.fullmatch(path):
        return ()
    dose = path.rpartition("/")[2]
    words = current.words()
    acts = (("bedside.pause", "infusion_paused"), ("bedside.reaction", "reaction_recorded"), ("bedside.stop", "infusion_ended"))
    return tuple((words.say(key), url_for("bedside.act_form", dose=dose, name=act)) for key, act in acts)
