"""Which shipment; its tasks; taking it over with seals and possession code; the arrival checklist."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import redirect, render_template, request, url_for

from custody.domain.acts.base import Act, ActRule
from custody.domain.acts.shipping import HandoffAccepted, ShipmentArrived
from custody.domain.ids import ShipmentId
from custody.errors import InputError, NotFoundError, OutOfOrderError, StaleError
from custody.web import current, errors, meanwhile
from custody.web.commands import lead_away
from custody.web.deeds import Task, read_act
from custody.web.desks import BY_NAME
from custody.web.forms import Typed
from custody.web.moments import Moment
from custody.web.outcomes import outcome_page
from custody.web.pages import desk
from custody.web.pages.receiving.common import Page, act_page, at_the_desk, blueprint, desk_of, readers, task_for
from custody.web.problems import Problem
from custody.web.scans_judged import scanned_on
from custody.web.signing import key_sent, method_given, policy_first, refused_signature
from custody.workflows.arriving import BagAtDesk, LoggerAtDesk, ShipmentAtDesk, shipment_meant, shipments_at
from custody.workflows.choices import Known
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record

BAG_STATES = {
    "open": ("incomplete", ""),
    "waiting": ("incomplete", "receiving.wait_second"),
    "stopped": ("problem", "receiving.stopped"),
    "accepted": ("completed", "receiving.accepted"),
    "quarantined": ("completed", "receiving.refused"),
    "rejected": ("completed", "receiving.rejected"),
}


@dataclass(frozen=True, kw_only=True)
class TaskShown:
    """One line of templates/parts/task_list.html."""

    label: str
    href: str
    state: str
    hint: str = ""


def _first() -> str:
    with current.store().reading() as connection:
        shipments = shipments_at(connection, readers(), current.viewer())
    return url_for("receiving.show", shipment=shipments[0].shipment.value) if shipments else ""


blueprint.before_request(lead_away(BY_NAME["receiving"], _first))


@blueprint.get("")
@at_the_desk
def choose() -> Page:
    return _list(scanned="", fault="")


@blueprint.post("/find")
@at_the_desk
def find() -> Page:
    text = request.form.get("scan", "").strip()
    try:
        with current.store().reading() as connection:
            shipment: ShipmentId = shipment_meant(connection, text, readers(), current.viewer())
    except (InputError, NotFoundError) as error:
        desk.keep_refused("receiving", text, error)
        return _list(scanned=text, fault=errors.sentence(error)), errors.status_of(error)
    return redirect(url_for("receiving.show", shipment=shipment.value), 303)


def _list(*, scanned: str, fault: str) -> str:
    with current.store().reading() as connection:
        shipments = shipments_at(connection, readers(), current.viewer())
    problems = (Problem(fault, "scan"),) if fault else ()
    title = current.words().say("receiving.title")
    return render_template("pages/receiving.html", page_title=title, shipments=shipments, scanned=scanned, fault=fault, problems=problems)


@blueprint.get("/<shipment>")
@at_the_desk
def show(shipment: str) -> Page:
    """What there is to do, with the state of each task."""
    found = desk_of(shipment)
    tasks = (_hand_over_task(found), _arrival_task(found), *(_file_task(found, each) for each in found.loggers))
    bags = tuple(_bag_task(found, bag) for bag in found.bags)
    title = current.words().named(found.shipment)
    return render_template("pages/receiving_shipment.html", page_title=title, shipment=found, tasks=tasks, bags=bags)


def _hand_over_task(found: ShipmentAtDesk) -> TaskShown:
    words = current.words()
    label, href = words.say("receiving.task_hand_over"), url_for("receiving.hand_over_form", shipment=found.shipment.value)
    if found.offered_at is not None:
        hint = words.say("receiving.offered_by", name=found.offered_by, at=found.offered_at)
        return TaskShown(label=label, href=href, state="incomplete", hint=hint)
    if found.taken_over:
        return TaskShown(label=label, href="", state="completed")
    return TaskShown(label=label, href="", state="cannot_start", hint=words.say("receiving.no_offer"))


def _arrival_task(found: ShipmentAtDesk) -> TaskShown:
    label = current.words().say("receiving.task_arrival")
    if found.arrived_at is not None:
        return TaskShown(label=label, href="", state="completed", hint=current.words().date_time(found.arrived_at))
    return TaskShown(label=label, href=url_for("receiving.arrival_form", shipment=found.shipment.value), state="incomplete")


def _file_task(found: ShipmentAtDesk, each: LoggerAtDesk) -> TaskShown:
    words, name = current.words(), found.shipment.value
    label = words.say("receiving.task_file", logger=each.logger)
    if each.file is not None:
        return TaskShown(label=label, href=url_for("receiving.file", shipment=name, digest=each.file.value), state="completed")
    if found.arrived_at is None:
        return TaskShown(label=label, href="", state="cannot_start", hint=words.say("receiving.wait_arrival"))
    return TaskShown(label=label, href=url_for("receiving.upload_form", shipment=name), state="incomplete")


def _bag_task(found: ShipmentAtDesk, bag: BagAtDesk) -> TaskShown:
    words = current.words()
    label = words.say("receiving.task_bag", bag=bag.bag)
    if found.arrived_at is None and bag.state == "open":
        return TaskShown(label=label, href="", state="cannot_start", hint=words.say("receiving.wait_arrival"))
    state, hint = BAG_STATES[bag.state]
    href = url_for("receiving.bag", shipment=found.shipment.value, bag=bag.bag.value)
    return TaskShown(label=label, href=href, state=state, hint=words.say(hint) if hint else "")


@blueprint.get("/<shipment>/hand-over")
@at_the_desk
def hand_over_form(shipment: str) -> Page:
    return _empty(desk_of(shipment), HandoffAccepted.rule, url_for("receiving.hand_over", shipment=shipment))


@blueprint.post("/<shipment>/hand-over")
@at_the_desk
def hand_over(shipment: str) -> Page:
    """Custody passes here, with the seals read again and the code the giver read out."""
    return _write(desk_of(shipment), HandoffAccepted.rule, url_for("receiving.hand_over", shipment=shipment))


@blueprint.get("/<shipment>/arrival")
@at_the_desk
def arrival_form(shipment: str) -> Page:
    return _empty(desk_of(shipment), ShipmentArrived.rule, url_for("receiving.arrival", shipment=shipment))


@blueprint.post("/<shipment>/arrival")
@at_the_desk
def arrival(shipment: str) -> Page:
    return _write(desk_of(shipment), ShipmentArrived.rule, url_for("receiving.arrival", shipment=shipment))


def _todo(found: ShipmentAtDesk, rule: ActRule) -> Task:
    todo = task_for(rule, found.shipment, {rule.subject_field: found.shipment.key})
    documents = tuple(Known(value=name, vocabulary="document") for name in found.documents)
    return todo if "documents" in todo.known else replace(todo, known={**todo.known, "documents": documents})


def _empty(found: ShipmentAtDesk, rule: ActRule, action: str) -> Page:
    there = policy_first(rule, 0, request.path)
    if there is not None:
        return there
    current.signer(rule, 0)
    typed = dict(Moment.of(current.now(), current.words().zone).as_typed("arrived_at")) if rule is ShipmentArrived.rule else {}
    return act_page(found, _todo(found, rule), typed, {}, action=action)


def _write(found: ShipmentAtDesk, rule: ActRule, action: str) -> Page:
    todo = _todo(found, rule)
    typed, goes_on = scanned_on(rule, desk.typed())
    if goes_on:
        return act_page(found, todo, typed, {}, action=action)
    with current.store().reading() as connection:
        act, faults = read_act(connection, todo, typed)
    if act is None or faults:
        return act_page(found, todo, typed, faults, action=action)
    refused = refused_signature()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"), 303)
    if refused is not None:
        return act_page(found, todo, typed, {}, action=action, secret_fault=refused.text)
    return _record(found, todo, act, typed, action)


def _record(found: ShipmentAtDesk, todo: Task, act: Act, typed: Typed, action: str) -> Page:
    """Where somebody recorded the same since the form was opened, the form comes back and says so."""
    try:
        with unit_of_work(current.store()) as connection:
            signer = desk.noting_typed(current.signer(todo.rule, 0, method=method_given(), key=key_sent()))
            meanwhile.check_undecided(connection, act, typed)
            outcome = record(connection, act, signer, current.now())
    except (StaleError, OutOfOrderError) as error:
        return act_page(desk_of(found.shipment.value), todo, typed, {}, action=action, problems=(Problem(errors.sentence(error)),))
    if outcome.kind == "recorded":
        return redirect(url_for("receiving.show", shipment=found.shipment.value), 303)
    return outcome_page(outcome, todo.rule, signed=1)
