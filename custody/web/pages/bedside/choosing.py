"""Which dose: the list of this site, or a scan of dose label, bag or wristband."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.ids import DoseId
from custody.errors import InputError, NotFoundError
from custody.web import current, errors
from custody.web.commands import lead_away
from custody.web.desks import BY_NAME
from custody.web.pages import desk
from custody.web.pages.bedside.common import at_the_bed, blueprint, readers
from custody.web.problems import Problem
from custody.workflows.at_the_bed import dose_meant, doses_at

Page = str | Response | tuple[str, int]


def _first() -> str:
    with current.store().reading() as connection:
        doses = doses_at(connection, readers())
    return url_for("bedside.show", dose=doses[0].dose.value) if doses else ""


blueprint.before_request(lead_away(BY_NAME["bedside"], _first))


@blueprint.get("")
@at_the_bed
def choose() -> Page:
    return _list(scanned="", fault="")


@blueprint.post("/find")
@at_the_bed
def find() -> Page:
    text = request.form.get("scan", "").strip()
    try:
        with current.store().reading() as connection:
            dose: DoseId = dose_meant(connection, text, readers())
    except (InputError, NotFoundError) as error:
        desk.keep_refused("bedside", text, error)
        return _list(scanned=text, fault=errors.sentence(error)), errors.status_of(error)
    return redirect(url_for("bedside.show", dose=dose.value), 303)


def _list(*, scanned: str, fault: str) -> str:
    with current.store().reading() as connection:
        doses = doses_at(connection, readers())
    problems = (Problem(fault, "scan"),) if fault else ()
    title = current.words().say("bedside.title")
    return render_template("pages/bedside.html", page_title=title, doses=doses, scanned=scanned, fault=fault, problems=problems)
