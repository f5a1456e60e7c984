"""Which study: for people whose grants let them work in several, one at a time."""

from __future__ import annotations

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from custody.domain.ids import StudyId
from custody.errors import InputError
from custody.web import current, studies
from custody.web.access import signed_in
from custody.web.keeping import same_site_path
from custody.workflows.reading import study_seen

blueprint = Blueprint("study", __name__)


@blueprint.get("/study")
@signed_in
def choose_form() -> str:
    """Those this person may work in; each with its number and title."""
    with current.store().reading() as connection:
        seen = [study_seen(connection, each) for each in g.studies]
    title = current.words().say("study.title")
    then = same_site_path(request.args.get("then", ""))
    return render_template("pages/study.html", page_title=title, studies=seen, chosen=current.study(), then=then)


@blueprint.post("/study")
@signed_in
def choose() -> Response:
    """Raises InputError for a study that is none of theirs."""
    wished = request.form.get("study", "")
    if wished not in {each.value for each in g.studies}:
        raise InputError("choose one of the studies on the list", code="study_unknown", field="study")
    response = make_response(redirect(same_site_path(request.form.get("then", "")), 303))
    studies.keep(response, StudyId.parse(wished))
    return response
