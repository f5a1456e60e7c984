"""Where a check stands, for both devices: waiting, the verdict, the two signatures that start the infusion."""

from __future__ import annotations

from dataclasses import replace

from flask import Response as JsonPage
from flask import jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.bedside import InfusionStarted
from custody.domain.duties import roles_at
from custody.domain.ids import DoseId
from custody.domain.masking import Seen
from custody.domain.verdict import Verdict
from custody.errors import StaleError
from custody.web import current
from custody.web.errors import sentence
from custody.web.pages import desk
from custody.web.pages.bedside.checking import Kept, digest_or_none, step_page
from custody.web.pages.bedside.common import Bed, at_the_bed, bed_of, blueprint, prescribed, reader
from custody.web.pages.bedside.running import infusion_of, mark_of, running_page
from custody.web.problems import Problem
from custody.web.signing import method_given, refused_signature
from custody.web.wording import Line, VerdictShown, value_text
from custody.workflows import bedside
from custody.workflows.bedside import scans_digest, sign_start, start_for
from custody.workflows.door import unit_of_work
from custody.workflows.verdicts import VerdictRead, not_kept, read_verdict

Page = str | Response | tuple[str, int]
SCANNED_LINES = ("wristband", "second_identifier_method", "bag", "bag_read_as", "volume_ml", "rate_ml_per_min")


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
    mark = mark_of(bed, infusion_of(bed)) if bed.stage == "running" else bed.mark
    return jsonify(mark=mark, stage=bed.stage, now=current.now().isoformat())


@blueprint.post("/<dose>/check")
@at_the_bed
def check(dose: str) -> Page:
    """Ask for the verdict again, where the first time it could not be given."""
    node = DoseId.parse(dose)
    with unit_of_work(current.store()) as connection:
        checked = bedside.check(connection, node, reader(), current.now())
    if checked is not None and checked.entry is None:
        return _page(bed_of(node), desk.shown(_not_kept(checked.verdict))), 503
    return redirect(url_for("bedside.show", dose=node.value), 303)


@blueprint.post("/<dose>/start")
@at_the_bed
def start(dose: str) -> Page:
    """One of the two signatures. The second judges everything again in the same transaction: it starts, or it stops."""
    node = DoseId.parse(dose)
    bed = bed_of(node)
    if bed.stage != "go":
        return redirect(url_for("bedside.show", dose=node.value), 303)
    refused = refused_signature()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"), 303)
    if refused is not None:
        return verdict_page(bed, secret_fault=refused.text), 403
    proposal = digest_or_none(request.form.get("proposal", ""))
    shown = digest_or_none(request.form.get("digest", ""))
    if shown is None:
        raise StaleError("this form says nothing of what is signed; open it again", code="stale")
    place = 0 if proposal is None else 1
    signer = current.signer(InfusionStarted.rule, place, method=method_given())
    try:
        with unit_of_work(current.store()) as connection:
            person = current.present().person
            outcome = sign_start(connection, node, signer, person, current.now(), scans_shown=shown, proposal=proposal)
    except StaleError as error:
        # The other signed meanwhile, or a scan made the GO old: the page as it stands now, and why nothing was recorded.
        return _overtaken(bed_of(node), sentence(error))
    if outcome is not None and outcome.kind == "cannot_check" and outcome.verdict is not None:
        return _page(bed, desk.shown(_not_kept(outcome.verdict))), 503
    return redirect(url_for("bedside.show", dose=node.value), 303)


def _overtaken(bed: Bed, why: str) -> Page:
    if bed.stage not in {"go", "stop", "too_old", "unjudged"}:
        return redirect(url_for("bedside.show", dose=bed.dose.dose.value), 303)
    return verdict_page(bed, problems=(Problem(why),)), 409


def verdict_page(bed: Bed, *, secret_fault: str = "", problems: tuple[Problem, ...] = ()) -> str:
    """GO with the signature, STOP with what to do, or CANNOT CHECK for everything that is neither."""
    given = bed.state.verdict
    if given is None or bed.stage not in {"go", "stop"}:
        return _page(bed, unsure(bed), problems=problems)
    read = read_verdict(current.viewer(), given)
    at_go = "bedside.you_signed" if _has_signed(bed) else "bedside.sign_now" if _may_sign(bed) else "bedside.others_sign"
    verdict = desk.shown(read, at_go=(at_go,), valid_until=bed.state.valid_until, compared=_compared(bed, read.value))
    return _page(bed, verdict, secret_fault=secret_fault, problems=problems)


def unsure(bed: Bed) -> VerdictShown:
    """CANNOT CHECK, as the page shows it when the verdict is too old, was never given, or the server cannot be reached."""
    shown = desk.shown(_not_kept(bedside.unreachable(bed.dose.dose, current.now())))
    if bed.stage != "too_old":
        return shown
    return replace(shown, reasons=(desk.said("verdict.expired"),), steps=(desk.said("bedside.both_again"),))


def _not_kept(verdict: Verdict) -> Seen[VerdictRead]:
    return not_kept(current.viewer(), verdict, InfusionStarted.rule.name)


def _page(bed: Bed, shown: VerdictShown, *, secret_fault: str = "", problems: tuple[Problem, ...] = ()) -> str:
    words = current.words()
    signature = _signature(bed, secret_fault) if shown.word == "GO" and _may_sign(bed) else None
    return render_template(
        "pages/bedside_verdict.html",
        page_title=words.say("bedside.title"),
        bed=bed,
        shown=shown,
        unsure=unsure(bed),
        signature=signature,
        problems=(*problems, *((Problem(secret_fault, "secret"),) if secret_fault else ())),
    )


def _has_signed(bed: Bed) -> bool:
    waiting = bed.state.waiting_start
    return waiting is not None and any(signed.person == current.present().person for signed in waiting.signers)


def _may_sign(bed: Bed) -> bool:
    given = bed.state.verdict
    if given is None or _has_signed(bed) or current.present().person.value not in given.persons:
        return False
    return bool(current.present().roles & roles_at(InfusionStarted.rule, 0 if bed.state.waiting_start is None else 1))


def _signature(bed: Bed, fault: str) -> desk.ShownSignature:
    """What this person signs: their own scans, and that identity was checked at the bed."""
    place = 0 if bed.state.waiting_start is None else 1
    with current.store().reading() as connection:
        mine = start_for(connection, bed.dose.dose, reader(), current.present().person, current.now())
    words = current.words()
    lines = tuple(
        Line(words.field("bedside_scanned", name), value_text(words, "bedside_scanned", name, getattr(mine.scans, name)))
        for name in SCANNED_LINES
    )
    button = "button.start_infusion" if place else "button.sign"
    return desk.signature_of(InfusionStarted.rule, place, lines=lines, digest=scans_digest(mine.scans).value, error=fault, button=button)


def _compared(bed: Bed, read: VerdictRead) -> tuple[Line, ...]:
    """What the server compared, without what anybody answered: dose, participant, bags, prescription, and how many rules held."""
    words, dose = current.words(), bed.dose
    rules = [words.say("verdict.rules_passed", count=read.passed)]
    if read.blocking:
        rules.append(words.say("verdict.rules_failed", count=len({finding.gate for finding in read.blocking})))
    return (
        Line(words.field("bedside_scanned", "dose"), dose.dose.value),
        Line(words.field("infusion_started", "participant"), dose.participant.value),
        Line(words.say("bedside.bags"), words.value(dose.bags)),
        Line(words.say("bedside.prescribed"), prescribed(dose)),
        Line(words.say("bedside.rules"), words.say("format.comma").join(rules)),
    )
