"""The one table from custody's errors to HTTP, and the pages that say what was seen, what was expected and what to do next."""

from __future__ import annotations

import logging
from typing import NoReturn

from flask import Flask, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

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

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[CustodyError], int], ...] = (
    (InputError, 422),
    (NotPermittedError, 403),
    (NotFoundError, 404),
    (OutOfOrderError, 409),
    (RepeatedKeyError, 409),
    (StaleError, 409),
    (LedgerBrokenError, 503),
)
Page = tuple[str, int]


def status_of(error: CustodyError) -> int:
    return next(status for kind, status in STATUS if isinstance(error, kind))


def sentence(error: CustodyError) -> str:
    """The error in the reader's language; plain English where the catalogue has no sentence for it."""
    return current.words().error(error.code, error.values, str(error))


def stale_form() -> NoReturn:
    raise StaleError("this page is older than your session; open it again and send it once more", code="stale_form")


def register(app: Flask) -> None:
    app.register_error_handler(CustodyError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def _refused(error: CustodyError) -> Page:
    status = status_of(error)
    if isinstance(error, LedgerBrokenError):
        log.error("the record does not prove itself: %s", error)
        g.ledger_broken = True
    return _page(status, sentence(error), code=error.code)


def _http(error: HTTPException) -> Page | Response:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    key = {403: "role_lacks", 404: "page_not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "input")
    return _page(status, current.words().error(key, {}, error.description or ""), code=key)


def _fault(error: Exception) -> Page:
    """A fault of ours: logged with its trace, shown without it. At the bedside it reads NO VERDICT and nothing else."""
    log.error("request %s failed", g.get("request_id", ""), exc_info=error)
    # The page must stand even where the store does not answer: it asks it for nothing.
    for name in ("present", "viewer"):
        g.pop(name, None)
    bedside = (request.endpoint or "").startswith("bedside.")
    key = "no_verdict" if bedside else "server_fault"
    return _page(503, current.words().error(key, {"request": g.get("request_id", "")}, "NO VERDICT: do not give"), code=key)


def _page(status: int, text: str, *, code: str) -> Page:
    return render_template("pages/error.html", page_title=current.words().say("error.title"), text=text, code=code, status=status), status
