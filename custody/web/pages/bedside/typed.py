"""A code typed at the bed needs its reason before the step counts; the label itself is then printed again (rules section 10)."""

from __future__ import annotations

from flask import request

from custody.domain.ids import DoseId
from custody.web.pages import desk
from custody.web.pages.bedside.checking import ORDER, STEPS, Kept, Page, step_page
from custody.web.pages.bedside.common import bed_of, blueprint
from custody.web.typed_by_hand import reasons_missing

SCANS = "scans."


@blueprint.before_request
def ask_why() -> Page | None:
    """Back to the step whose code was typed without a reason; nothing of it has been read yet."""
    if request.endpoint != "bedside.scan" or request.form.get("step") not in STEPS:
        return None
    missing = {name.removeprefix(SCANS): fault for name, fault in reasons_missing(desk.typed()).items()}
    step = next((step for step in ORDER if not missing.keys().isdisjoint(STEPS[step])), None)
    if step is None:
        return None
    dose = DoseId.parse((request.view_args or {})["dose"])
    return step_page(bed_of(dose), step, Kept.from_form(step), faults=missing), 422
