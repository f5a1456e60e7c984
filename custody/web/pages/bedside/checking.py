"""One person scans: one big step at a time; what was scanned and typed before comes along, and nothing of the other person is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import field_types
from custody.domain.acts.bedside import BedsideScanned, BedsideScans
from custody.domain.acts.codec import decoded
from custody.domain.ids import BagId, Digest, DoseId, WristbandToken
from custody.errors import CustodyError, InputError
from custody.web import current, errors
from custody.web.answers import plain_value
from custody.web.forms import Field, FormMaker
from custody.web.pages import desk
from custody.web.pages.bedside.common import Bed, at_the_bed, bed_of, blueprint, reader
from custody.web.problems import problems_of
from custody.web.signing import key_sent
from custody.web.wording import Line
from custody.workflows import bedside
from custody.workflows.at_the_bed import require_bag_of
from custody.workflows.door import Connection, judged_unit
from custody.workflows.proposing import second_identifier
from custody.workflows.recording import record
from custody.workflows.scans import scanned

Page = str | Response | tuple[str, int]
STEPS: dict[str, tuple[str, ...]] = {
    "wristband": ("wristband",),
    "identity": ("second_identifier", "second_identifier_method"),
    "bag": ("bag",),
    "look": (
        "container_whole",
        "nothing_unusual_seen",
        "line_and_filter_right",
        "no_other_drug_on_line",
        "resuscitation_ready",
        "physician_present",
    ),
    "pump": ("volume_ml", "rate_ml_per_min"),
}
"""The steps in their order (rules section 12), each with the fields it asks for."""
FOUND: dict[str, tuple[str, ...]] = {"bag": ("bag_read_as",)}
"""What the server found out with a step and nobody was asked for: it comes along as the answers do."""
ORDER = tuple(STEPS)
IDENTIFIER = "second_identifier"
LEAST_IDENTIFIER = 2


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What earlier steps gave, by field of the scans; a second identifier only as its keyed commitment."""

    values: Mapping[str, str]

    @classmethod
    def from_form(cls, until: str) -> Kept:
        names = [name for step in ORDER[: ORDER.index(until)] for name in _kept_of(step)]
        return cls(values={name: request.form.get(f"kept.{name}", "") for name in names})

    def first_missing(self) -> str | None:
        """The first step whose values did not come along: the page is broken or was put together by hand."""
        for step in ORDER:
            if any(name in self.values and not self.values[name] for name in _kept_of(step)):
                return step
        return None


@blueprint.get("/<dose>/scan")
@at_the_bed
def scan_form(dose: str) -> Page:
    return step_page(bed_of(DoseId.parse(dose)), ORDER[0], Kept(values={}))


@blueprint.post("/<dose>/scan")
@at_the_bed
def scan(dose: str) -> Page:
    dose_id = DoseId.parse(dose)
    step = request.form.get("step", "")
    if step not in STEPS:
        return redirect(url_for("bedside.show", dose=dose_id.value), 303)
    kept = Kept.from_form(step)
    missing = kept.first_missing()
    if missing is not None:
        return step_page(bed_of(dose_id), missing, Kept.from_form(missing)), 422
    found, faults = _read(dose_id, step)
    if faults:
        return step_page(bed_of(dose_id), step, kept, faults=faults), 422
    kept = Kept(values={**kept.values, **found})
    if step != ORDER[-1]:
        return step_page(bed_of(dose_id), ORDER[ORDER.index(step) + 1], kept)
    return _record(dose_id, kept)


def _read(dose: DoseId, step: str) -> tuple[dict[str, str], dict[str, CustodyError]]:
    """The values of one step, and what is wrong with them; a scan that names nothing usable is kept as evidence."""
    found: dict[str, str] = {}
    faults: dict[str, CustodyError] = {}
    for name in STEPS[step]:
        text = request.form.get(f"scans.{name}", "").strip()
        try:
            found |= _bag(dose, text) if name == "bag" and text else {name: _value(name, text)}
        except InputError as error:
            faults[name] = error
            if name in {"wristband", "bag"} and text:
                desk.keep_refused(f"bedside {dose} {name}", text, error)
    return found, faults


