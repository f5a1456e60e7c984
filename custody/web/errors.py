"""The one table from custody's errors to HTTP, and the pages that say what was seen, what was expected and what to do next."""

from __future__ import annotations

import logging
from typing import NoReturn

from flask import Flask, g, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from custody.domain.acts.base import ActRule
from custody.errors import (
    CustodyError,
    InputError,
    LedgerBrokenError,
    NotFoundError,
    NotPermittedError,
    OutOfOrderError,
    RepeatedKeyError,
    StaleError,
)
from custody.web import current
from custody.web.outcomes import site_here
from custody.web.wording import VerdictShown, unwritten_verdict
from custody.workflows.door import NotKeptError, refusal_under

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[CustodyError], int], ...] = (
    (InputError, 422),
    (NotPermittedError, 403),
    (NotFoundError, 404),
    (OutOfOrderError, 409),
    (RepeatedKeyError, 409),
    (StaleError, 409),
    (LedgerBrokenError, 503),
    (NotKeptError, 503),
)
Page = tuple[str, int]


def status_of(error: CustodyError) -> int:
    return next(status for kind, status in STATUS if isinstance(error, kind))


def sentence(error: CustodyError) -> str:
    """The error in the reader's language; plain English where the catalogue has no sentence for it."""
    return current.words().error(error.code, error.values, str(error))


def stale_form() -> NoReturn:
    raise StaleError("this page is older than your session; open it again and send it once more", code="stale_form")


def judged_here(rule: ActRule) -> None:
    """Said by a view before it records: where nothing can be written at a hold point, nothing is judged, and the page says so."""
    g.at_hold_point = rule.hold_point is not None


def register(app: Flask) -> None:
    app.register_error_handler(CustodyError, _refused)
    app.register_error_handler(NotKeptError, _not_kept)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def _refused(error: CustodyError) -> Page:
    disk = refusal_under(error)
    if disk is not None:
        return _not_kept(disk)
    status = status_of(error)
    if isinstance(error, LedgerBrokenError):
        log.error("the record does not prove itself: %s", error)
        g.ledger_broken = True
    return _page(status, sentence(error), code=error.code)


def _not_kept(error: NotKeptError) -> Page:
    """Nothing could be written. At a hold point that is CANNOT CHECK: a verdict nobody can keep is none."""
    log.error("request %s: %s", g.get("request_id", ""), error)
    at_bedside = _at_bedside()
    # Receiving has hold points of its own on nearly every page; to hold there in doubt costs a minute.
    if not (at_bedside or g.get("at_hold_point", False) or request.blueprint == "receiving"):
        return _page(status_of(error), sentence(error), code=error.code)
    words = current.words()
    reason = (words.english.error(error.code, {}, str(error)), words.chinese.error(error.code, {}, str(error)))
    site = site_here() if g.get("present") is not None else None
    shown = unwritten_verdict(words, *reason, at_bedside=at_bedside, site=site, now=current.now())
    return _page(status_of(error), sentence(error), code=error.code, shown=shown)


def _at_bedside() -> bool:
    return request.blueprint == "bedside"


def _http(error: HTTPException) -> Page | Response:
    status = error.code or 500
    if isinstance(error, InternalServerError):
        # A page about a fault that could not be made either, such as one that had to read a failing disk.
        return _fault(error.original_exception or error)
    if status < 400:
        return error.get_response()
    key = {403: "role_lacks", 404: "page_not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "input")
    return _page(status, current.words().error(key, {}, error.description or ""), code=key)


def _fault(error: BaseException) -> Page:
    """A fault of ours, or of the store while it was read: logged with its trace, shown without it.

    At the bedside it reads NO VERDICT and nothing else.
    """
    log.error("request %s failed", g.get("request_id", ""), exc_info=error)
    # The page must stand even where the store does not answer: it asks it for nothing.
    for name in ("present", "viewer"):
        g.pop(name, None)
    key = "no_verdict" if _at_bedside() else "server_fault"
    refusal = None if _at_bedside() else refusal_under(error)
    if refusal is not None:
        return _page(503, sentence(refusal), code=refusal.code)
    return _page(503, current.words().error(key, {"request": g.get("request_id", "")}, "NO VERDICT: do not give"), code=key)


def _page(status: int, text: str, *, code: str, shown: VerdictShown | None = None) -> Page:
    title = current.words().say("error.title")
    return render_template("pages/error.html", page_title=title, text=text, code=code, status=status, shown=shown), status
