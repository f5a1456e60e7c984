"""My account: what happened to it and by whom, badge and PIN; and the shared bench of this device."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.codes.scan import expect, read_scan
from custody.domain.acts.people import BadgeRevoked, SecretKind
from custody.errors import CustodyError
from custody.web import current
from custody.web.access import signed_in
from custody.web.account_words import event_shown, records_shown, reset_shown
from custody.web.answers import SYMBOL_STARTS
from custody.web.app import COOKIE
from custody.web.entering import BENCH_COOKIE, bench_here, drop_cookie, set_cookie
from custody.web.errors import sentence, status_of
from custody.web.problems import Problem
from custody.web.signing import key_sent, refused_secret
from custody.workflows import badges
from custody.workflows.access import account_seen
from custody.workflows.door import unit_of_work
from custody.workflows.own_account import events_of, was_reset_since_last_choice
from custody.workflows.shifts import PIN_DIGITS_MAX, PIN_DIGITS_MIN

blueprint = Blueprint("own", __name__)
REASON_MAX = 400
Page = str | Response | tuple[str, int]


@blueprint.get("/account")
@signed_in
def show() -> Page:
    return _page(())


@blueprint.post("/account/pin")
@signed_in
def pin() -> Page:
    """The whole secret once more, then the PIN twice."""
    refused = refused_secret()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"))
    if refused is not None:
        return _page((Problem(refused.text, "secret"),), 403)
    chosen, again = request.form.get("pin", ""), request.form.get("pin_again", "")
    if chosen != again:
        return _page((Problem(current.words().say("own.pins_differ"), "pin_again"),), 422)
    here = current.installation()
    try:
        with unit_of_work(here.store) as connection:
            badges.choose_pin(connection, here.store, current.present(), chosen, current.now())
    except CustodyError as error:
        return _page((Problem(sentence(error), "pin"),), status_of(error))
    return redirect(url_for("own.show"))


@blueprint.post("/account/badge")
@signed_in
def badge_lost() -> Page:
    """My badge is gone: it and the PIN open nothing from now on."""
    reason = request.form.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return _page((Problem(current.words().error("reason_needed", {}, "write the reason"), "reason"),), 422)
    signer = current.signer(BadgeRevoked.rule, 0, key=key_sent())
    with unit_of_work(current.store()) as connection:
        badges.revoke_badge(connection, signer, current.present().account, reason, current.now())
    response = make_response(redirect(url_for("sign_in.form", why="badge_revoked")))
    drop_cookie(response, COOKIE)
    return response


def _page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words, now = current.words(), current.now()
    here, viewer = current.present(), current.viewer()
    with current.store().reading() as connection:
        seen = account_seen(connection, viewer, here.account, now)
        events = events_of(connection, here.account, now)
    reset = was_reset_since_last_choice(events)
    text = render_template(
        "pages/own_account.html",
        page_title=words.say("own.title"),
        seen=seen,
        reset=None if reset is None else reset_shown(words, reset),
        events=[event_shown(words, event) for event in events],
        records=records_shown(words, seen),
        badge=badges.badge_symbol(here.account, seen.badge),
        problems=problems,
        least=PIN_DIGITS_MIN,
        most=PIN_DIGITS_MAX,
    )
    return text, status


@blueprint.get("/bench")
@signed_in
def bench() -> Page:
    return _bench_page(())


@blueprint.post("/bench")
@signed_in
def open_bench() -> Page:
    """From now on people change here with badge and PIN."""
    typed = request.form.get("station", "").strip()
    try:
        station = expect(read_scan(typed), "station") if typed.startswith(SYMBOL_STARTS) else typed
        with unit_of_work(current.store()) as connection:
            token, _ = badges.open_bench(connection, current.installation().config, current.present(), station, current.now())
    except CustodyError as error:
        return _bench_page((Problem(sentence(error), "station"),), status_of(error))
    response = make_response(redirect(url_for("own.bench")))
    set_cookie(response, BENCH_COOKIE, token)
    return response


@blueprint.post("/bench/close")
@signed_in
def close_bench() -> Page:
    """Nobody changes here any more; who is signed in at the bench is signed out."""
    here = bench_here()
    if here is not None:
        with unit_of_work(current.store()) as connection:
            badges.close_bench(connection, here, current.now())
    at_bench = here is not None and current.present().session.bench == here.token_digest
    response = make_response(redirect(url_for("sign_in.form", why="bench_closed") if at_bench else url_for("own.bench")))
    drop_cookie(response, BENCH_COOKIE)
    return response


def _bench_page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words = current.words()
    text = render_template(
        "pages/bench.html",
        page_title=words.say("bench.title"),
        bench=bench_here(),
        may_open=current.present().session.opened_with is SecretKind.SECRET,
        station=request.form.get("station", current.present().session.station),
        problems=problems,
    )
    return text, status
