"""A secret of one's own, and the signature policy; what a ticket of a reset lets its holder do."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.duties import roles_at
from custody.errors import InputError, NotPermittedError
from custody.web import current
from custody.web.access import public, signed_in
from custody.web.entering import device, read_account
from custody.web.errors import sentence
from custody.web.keeping import same_site_path
from custody.web.pages.sign_in import SAID
from custody.web.pages.sign_in import blueprint as sign_in
from custody.web.problems import Problem
from custody.web.signing import key_sent, refused_secret
from custody.workflows import people, resets
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.signer import Signer

blueprint = Blueprint("reset", __name__)
POLICY_VERSION = "1"
RESET_SAID = SAID | {"sign_in_failed": "reset.failed", "reset_not_witnessed": "reset.not_witnessed"}
Page = str | Response | tuple[str, int]


@sign_in.get("/secret")
@signed_in
def secret_form() -> Page:
    return _secret_page(())


@sign_in.post("/secret")
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


@sign_in.get("/policy")
@signed_in
def policy_form() -> Page:
    return _policy_page(())


@sign_in.post("/policy")
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


@blueprint.get("/reset")
@public("whose secret was reset has none to sign in with")
def form() -> Page:
    return _reset_page(())


@blueprint.post("/reset")
@public("whose secret was reset has none to sign in with")
def choose() -> Page:
    """Account, code and a secret of one's own. No session begins: the new secret is what opens one."""
    words, here = current.words(), current.installation()
    new, again = request.form.get("new_secret", ""), request.form.get("new_secret_again", "")
    if new != again:
        return _reset_page((Problem(words.say("sign_in.secrets_differ"), "new_secret_again"),), 422)
    name, code = read_account(request.form.get("account", "")).name, request.form.get("code", "")
    try:
        with unit_of_work(here.store) as connection:
            refusal = resets.use(connection, here.store, here.config, name, code, new, current.now(), device=device())
    except InputError as error:
        return _reset_page((Problem(sentence(error), "new_secret"),), 422)
    except NotPermittedError as error:
        return _reset_page((Problem(sentence(error)),), 403)
    if refusal is None:
        return redirect(url_for("sign_in.form", why="secret_chosen"))
    status = 429 if refusal.code == "too_many_attempts" else 403
    return _reset_page((Problem(words.say(RESET_SAID[refusal.code]), "code"),), status)


def _reset_page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    text = render_template(
        "pages/reset.html",
        page_title=current.words().say("reset.title"),
        account=request.form.get("account", ""),
        problems=problems,
        least=people.SECRET_LENGTH_MIN,
    )
    return text, status
