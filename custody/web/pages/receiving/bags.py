"""One bag at the receiving desk: two people scan and look, each alone; GO into the hospital's store, or STOP and quarantine."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from custody.domain.acts.base import Act, ActRule
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt
from custody.domain.duties import roles_at
from custody.domain.ids import BagId
from custody.errors import CustodyError, OutOfOrderError, StaleError
from custody.web import current, meanwhile
from custody.web.deeds import Task, read_act
from custody.web.errors import sentence
from custody.web.forms import Typed
from custody.web.outcomes import outcome_page
from custody.web.pages import desk
from custody.web.pages.receiving.common import Page, act_page, at_the_desk, blueprint, desk_of, task_for
from custody.web.problems import Problem
from custody.web.signing import key_sent, method_given, policy_first, refused_signature
from custody.workflows.arriving import BagAtDesk, ShipmentAtDesk
from custody.workflows.door import unit_of_work
from custody.workflows.outcome import Outcome
from custody.workflows.recording import countersign, record


@blueprint.get("/<shipment>/bags/<bag>")
@at_the_desk
def bag(shipment: str, bag: str) -> Page:
    """The first person's form; or, once somebody signed, decided or was stopped, what stands."""
    found = desk_of(shipment)
    here = found.bag(BagId.parse(bag))
    if here.state == "open" or (here.state == "stopped" and request.args.get("again")):
        there = policy_first(BagAccepted.rule, 0, request.path)
        return there if there is not None else _form(found, here, 0, {})
    return render_template(
        "pages/receiving_bag.html",
        page_title=current.words().named(here.bag),
        shipment=found,
        bag=here,
        verdict=None if here.verdict is None or here.state != "stopped" else desk.shown(here.verdict),
        mine=current.present().person in here.signed_by,
    )


@blueprint.post("/<shipment>/bags/<bag>")
@at_the_desk
def receive(shipment: str, bag: str) -> Page:
    return _write(shipment, bag, 0)


@blueprint.get("/<shipment>/bags/<bag>/second")
@at_the_desk
def second_form(shipment: str, bag: str) -> Page:
    found = desk_of(shipment)
    here = found.bag(BagId.parse(bag))
    if here.proposal is None or here.act != BagAccepted.rule.name:
        return redirect(url_for("receiving.bag", shipment=shipment, bag=bag), 303)
    there = policy_first(BagAccepted.rule, 1, request.path)
    return there if there is not None else _form(found, here, 1, {})


@blueprint.post("/<shipment>/bags/<bag>/second")
@at_the_desk
def second(shipment: str, bag: str) -> Page:
    """The second person's own scan and answers; everything is judged in the same transaction."""
    return _write(shipment, bag, 1)


@blueprint.get("/<shipment>/bags/<bag>/refuse")
@at_the_desk
def refuse_form(shipment: str, bag: str) -> Page:
    found = desk_of(shipment)
    here = found.bag(BagId.parse(bag))
    there = policy_first(BagRefusedAtReceipt.rule, 0, request.path)
    if there is not None:
        return there
    current.signer(BagRefusedAtReceipt.rule, 0)
    return _refusal_page(found, here, {})


@blueprint.post("/<shipment>/bags/<bag>/refuse")
@at_the_desk
def refuse(shipment: str, bag: str) -> Page:
    """Quarantine or rejection: signed here by the first person, and by the second in their list of what waits."""
    found = desk_of(shipment)
    here = found.bag(BagId.parse(bag))
    todo, typed = _todo(found, here, BagRefusedAtReceipt.rule), desk.typed()
    with current.store().reading() as connection:
        act, faults = read_act(connection, todo, typed)
    if act is None or faults:
        return act_page(found, todo, typed, faults, action=_refusing(found, here))
    refused = refused_signature()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"), 303)
    if refused is not None:
        return _refusal_page(found, here, typed, secret_fault=refused.text)
    try:
        with unit_of_work(current.store()) as connection:
            signer = desk.noting_typed(current.signer(BagRefusedAtReceipt.rule, 0, method=method_given(), key=key_sent()))
            meanwhile.check_undecided(connection, act, typed)
            record(connection, act, signer, current.now())
    except (StaleError, OutOfOrderError) as error:
        return _refusal_page(found, here, typed, problems=(Problem(sentence(error)),))
    return redirect(url_for("receiving.bag", shipment=shipment, bag=bag), 303)


