"""Where a check stands, for both devices: waiting, the verdict, the two signatures that start the infusion."""

from __future__ import annotations

from dataclasses import replace

from flask import Response as JsonPage
from flask import jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.bedside import BedsideScanned, InfusionStarted
from custody.domain.duties import roles_at
from custody.domain.ids import DoseId
from custody.errors import StaleError
from custody.web import current
from custody.web.pages import desk
from custody.web.pages.bedside.checking import Kept, digest_or_none, step_page
from custody.web.pages.bedside.common import Bed, at_the_bed, bed_of, blueprint, reader
from custody.web.pages.bedside.running import running_page
from custody.workflows import bedside
from custody.workflows.bedside import scans_digest, sign_start, start_for
from custody.workflows.door import unit_of_work
from custody.workflows.verdicts import not_kept

Page = str | Response | tuple[str, int]
SCANNED_LINES = ("wristband", "second_identifier_method", "bag", "volume_ml", "rate_ml_per_min")


@blueprint.get("/<dose>")
@at_the_bed
def show(dose: str) -> Page:
    bed = bed_of(DoseId.parse(dose))
    match bed.stage:
        case "scan":
            return step_page(bed, "wristband", Kept(values={}))
        case "running":
            return running_page(bed)
        case "ended":
            title = current.words().say("bedside.finished")
            return render_template("pages/bedside_ended.html", page_title=title, bed=bed)
        case "waiting":
            title = current.words().say("bedside.waiting_title")
            return render_template("pages/bedside_waiting.html", page_title=title, bed=bed, unsure=unsure(bed))
        case _:
            return verdict_page(bed)


@blueprint.get("/<dose>/state")
@at_the_bed
def state(dose: str) -> JsonPage:
    """What the page asks every few seconds: whether it is still what there is to see."""
    bed = bed_of(DoseId.parse(dose))
    return jsonify(mark=bed.mark if bed.stage != "running" else _running_mark(bed), stage=bed.stage, now=current.now().isoformat())


def _running_mark(bed: Bed) -> str:
    from custody.web.pages.bedside.running import infusion_of, mark_of  # noqa: PLC0415 - only a running infusion needs it

    return mark_of(bed, infusion_of(bed))


@blueprint.post("/<dose>/check")
@at_the_bed
def check(dose: str) -> Page:
    """Ask for the verdict again, where the first time it could not be given."""
    node = DoseId.parse(dose)
    with unit_of_work(current.store()) as connection:
        checked = bedside.check(connection, node, reader(), current.now())
    if checked is not None and checked.entry is None:
        shown = desk.shown_verdict(not_kept(desk.viewer(), checked.verdict, InfusionStarted.rule.name), at_bedside=True)
        return _page(bed_of(node), shown), 503
    return redirect(url_for("bedside.show", dose=node.value), 303)


@blueprint.post("/<dose>/start")
@at_the_bed
def start(dose: str) -> Page:
    """One of the two signatures. The second judges everything again in the same transaction: it starts, or it stops."""
    node = DoseId.parse(dose)
    bed = bed_of(node)
    if bed.stage != "go":
        return redirect(url_for("bedside.show", dose=node.value), 303)
    fault = desk.secret_fault()
    if fault:
        return verdict_page(bed, secret_fault=fault), 422
    proposal = digest_or_none(request.form.get("proposal", ""))
    shown = digest_or_none(request.form.get("digest", ""))
    if shown is None:
        raise StaleError("this form says nothing of what is signed; open it again", code="stale")
    place = 0 if proposal is None else 1
    signer = current.signer(InfusionStarted.rule, place, method="secret")
    with unit_of_work(current.store()) as connection:
        person = current.present().person
        outcome = sign_start(connection, node, signer, person, current.now(), scans_shown=shown, proposal=proposal)
    if outcome is not None and outcome.kind == "cannot_check" and outcome.verdict is not None:
        given = not_kept(desk.viewer(), outcome.verdict, InfusionStarted.rule.name)
        return _page(bed, desk.shown_verdict(given, at_bedside=True)), 503
    return redirect(url_for("bedside.show", dose=node.value), 303)