def _kept_of(step: str) -> tuple[str, ...]:
    return (*STEPS[step], *FOUND.get(step, ()))


def _bag(dose: DoseId, text: str) -> dict[str, str]:
    """The bag that was scanned, by its own label or by that of its cover. Raises InputError for one that is none of this dose."""
    at_bed = bed_of(dose).dose
    bag = BagId(scanned(BagId, at_bed.bag_under(text)).value)
    require_bag_of(at_bed, bag)
    return {"bag": bag.value, "bag_read_as": at_bed.read_as(text).value}


def _value(name: str, text: str) -> str:
    """One value in the ledger's form. Raises InputError or UnreadableCodeError."""
    if not text:
        raise InputError("must be filled in", code="not_answered" if name in STEPS["look"] or name.endswith("method") else "missing_field")
    if name == "wristband":
        return scanned(WristbandToken, text).value
    if name == IDENTIFIER:
        if len(text) < LEAST_IDENTIFIER:
            raise InputError("too short to identify anybody", code="identifier_too_short")
        return second_identifier(current.installation().config.key_dir, text).value
    return str(plain_value(field_types(BedsideScans)[name].plain, text))


def _record(dose: DoseId, kept: Kept) -> Page:
    """The scans are one entry, the verdict another: a fault while judging loses no scan."""
    act: BedsideScanned = decoded(BedsideScanned, {"dose": dose.key, "scans": dict(kept.values)})
    me, now = reader(), current.now()
    signer = replace(desk.noting_typed(me), key=key_sent())

    def scan_and_judge(connection: Connection) -> None:
        record(connection, act, signer, now)
        bedside.check_or_leave(connection, dose, me, now)

    judged_unit(current.store(), scan_and_judge)
    return redirect(url_for("bedside.show", dose=dose.value), 303)


def step_page(bed: Bed, step: str, kept: Kept, *, faults: Mapping[str, CustodyError] | None = None) -> str:
    words = current.words()
    wrong = {f"scans.{name}": error for name, error in (faults or {}).items()}
    fields = _fields(step, wrong)
    shown = [(name, value) for name, value in kept.values.items() if name in {"wristband", "bag"} and value]
    return render_template(
        "pages/bedside_step.html",
        page_title=words.say(f"bedside.step_{step}"),
        bed=bed,
        step=step,
        number=ORDER.index(step) + 1,
        count=len(ORDER),
        fields=fields,
        kept=kept.values,
        typed_before=_typed_before(step),
        just_scanned=tuple(Line(words.field("bedside_scanned", name), value) for name, value in shown),
        problems=problems_of(wrong, fields),
        is_last=step == ORDER[-1],
    )


def _typed_before(step: str) -> list[str]:
    """Codes of earlier steps that were typed by hand; the entry says so at the end."""
    names = (name.removeprefix(desk.TYPED) for name, value in request.form.items() if name.startswith(desk.TYPED) and value)
    return sorted(name for name in names if name not in STEPS[step])


def _fields(step: str, wrong: Mapping[str, CustodyError]) -> tuple[Field, ...]:
    """The fields of one step; a refused form comes back as it was typed."""
    back = desk.typed() if wrong else {}
    maker = FormMaker(
        rule=BedsideScanned.rule,
        words=current.words(),
        typed=back,
        now=current.now(),
        choices=lambda _: (),
        errors={name: errors.sentence(error) for name, error in wrong.items()},
    )
    (group,) = maker.fields(frozenset({"scans"}))
    fields = {each.name.removeprefix("scans."): each for each in group.fields}
    return tuple(fields[name] for name in STEPS[step])


def digest_or_none(text: str) -> Digest | None:
    return Digest.parse(text) if text else None