def _write(shipment: str, bag: str, place: int) -> Page:
    found = desk_of(shipment)
    here = found.bag(BagId.parse(bag))
    todo, typed = _todo(found, here, BagAccepted.rule), desk.typed()
    with current.store().reading() as connection:
        act, faults = read_act(connection, todo, typed)
    if act is None or faults:
        return act_page(found, todo, typed, faults, action=_action(found, here, place), place=place, title=_title(place), bag=here)
    refused = refused_signature()
    if refused is not None and refused.locked:
        return redirect(url_for("sign_in.form", why="locked"), 303)
    if refused is not None:
        return _form(found, here, place, typed, secret_fault=refused.text)
    try:
        outcome = _signed(here, place, act, typed)
    except (StaleError, OutOfOrderError) as error:
        return _overtaken(shipment, here.bag, place, typed, error)
    if outcome.kind == "cannot_check":
        return outcome_page(outcome, BagAccepted.rule, signed=place + 1)
    return redirect(url_for("receiving.bag", shipment=shipment, bag=bag), 303)


def _signed(here: BagAtDesk, place: int, act: Act, typed: Typed) -> Outcome:
    """Raises StaleError where somebody decided about the bag, or signed at this very place, since the form was opened."""
    with unit_of_work(current.store()) as connection:
        signer = desk.noting_typed(current.signer(BagAccepted.rule, place, method=method_given(), key=key_sent()))
        meanwhile.check_undecided(connection, act, typed)
        if place == 0:
            return record(connection, act, signer, current.now())
        if here.proposal is None:
            raise StaleError("this is no longer waiting for a second person", code="proposal_gone")
        return countersign(connection, here.bag, here.proposal, signer, current.now(), answers=act)


def _overtaken(shipment: str, bag: BagId, place: int, typed: Typed, error: CustodyError) -> Page:
    """The form again with what others recorded; who scanned alone while somebody else signed first is the second person now."""
    found, me = desk_of(shipment), current.present()
    here = found.bag(bag)
    waits = here.state == "waiting" and here.act == BagAccepted.rule.name and me.person not in here.signed_by
    if place == 0 and waits and me.roles & roles_at(BagAccepted.rule, 1):
        return _form(found, here, 1, typed, problems=(Problem(current.words().say("meanwhile.now_second")),))
    return _form(found, here, place, typed, problems=(Problem(sentence(error)),))


def _todo(found: ShipmentAtDesk, here: BagAtDesk, rule: ActRule) -> Task:
    return task_for(rule, here.bag, {"shipment": found.shipment.key})


def _form(found: ShipmentAtDesk, here: BagAtDesk, place: int, typed: Typed, **told: Any) -> Page:
    """`told`: the `secret_fault` or the `problems` of one that was sent."""
    current.signer(BagAccepted.rule, place)
    todo = _todo(found, here, BagAccepted.rule)
    return act_page(found, todo, typed, {}, action=_action(found, here, place), place=place, title=_title(place), bag=here, **told)


def _refusal_page(found: ShipmentAtDesk, here: BagAtDesk, typed: Typed, **told: Any) -> Page:
    todo = _todo(found, here, BagRefusedAtReceipt.rule)
    title = current.words().say("receiving.refuse_title")
    return act_page(found, todo, typed, {}, action=_refusing(found, here), title=title, **told)


def _title(place: int) -> str:
    return current.words().say("receiving.second_title" if place else "receiving.bag_title")


def _action(found: ShipmentAtDesk, here: BagAtDesk, place: int) -> str:
    endpoint = "receiving.second" if place else "receiving.receive"
    return url_for(endpoint, shipment=found.shipment.value, bag=here.bag.value)


def _refusing(found: ShipmentAtDesk, here: BagAtDesk) -> str:
    return url_for("receiving.refuse", shipment=found.shipment.value, bag=here.bag.value)
