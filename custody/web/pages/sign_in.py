"""Signing in and out, at a device of one's own or at a shared bench; choosing a secret, accepting the signature policy, the language."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.people import SecretKind
from custody.domain.ids import AccountId
from custody.errors import NotPermittedError, UnreadableCodeError
from custody.web import current
from custody.web.access import public
from custody.web.app import COOKIE
from custody.web.entering import at_the_bed, bench_here, device, drop_cookie, is_badge, last_here, read_account, set_cookie
from custody.web.errors import sentence
from custody.web.keeping import KEPT, kept_values, resume_page, same_site_path
from custody.web.problems import Problem
from custody.web.signing import pin_will_do
from custody.web.studies import recognise, token_here
from custody.workflows import badges, demonstration, people
from custody.workflows.badges import Badge
from custody.workflows.door import unit_of_work
from custody.workflows.people import SignInRefusal
from custody.workflows.roster import demonstration_accounts
from custody.workflows.secret_checks import compare_ahead
from custody.workflows.shifts import kind_of

blueprint = Blueprint("sign_in", __name__)
blueprint.add_app_template_global(pin_will_do, "pin_will_do")
LANGUAGE_LASTS = timedelta(days=365)
STATION_MAX = 80
WHY = frozenset({"locked", "signed_out", "idle", "secret_chosen", "badge_revoked", "bench_closed"})
SAID = {
    "locked_out": "sign_in.locked",
    "sign_in_failed": "sign_in.failed",
    "too_many_attempts": "sign_in.too_many",
    "whole_secret_needed": "sign_in.whole_secret",
    "badge_needed": "sign_in.badge_needed",
    "bench_needed": "sign_in.bench_needed",
}
Page = str | Response | tuple[str, int]


@blueprint.get("/sign-in")
@public("nobody has a session before they sign in")
def form() -> Page:
    why, then = request.args.get("why", ""), request.args.get("then", "")
    asleep = last_here() is not None and g.get("present") is None
    notice = f"sign_in.{why}" if why in WHY else "sign_in.idle" if asleep else ""
    return sign_in_page(then=then, notice=current.words().say(notice) if notice else "")


@blueprint.post("/sign-in")
@public("nobody has a session before they sign in")
def enter() -> Page:
    """A session for the right secret, or at a bench for badge and PIN; back to the page, or to the form, they were on."""
    typed, given = request.form.get("account", "").strip(), request.form.get("secret", "")
    # The button that was pressed comes after the field of the page.
    then, kept = request.form.getlist("then")[-1:], kept_values(request.form)
    where = then[0] if then else ""
    if is_badge(given):
        # Scanned into the field of the password: not a try, but the answer to who it is.
        return sign_in_page(then=where, kept=kept, account=given.strip(), notice=current.words().say("sign_in.badge_read"))
    try:
        answer = _let_in(typed, given)
    except NotPermittedError as error:
        return sign_in_page(then=where, kept=kept, account=typed, problems=(Problem(sentence(error)),), status=403)
    if isinstance(answer, SignInRefusal):
        text = current.words().say(SAID[answer.code])
        status = 429 if answer.code == "too_many_attempts" else 403
        return sign_in_page(then=where, kept=kept, account=typed, problems=(Problem(text, "account"),), status=status)
    there = same_site_path(where)
    if kept:
        _is_here(answer)
    response = make_response(resume_page(there, kept, token_here()) if kept else redirect(there))
    set_cookie(response, COOKIE, answer)
    return response


def _is_here(token: str) -> None:
    """The page that answers says already who it is that signed in."""
    with current.store().reading() as connection:
        found = people.present(connection, current.installation().config, token, current.now())
        if found is not None:
            recognise(connection, found)


def _let_in(typed: str, given: str) -> str | SignInRefusal:
    """The token of the new session. The session that was open on this device ends."""
    named, kind = read_account(typed), kind_of(given)
    if kind is SecretKind.PIN:
        return _with_pin(named.badge, given)
    here, now = current.installation(), current.now()
    already = None
    if _is_account(named.name):
        already = compare_ahead(here.store, AccountId(named.name), given, now, kind)
    station = request.form.get("station", "").strip()[:STATION_MAX]
    with unit_of_work(here.store) as connection:
        answer = people.sign_in(
            connection, here.store, here.config, named.name, given, station, now, device=device(), bench=bench_here(), already=already
        )
        if not isinstance(answer, SignInRefusal) and g.get("present") is not None:
            people.replace_session(connection, current.present().session, now)
    return answer if isinstance(answer, SignInRefusal) else answer[0]


def _with_pin(badge: Badge | None, pin: str) -> str | SignInRefusal:
    """A PIN is looked at only together with a scanned badge, and only at an open bench."""
    bench = bench_here()
    if bench is None or badge is None:
        return SignInRefusal(code="bench_needed" if bench is None else "badge_needed")
    here, now = current.installation(), current.now()
    already = compare_ahead(here.store, badge.account, pin, now, SecretKind.PIN)
    before = current.present().session if g.get("present") is not None else None
    with unit_of_work(here.store) as connection:
        answer = badges.change_person(connection, here.store, here.config, bench, badge, pin, now, before=before, already=already)
    return answer if isinstance(answer, SignInRefusal) else answer[0]


def _is_account(name: str) -> bool:
    try:
        AccountId.parse(name)
    except UnreadableCodeError:
        return False
    return True


def sign_in_page(
    *,
    then: str = "",
    kept: list[tuple[str, str]] | None = None,
    account: str = "",
    notice: str = "",
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> tuple[str, int]:
    """The page itself; `kept`: what was typed into a form before the session was over. It says again who was there."""
    demo = current.store().is_demonstration
    bench, last = bench_here(), last_here()
    account = account or (last.account.value if last is not None and bench is None and g.get("present") is None else "")
    text = render_template(
        "pages/sign_in.html",
        page_title=current.words().say("sign_in.change" if bench is not None else "sign_in.title"),
        then=then,
        kept=[(KEPT + name, value) for name, value in kept or []],
        account=account,
        last=last.printed_name if last is not None and account == last.account.value else "",
        bench=bench,
        beds=at_the_bed(then) if not kept else (),
        notice=notice,
        problems=problems,
        accounts=_demonstration_accounts() if demo else (),
        demonstration_secret=demonstration.SECRET if demo else "",
    )
    return text, status


@blueprint.post("/sign-out")
@public("a session that is over can be left too")
def leave() -> Response:
    found = g.get("present")
    if found is not None:
        with unit_of_work(current.store()) as connection:
            people.sign_out(connection, found.session, current.now())
    response = make_response(redirect(url_for("sign_in.form", why="signed_out")))
    drop_cookie(response, COOKIE)
    return response


@blueprint.post("/language")
@public("the language of the sign-in page is chosen before anybody signs in")
def language() -> Response:
    chosen = "zh" if request.form.get("language") == "zh" else "en"
    response = make_response(redirect(same_site_path(request.form.get("then", ""))))
    secure = current.installation().config.secure_cookies
    response.set_cookie("language", chosen, max_age=LANGUAGE_LASTS, httponly=True, samesite="Strict", secure=secure, path="/")
    return response


def _demonstration_accounts() -> tuple[tuple[str, str, str], ...]:
    words = current.words()
    found = demonstration_accounts()
    comma = words.say("format.comma")
    return tuple(
        (AccountId.parse(each.account).value, each.printed_name, comma.join(words.term(role) for role in each.roles)) for each in found
    )
