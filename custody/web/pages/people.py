"""The people: every account with what it may do and what runs out soon; resetting a secret; a lost badge."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ACTS
from custody.domain.acts.people import BadgeRevoked, SecretResetIssued
from custody.domain.ids import AccountId, StudyId
from custody.domain.terms import Role
from custody.errors import CustodyError
from custody.web import current
from custody.web.access import needs
from custody.web.account_words import due_text, event_shown, records_shown
from custody.web.deeds import may_sign_first
from custody.web.errors import sentence, status_of
from custody.web.problems import Problem
from custody.web.signing import SecretRefused, key_sent, policy_first, signed_with
from custody.words import Words
from custody.workflows import badges, resets
from custody.workflows.access import AccountSeen, ReviewStanding, account_seen, accounts_seen, review_standing
from custody.workflows.door import unit_of_work
from custody.workflows.own_account import events_of

blueprint = Blueprint("people", __name__, url_prefix="/people")
LOOK_AFTER = (Role.ADMINISTRATOR, Role.QA_REVIEWER, Role.QP, Role.SPONSOR, Role.INVESTIGATOR, Role.INSPECTOR)
"""Who may see who may do what, as far as their scope reaches."""
EVERYBODY = tuple(role for role in LOOK_AFTER if role is not Role.INVESTIGATOR)
"""Who may read the list of an access review: it is of people of all sites, and an investigator looks after those of one."""
ABOUT_AN_ACCOUNT = ("role_granted", "role_revoked", "training_recorded", "delegation_recorded", "account_disabled")
TEXT_MAX = 400
Page = str | Response | tuple[str, int]
Cell = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class ReviewShown:
    """Whether access is to be reviewed, in words; `state`: overdue, soon or fine."""

    text: str
    state: str
    href: str


@blueprint.get("")
@needs(*LOOK_AFTER)
def every() -> str:
    """What runs out, then every account."""
    words, now, viewer = current.words(), current.now(), current.viewer()
    with current.store().reading() as connection:
        rows = accounts_seen(connection, viewer, now)
        study = current.study() if current.holds(*EVERYBODY) else None
        review = None if study is None else review_standing(connection, study, now)
    warned = [row for row in rows if row.due]
    return render_template(
        "pages/people.html",
        page_title=words.say("people.title"),
        review=None if review is None or study is None else review_shown(words, review, study),
        due_columns=_columns(words, "people.account", "people.runs_out"),
        due=[_due_row(words, row) for row in warned],
        columns=_columns(words, "people.account", "people.name", "people.may", "people.access"),
        rows=[_row(words, row) for row in rows],
        make_href=_form_href("account_created") if may_sign_first(ACTS["account_created"]) else "",
    )


def review_shown(words: Words, review: ReviewStanding, study: StudyId) -> ReviewShown:
    now = current.now()
    state = "overdue" if review.is_overdue(now) else "soon" if review.is_due_soon(now) else "fine"
    last = (
        words.say("access_review.never")
        if review.last is None
        else words.say("access_review.last", at=review.last.recorded_at, who=review.last.signers[0].printed_name)
    )
    said = words.say(f"access_review.{state}", due=review.due_at, study=study.value)
    return ReviewShown(text=f"{said} {last}", state=state, href=url_for("access_review.form"))


def _columns(words: Words, *keys: str) -> list[Cell]:
    return [{"label": words.say(key), "number": False} for key in keys]


def _cell(text: str, href: str = "", *, code: bool = False) -> Cell:
    return {"text": text, "href": href, "code": code}


def _href(row: AccountSeen) -> str:
    return url_for("people.one", account=row.account.value)


def _row(words: Words, row: AccountSeen) -> list[Cell]:
    may = words.say("format.comma").join(f"{words.term(each.grant.role)} ({each.grant.site})" for each in row.standing)
    return [
        _cell(row.account.value, _href(row), code=True),
        _cell(row.printed_name),
        _cell(may or words.say("people.no_role")),
        _cell(access_text(words, row)),
    ]


def access_text(words: Words, row: AccountSeen) -> str:
    """Whether somebody can sign in with this account, in a word."""
    if row.disabled is not None:
        return words.say("people.disabled")
    if row.secret_since is None:
        return words.say("people.no_secret")
    return words.say("people.one_time" if row.secret_is_one_time else "people.open")


def _due_row(words: Words, row: AccountSeen) -> list[Cell]:
    text = words.say("people.semicolon").join(due_text(words, due, row.today) for due in row.due)
    return [_cell(f"{row.printed_name} ({row.account})", _href(row)), _cell(text)]


def _form_href(act: str, account: AccountId | None = None) -> str:
    return url_for("acts.form", name=act, about=None if account is None else account.key)


@blueprint.get("/<account>")
@needs(*LOOK_AFTER)
def one(account: str) -> Page:
    """One account: what it may do, what it did last, and what can be done about it."""
    words, now, node, viewer = current.words(), current.now(), AccountId.parse(account), current.viewer()
    with current.store().reading() as connection:
        seen = account_seen(connection, viewer, node, now)
        events = events_of(connection, node, now)
    offered = [name for name in ABOUT_AN_ACCOUNT if seen.disabled is None and may_sign_first(ACTS[name])]
    is_administrator = current.holds(Role.ADMINISTRATOR) and seen.disabled is None
    return render_template(
        "pages/person.html",
        page_title=seen.printed_name,
        seen=seen,
        access=access_text(words, seen),
        records=records_shown(words, seen),
        events=[event_shown(words, event) for event in events],
        acts=[(words.act_title(name), _form_href(name, node)) for name in offered],
        may_reset=is_administrator and node != current.present().account,
        may_revoke_badge=is_administrator,
        badge=badges.badge_symbol(node, seen.badge),
    )


@blueprint.get("/<account>/reset")
@needs(Role.ADMINISTRATOR)
def reset_form(account: str) -> Page:
    there = policy_first(SecretResetIssued.rule, 0, request.path)
    return there if there is not None else _reset_page(_seen(account), ())


@blueprint.post("/<account>/reset")
@needs(Role.ADMINISTRATOR)
def reset(account: str) -> Page:
    """The administrator's signature; the code is on the answer to it and nowhere else, not even on the same page asked for again."""
    seen = _seen(account)
    given = signed_with()
    if isinstance(given, SecretRefused) and given.locked:
        return redirect(url_for("sign_in.form", why="locked"))
    if isinstance(given, SecretRefused):
        return _reset_page(seen, (Problem(given.text, "secret"),), 403)
    identity, reason = (request.form.get(name, "").strip()[:TEXT_MAX] for name in ("identity_verified_by", "reason"))
    here = current.installation()
    try:
        with unit_of_work(here.store) as connection:
            signer = current.signer(SecretResetIssued.rule, 0, method=given.value, key=key_sent())
            issued = resets.issue(connection, here.store, signer, seen.account, identity, reason, current.now())
    except CustodyError as error:
        return _reset_page(seen, (Problem(sentence(error), error.field or ""),), status_of(error))
    title = current.words().say("people.reset_issued")
    return render_template("pages/person_code.html", page_title=title, seen=seen, issued=issued)