def verdict_page(bed: Bed, *, secret_fault: str = "") -> Page:
    """GO with the signature, STOP with what to do, or CANNOT CHECK for everything that is neither."""
    given = bed.state.verdict
    if bed.stage == "go" and given is not None:
        lines = _compared(bed)
        steps = () if _may_sign(bed) else ("bedside.others_sign",)
        shown = desk.shown_verdict(
            desk.Seen(given), at_bedside=True, valid_until=bed.state.valid_until, compared=lines, steps_at_go=("bedside.sign_now", *steps)
        )
        return _page(bed, shown, secret_fault=secret_fault)
    if bed.stage == "stop" and given is not None:
        return _page(bed, desk.shown_verdict(desk.Seen(given), at_bedside=True, compared=_compared(bed)))
    return _page(bed, unsure(bed))


def unsure(bed: Bed) -> desk.ShownVerdict:
    """CANNOT CHECK, as the page shows it when the verdict is too old, was never given, or the server cannot be reached."""
    given = not_kept(desk.viewer(), bedside.unreachable(bed.dose.dose, current.now()), InfusionStarted.rule.name)
    shown = desk.shown_verdict(given, at_bedside=True)
    if bed.stage != "too_old":
        return shown
    english, chinese = current.words().both("verdict.expired")
    return replace(shown, reasons=(desk.Both(english=english, chinese=chinese, rule="SYS-OLD"),), steps=())


def _page(bed: Bed, shown: desk.ShownVerdict, *, secret_fault: str = "") -> str:
    words = current.words()
    waiting = bed.state.waiting_start
    mine = waiting is not None and any(signed.person == current.present().person for signed in waiting.signers)
    signature = _signature(bed, secret_fault) if shown.word == "GO" and not mine and _may_sign(bed) else None
    return render_template(
        "pages/bedside_verdict.html",
        page_title=words.say("bedside.title"),
        bed=bed,
        shown=shown,
        unsure=unsure(bed),
        signature=signature,
        signed_by_me=mine,
        problems=(desk.Problem(text=secret_fault, field="secret"),) if secret_fault else (),
    )


def _may_sign(bed: Bed) -> bool:
    given = bed.state.verdict
    if given is None or current.present().person.value not in given.persons:
        return False
    return bool(current.present().roles & roles_at(InfusionStarted.rule, 0 if bed.state.waiting_start is None else 1))


def _signature(bed: Bed, fault: str) -> desk.ShownSignature:
    """What this person signs: their own scans, and that identity was checked at the bed."""
    place = 0 if bed.state.waiting_start is None else 1
    with current.store().reading() as connection:
        mine = start_for(connection, bed.dose.dose, reader(), current.present().person, current.now())
    words = current.words()
    lines = tuple(
        desk.Line(label=words.field("bedside_scanned", name), value=words.value(getattr(mine.scans, name))) for name in SCANNED_LINES
    )
    shown = desk.signature_of(
        InfusionStarted.rule, place, title=words.act_title("infusion_started"), lines=lines, digest=scans_digest(mine.scans).value, error=fault
    )
    return replace(shown, button=words.say("button.start_infusion" if place else "button.sign"))


def _compared(bed: Bed) -> tuple[desk.Line, ...]:
    """What the server compared, without what anybody answered: dose, participant, bags, prescription, and who scanned."""
    words, dose, given = current.words(), bed.dose, bed.state.verdict
    passed = sum(finding.outcome == "passed" for finding in given.findings) if given is not None else 0
    failed = len({finding.gate for finding in given.findings if finding.outcome == "blocked"}) if given is not None else 0
    rules = [words.say("verdict.rules_passed", count=passed)] + ([words.say("verdict.rules_failed", count=failed)] if failed else [])
    return (
        desk.Line(label=words.field("bedside_scanned", "dose"), value=dose.dose.value),
        desk.Line(label=words.field("infusion_started", "participant"), value=dose.participant.value),
        desk.Line(label=words.field("bedside_scanned", "bag"), value=words.value(dose.bags)),
        desk.Line(label=words.say("bedside.prescribed"), value=prescribed(bed)),
        desk.Line(label=words.say("bedside.rules"), value=words.say("format.comma").join(rules)),
    )


def prescribed(bed: Bed) -> str:
    words, dose = current.words(), bed.dose
    if dose.volume_ml is None or dose.rate_ml_per_min is None:
        return words.say("format.nothing")
    return words.say("bedside.volume_and_rate", volume=dose.volume_ml, rate=dose.rate_ml_per_min)


def scanned_rule() -> str:
    return BedsideScanned.rule.name
