"""A running infusion: Pause, Reaction and Stop always on screen, what is due, the next bag's short check, the end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ACTS, Act, ActRule
from custody.domain.acts.bedside import NextBagStarted
from custody.domain.duties import slot_of
from custody.domain.ids import DoseId
from custody.errors import CustodyError, NotFoundError, OutOfOrderError, StaleError
from custody.web import current, meanwhile
from custody.web.deeds import Task, form_fields, may_sign_first, read_act, task
from custody.web.desks import desk as desk_named
from custody.web.errors import sentence
from custody.web.forms import Field, Typed
from custody.web.outcomes import outcome_page
from custody.web.pages import desk
from custody.web.pages.bedside.common import Bed, at_the_bed, bed_of, blueprint, prescribed, reader
from custody.web.pages.desks.safety_rows import report_href
from custody.web.problems import Problem, problems_of
from custody.web.signing import digest_sent, key_sent, method_given, must_sign, refused_signature
from custody.web.wording import reason_of
from custody.workflows.at_the_bed import require_bag_of
from custody.workflows.desks.safety import unreported
from custody.workflows.door import unit_of_work
from custody.workflows.infusing import Infusion, infusion, sign_next_bag
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.verdicts import read_finding

Page = str | Response | tuple[str, int]
HERE = (
    "infusion_paused",
    "reaction_recorded",
    "infusion_rate_changed",
    "infusion_resumed",
    "infusion_alarm_answered",
    "infusion_taken_over",
    "vitals_recorded",
    "bag_finished",
    "infusion_ended",
)
"""Acts that have their form beside the running infusion."""
SAFETY = desk_named("safety")
SCANS = frozenset({"scans"})
READ_AS = "scans.bag_read_as"
"""Nobody is asked which label they scanned: the server knows."""
ALARM_MAX = 200


def infusion_of(bed: Bed) -> Infusion:
    with current.store().reading() as connection:
        return infusion(connection, bed.dose.dose, reader(), current.viewer(), current.now()).value


def mark_of(bed: Bed, running: Infusion) -> str:
    """Changes when something must be looked at: an alarm, a signature, another bag."""
    alarms = [f"{alarm.name} {alarm.decision}" for alarm in running.alarms]
    parts = (bed.mark, str(running.bag), str(running.paused), *alarms, *(f"{w.proposal} {len(w.signers)}" for w in running.waiting))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def _to_report(bed: Bed) -> tuple[tuple[str, str], ...]:
    """Reactions that are not yet adverse events, each with the address of its report, for whoever may report them."""
    if not may_sign_first(ACTS["adverse_event_reported"]):
        return ()
    with current.store().reading() as connection:
        found = unreported(connection, current.viewer(), bed.dose.dose).value
    return tuple((each.description, report_href(SAFETY, each)) for each in found)


def running_page(bed: Bed) -> str:
    words, running = current.words(), infusion_of(bed)
    alarms = [(alarm, reason_of(words, read_finding(alarm.finding))) for alarm in running.alarms]
    return render_template(
        "pages/bedside_running.html",
        page_title=words.say("bedside.started"),
        bed=bed,
        running=running,
        mark=mark_of(bed, running),
        prescribed=prescribed(bed.dose),
        alarms=alarms,
        reactions=_to_report(bed),
        offered=[name for name in HERE if may_sign_first(ACTS[name])],
        minutes=int((current.now() - running.started_at).total_seconds() // 60),
    )


@blueprint.get("/<dose>/acts/<name>")
@at_the_bed
def act_form(dose: str, name: str) -> Page:
    bed, rule = bed_of(DoseId.parse(dose)), _rule(name)
    current.signer(rule, 0)
    todo = _task(bed, rule)
    return _act_page(bed, todo, _suggested(todo), {})


@blueprint.post("/<dose>/acts/<name>")
@at_the_bed
def act(dose: str, name: str) -> Page:
    bed, rule = bed_of(DoseId.parse(dose)), _rule(name)
    todo, typed = _task(bed, rule), desk.typed()
    with current.store().reading() as connection:
        done, errors = read_act(connection, todo, typed)
    if done is None or errors:
        return _act_page(bed, todo, typed, errors)
    if must_sign(rule, 0):
        refused = refused_signature()
        if refused is not None and refused.locked:
            return redirect(url_for("sign_in.form", why="locked"), 303)
        if refused is not None:
            return _act_page(bed, todo, typed, errors, secret_fault=refused.text)
    try:
        outcome = _recorded(rule, done, typed)
    except (StaleError, OutOfOrderError) as error:
        return _act_page(bed, todo, typed, {}, overtaken=sentence(error))
    if outcome.kind == "recorded" or (outcome.kind == "waiting" and len(rule.slots) > 1):
        return redirect(url_for("bedside.show", dose=bed.dose.dose.value), 303)
    return outcome_page(outcome, rule, signed=1)


def _recorded(rule: ActRule, done: Act, typed: Typed) -> Outcome:
    """Raises StaleError where somebody recorded the same since the form was opened: whatever it does has its effect already."""
    method = method_given() if must_sign(rule, 0) else None
    with unit_of_work(current.store()) as connection:
        signer = desk.noting_typed(current.signer(rule, 0, method=method, key=key_sent()))
        meanwhile.check_undecided(connection, done, typed)
        return record(connection, done, signer, current.now())


@blueprint.get("/<dose>/next")
@at_the_bed
def next_form(dose: str) -> Page:
    return _next_page(bed_of(DoseId.parse(dose)), {}, {})


@blueprint.post("/<dose>/next")
@at_the_bed
def next_bag(dose: str) -> Page:
    """The short check of the next bag: each of the two scans alone; the second signature judges and starts the bag, or stops it."""
    bed, typed = bed_of(DoseId.parse(dose)), desk.typed()
    act, errors = _read_next(bed, typed)
    if act is None or errors:
        return _next_page(bed, typed, errors)
    refused = refused_signature()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"), 303)
    if refused is not None:
        return _next_page(bed, typed, {}, secret_fault=refused.text)
    proposal = digest_sent() if request.form.get("digest") else None
    signer = desk.noting_typed(current.signer(NextBagStarted.rule, 0 if proposal is None else 1, method=method_given()))
    try:
        with unit_of_work(current.store()) as connection:
            person = current.present().person
            outcome = sign_next_bag(connection, act, signer, person, current.now(), proposal=proposal)
    except (StaleError, OutOfOrderError) as error:
        return _next_page(bed_of(bed.dose.dose), typed, {}, overtaken=sentence(error))
    if outcome is None or outcome.kind in {"recorded", "waiting"}:
        return redirect(url_for("bedside.show", dose=bed.dose.dose.value), 303)
    return outcome_page(outcome, NextBagStarted.rule, signed=2)


def _read_next(bed: Bed, typed: Typed) -> tuple[NextBagStarted | None, dict[str, CustodyError]]:
    """The next bag as this person scanned it: the bag of the act is the bag scanned."""
    todo = _task(bed, NextBagStarted.rule)
    scanned = typed.get("scans.bag", [""])
    meant = [bed.dose.bag_under(text) for text in scanned]
    read_as = [bed.dose.read_as(text).value for text in scanned]
    with current.store().reading() as connection:
        done, errors = read_act(connection, todo, {**typed, "scans.bag": meant, READ_AS: read_as, "bag": meant})
    if errors.pop("bag", None) is not None or not isinstance(done, NextBagStarted):
        return None, errors
    try:
        require_bag_of(bed.dose, done.bag)
    except CustodyError as error:
        desk.keep_refused(f"bedside {bed.dose.dose} next bag", scanned[0], error)
        return None, {"scans.bag": error}
    return done, errors


def _next_page(bed: Bed, typed: Typed, errors: Mapping[str, CustodyError], *, secret_fault: str = "", overtaken: str = "") -> Page:
    """`overtaken`: why the record refused what was sent; who was not the first to sign is the second."""
    words, running = current.words(), infusion_of(bed)
    waiting = running.waiting_next_bag
    signed_by_me = waiting is not None and any(signed.person == current.present().person for signed in waiting.signers)
    if overtaken and waiting is not None and not signed_by_me:
        overtaken = words.say("meanwhile.now_second")
    todo = _task(bed, NextBagStarted.rule)
    (group,) = form_fields(todo, typed, errors, only=SCANS)
    problems = _problems(overtaken, errors, (group,), secret_fault)
    text = render_template(
        "pages/bedside_next.html",
        page_title=words.say("bedside.next_bag"),
        bed=bed,
        fields=tuple(field for field in group.fields if field.name != READ_AS),
        problems=problems,
        secret_fault=secret_fault,
        waiting=waiting,
        signed_by_me=signed_by_me,
        told=meanwhile.told_now(bed.dose.dose, typed),
    )
    return text, _status(problems, overtaken)


def _problems(overtaken: str, errors: Mapping[str, CustodyError], fields: tuple[Field, ...], secret_fault: str) -> tuple[Problem, ...]:
    first = (Problem(overtaken),) if overtaken else ()
    return (*first, *problems_of(errors, fields), *((Problem(secret_fault, "secret"),) if secret_fault else ()))


def _status(problems: tuple[Problem, ...], overtaken: str) -> int:
    return 409 if overtaken else 422 if problems else 200


def _rule(name: str) -> ActRule:
    if name not in HERE:
        raise NotFoundError(f"there is no form for “{name[:60]}” at the bed", code="page_not_found")
    return ACTS[name]


def _task(bed: Bed, rule: ActRule) -> Task:
    with current.store().reading() as connection:
        return task(connection, rule, bed.dose.dose)


def _suggested(todo: Task) -> dict[str, list[str]]:
    """What the link that led here already says: which alarm the physician answers. Nothing measured is filled in beforehand."""
    return {"alarm": [request.args.get("alarm", "")[:ALARM_MAX]]} if todo.rule.name == "infusion_alarm_answered" else {}


def _act_page(
    bed: Bed,
    todo: Task,
    typed: Typed,
    errors: Mapping[str, CustodyError],
    *,
    secret_fault: str = "",
    overtaken: str = "",
) -> Page:
    words, rule = current.words(), todo.rule
    fields = form_fields(todo, typed, errors)
    slot = slot_of(rule, 0)
    problems = _problems(overtaken, errors, fields, secret_fault)
    text = render_template(
        "pages/bedside_act.html",
        page_title=words.act_title(rule.name),
        bed=bed,
        act=rule.name,
        fields=fields,
        problems=problems,
        meaning=words.term(slot.meaning) if slot is not None else "",
        secret_fault=secret_fault,
        two=len(rule.slots) > 1,
        told=meanwhile.told_now(bed.dose.dose, typed),
    )
    return text, _status(problems, overtaken)