def _seen(account: str) -> AccountSeen:
    viewer = current.viewer()
    with current.store().reading() as connection:
        return account_seen(connection, viewer, AccountId.parse(account), current.now())


def _reset_page(seen: AccountSeen, problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words = current.words()
    text = render_template(
        "pages/person_reset.html",
        page_title=words.say("people.reset"),
        seen=seen,
        typed=request.form,
        meaning=words.term(SecretResetIssued.rule.slots[0].meaning),
        problems=problems,
        secret_fault=next((problem.text for problem in problems if problem.field == "secret"), ""),
    )
    return text, status


@blueprint.get("/<account>/badge")
@needs(Role.ADMINISTRATOR)
def badge_form(account: str) -> Page:
    return _badge_page(_seen(account), ())


@blueprint.post("/<account>/badge")
@needs(Role.ADMINISTRATOR)
def badge(account: str) -> Page:
    """A badge that was lost: it and the PIN open nothing any more."""
    seen = _seen(account)
    reason = request.form.get("reason", "").strip()[:TEXT_MAX]
    try:
        with unit_of_work(current.store()) as connection:
            signer = current.signer(BadgeRevoked.rule, 0, key=key_sent())
            badges.revoke_badge(connection, signer, seen.account, reason, current.now())
    except CustodyError as error:
        return _badge_page(seen, (Problem(sentence(error), error.field or ""),), status_of(error))
    return redirect(url_for("people.one", account=seen.account.value))


def _badge_page(seen: AccountSeen, problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    title = current.words().say("people.revoke_badge")
    return render_template("pages/person_badge.html", page_title=title, seen=seen, problems=problems), status
