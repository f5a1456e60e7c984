"""Signing in and out, choosing a secret of one's own, accepting the signature policy, and the language."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.codes.scan import expect, read_scan
from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.duties import roles_at
from custody.domain.ids import AccountId
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.web import current
from custody.web.access import public, signed_in
from custody.web.answers import SYMBOL_STARTS
from custody.web.app import COOKIE
from custody.web.errors import sentence
from custody.web.keeping import KEPT, kept_values, resume_page, same_site_path
from custody.web.problems import Problem
from custody.web.signing import key_sent, refused_secret
from custody.workflows import demonstration, people
from custody.workflows.door import unit_of_work
from custody.workflows.people import SignInRefusal
from custody.workflows.recording import record
from custody.workflows.roster import demonstration_accounts
from custody.workflows.signer import Signer

blueprint = Blueprint("sign_in", __name__)
POLICY_VERSION = "1"
LANGUAGE_LASTS = timedelta(days=365)
NAME_MAX = 80
WHY = frozenset({"locked", "signed_out", "idle"})
Page = str | Response | tuple[str, int]


@blueprint.get("/sign-in")
@public("nobody has a session before they sign in")
def form() -> Page:
    why = request.args.get("why", "")
    return sign_in_page(then=request.args.get("then", ""), notice=current.words().say(f"sign_in.{why}") if why in WHY else "")


@blueprint.post("/sign-in")
@public("nobody has a session before they sign in")
def enter() -> Page:
    """A session for the right secret; back to the page, or to the form, they were on."""
    here = current.installation()
    name, secret = request.form.get("account", "").strip(), request.form.get("secret", "")
    then, kept = request.form.get("then", ""), kept_values(request.form)
    account = _account(name)
    station = request.form.get("station", "").strip()[:NAME_MAX]
    try:
        with unit_of_work(here.store) as connection:
            answer = people.sign_in(connection, here.store, here.config, account, secret, station, current.now())
    except NotPermittedError as error:
        return sign_in_page(then=then, kept=kept, account=name, problems=(Problem(sentence(error)),), status=403)
    if isinstance(answer, SignInRefusal):
        text = current.words().say("sign_in.locked" if answer.code == "locked_out" else "sign_in.failed")
        return sign_in_page(then=then, kept=kept, account=name, problems=(Problem(text, "account"),), status=403)
    token, session = answer
    where = same_site_path(then)
    response = make_response(resume_page(where, kept, session.csrf_secret) if kept else redirect(where))
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=here.config.secure_cookies, path="/")
    return response


def sign_in_page(
    *,
    then: str = "",
    kept: list[tuple[str, str]] | None = None,
    account: str = "",
    notice: str = "",
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> tuple[str, int]:
    """The page itself; `kept`: what was typed into a form before the session was over."""
    demo = current.store().is_demonstration
    text = render_template(
        "pages/sign_in.html",
        page_title=current.words().say("sign_in.title"),
        then=then,
        kept=[(KEPT + name, value) for name, value in kept or []],
        account=account,
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
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=current.installation().config.secure_cookies)
    return response


@blueprint.get("/secret")
@signed_in
def secret_form() -> Page:
    return _secret_page(())


@blueprint.post("/secret")
@signed_in
def secret() -> Page:
    """The old secret once more, then the new one twice."""
    words = current.words()
    refused = refused_secret()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"))
    if refused is not None:
        return _secret_page((Problem(refused.text, "secret"),), 403)
    new, again = request.form.get("new_secret", ""), request.form.get("new_secret_again", "")
    if new != again:
        return _secret_page((Problem(words.say("sign_in.secrets_differ"), "new_secret_again"),), 422)
    if new == request.form.get("secret", ""):
        return _secret_page((Problem(words.say("sign_in.secret_same"), "new_secret"),), 422)
    here = current.installation()
    try:
        with unit_of_work(here.store) as connection:
            people.choose_secret(connection, here.store, current.present().account, new, current.now())
    except InputError as error:
        return _secret_page((Problem(sentence(error), "new_secret"),), 422)
    return redirect(url_for("work.home"))


def _secret_page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words = current.words()
    text = render_template(
        "pages/secret.html",
        page_title=words.say("button.change_secret"),
        problems=problems,
        first=current.present().must_change_secret,
        least=people.SECRET_LENGTH_MIN,
    )
    return text, status


@blueprint.get("/policy")
@signed_in
def policy_form() -> Page:
    return _policy_page(())


@blueprint.post("/policy")
@signed_in
def policy() -> Page:
    """Accepted with the secret, as a signature would be; without it nobody signs anything (21 CFR 11.10j)."""
    refused = refused_secret()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"))
    if refused is not None:
        return _policy_page((Problem(refused.text, "secret"),), 403)
    act = SignaturePolicyAccepted(account=current.present().account, policy_version=POLICY_VERSION)
    with unit_of_work(current.store()) as connection:
        record(connection, act, _as_oneself(), current.now())
    return redirect(same_site_path(request.form.get("then", "")))


def _as_oneself() -> Signer:
    """An act about one's own account, whatever study it is for."""
    here = current.present()
    wanted = roles_at(SignaturePolicyAccepted.rule, 0)
    grant = next((grant for grant in here.grants if grant.role in wanted), None)
    if grant is None:
        raise NotPermittedError("this account holds no role today; ask an administrator", code="no_grant")
    return Signer(
        account=here.account,
        role=grant.role,
        site=grant.site,
        study=grant.study,
        station=here.session.station,
        method="secret",
        key=key_sent(),
    )


def _policy_page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words = current.words()
    then = request.values.get("then", "")
    text = render_template(
        "pages/policy.html",
        page_title=words.say("sign_in.policy_title"),
        problems=problems,
        then=then,
        accepted=current.present().has_accepted_policy,
    )
    return text, status


@blueprint.post("/language")
@public("the language of the sign-in page is chosen before anybody signs in")
def language() -> Response:
    chosen = "zh" if request.form.get("language") == "zh" else "en"
    response = make_response(redirect(same_site_path(request.form.get("then", ""))))
    secure = current.installation().config.secure_cookies
    response.set_cookie("language", chosen, max_age=LANGUAGE_LASTS, httponly=True, samesite="Strict", secure=secure, path="/")
    return response


def _account(text: str) -> str:
    """An account name as typed, or as a badge says it: in capitals, because symbols know no small letters."""
    if not text.startswith(SYMBOL_STARTS):
        return text.lower()
    try:
        return expect(read_scan(text), "badge").lower()
    except UnreadableCodeError:
        return text  # it is no account, and is refused as any other unknown name


def _demonstration_accounts() -> tuple[tuple[str, str, str], ...]:
    words = current.words()
    found = demonstration_accounts()
    comma = words.say("format.comma")
    return tuple(
        (AccountId.parse(each.account).value, each.printed_name, comma.join(words.term(role) for role in each.roles)) for each in found
    )
