"""Which study: for people whose grants let them work in several, one at a time."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from custody.errors import InputError
from custody.web import current
from custody.web.access import signed_in
from custody.web.app import STUDY
from custody.web.keeping import same_site_path
from custody.workflows.reading import study_seen

blueprint = Blueprint("study", __name__)
LASTS = timedelta(days=365)


@blueprint.get("/study")
@signed_in
def choose_form() -> str:
    """Those this person may work in; each with its number and title."""
    with current.store().reading() as connection:
        studies = [study_seen(connection, each) for each in g.studies]
    title = current.words().say("study.title")
    then = same_site_path(request.args.get("then", ""))
    return render_template("pages/study.html", page_title=title, studies=studies, chosen=current.study(), then=then)


@blueprint.post("/study")
@signed_in
def choose() -> Response:
    """Raises InputError for a study that is none of theirs."""
    wished = request.form.get("study", "")
    if wished not in {each.value for each in g.studies}:
        raise InputError("choose one of the studies on the list", code="study_unknown", field="study")
    response = make_response(redirect(same_site_path(request.form.get("then", "")), 303))
    secure = current.installation().config.secure_cookies
    response.set_cookie(STUDY, wished, max_age=LASTS, httponly=True, samesite="Strict", secure=secure, path="/")
    return response
