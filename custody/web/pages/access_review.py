"""The access review: the list of who may do what, signed as it stands."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.people import AccessReviewed
from custody.domain.ids import StudyId
from custody.errors import CustodyError, NotFoundError, RepeatedKeyError
from custody.web import current
from custody.web.access import needs
from custody.web.account_words import dated_grant_text, due_text
from custody.web.deeds import may_sign_first
from custody.web.errors import sentence, status_of
from custody.web.outcomes import outcome_page
from custody.web.pages.people import EVERYBODY, access_text, review_shown
from custody.web.problems import Problem
from custody.web.signing import SecretRefused, digest_sent, key_sent, policy_first, signed_with
from custody.words import Words
from custody.workflows.access import AccountSeen, list_digest, review, review_standing, to_review
from custody.workflows.door import NotKeptError, unit_of_work

blueprint = Blueprint("access_review", __name__, url_prefix="/access-review")
REMARKS_MAX = 2000
Page = str | Response | tuple[str, int]


@blueprint.get("")
@needs(*EVERYBODY)
def form() -> Page:
    if may_sign_first(AccessReviewed.rule):
        there = policy_first(AccessReviewed.rule, 0, request.path)
        if there is not None:
            return there
    return _page(())


@blueprint.post("")
@needs(*EVERYBODY)
def sign() -> Page:
    """Signed is the list that was shown; when somebody's access has changed since, the new list is shown instead."""
    signer = current.signer(AccessReviewed.rule, 0)
    given = signed_with()
    if isinstance(given, SecretRefused) and given.locked:
        return redirect(url_for("sign_in.form", why="locked"))
    if isinstance(given, SecretRefused):
        return _page((Problem(given.text, "secret"),), 403)
    remarks = request.form.get("remarks", "").strip()[:REMARKS_MAX]
    try:
        with unit_of_work(current.store()) as connection:
            signer = current.signer(AccessReviewed.rule, 0, method=given.value, key=key_sent())
            outcome = review(connection, signer, _study(), digest_sent(), remarks, current.now())
    except (RepeatedKeyError, NotKeptError):
        raise
    except CustodyError as error:
        return _page((Problem(sentence(error)),), status_of(error))
    return outcome_page(outcome, AccessReviewed.rule, signed=1)


def _study() -> StudyId:
    study = current.study()
    if study is None:
        raise NotFoundError("there is no study whose access could be reviewed", code="page_not_found")
    return study


def _page(problems: tuple[Problem, ...], status: int = 200) -> tuple[str, int]:
    words, now, study = current.words(), current.now(), _study()
    with current.store().reading() as connection:
        rows = to_review(connection, study, now)
        standing = review_standing(connection, study, now)
    rule = AccessReviewed.rule
    may = may_sign_first(rule)
    text = render_template(
        "pages/access_review.html",
        page_title=words.say("access_review.title"),
        review=review_shown(words, standing, study),
        rows=[_row(words, row) for row in rows],
        columns=[{"label": words.say(key), "number": False} for key in ("people.account", "people.name", "people.grants", "people.access")],
        digest=list_digest(rows).value,
        may_sign=may,
        meaning=words.term(rule.slots[0].meaning),
        remarks=request.form.get("remarks", ""),
        problems=problems,
        secret_fault=next((problem.text for problem in problems if problem.field == "secret"), ""),
    )
    return text, status


def _row(words: Words, row: AccountSeen) -> list[dict[str, object]]:
    grants = "\n".join(
        dated_grant_text(words, each.grant, each.valid_from, each.valid_until) for each in row.grants if not (each.revoked or each.is_over)
    )
    access = "\n".join((access_text(words, row), *(due_text(words, each, row.today) for each in row.due)))
    href = url_for("people.one", account=row.account.value)
    rest = ({"text": text, "href": "", "code": False} for text in (row.printed_name, grants, access))
    return [{"text": row.account.value, "href": href, "code": True}, *rest]
