"""What every page of the receiving desk starts from: its blueprint, the shipment, and forms of acts that are signed at once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ActRule
from custody.domain.duties import slot_of
from custody.domain.ids import Node, ShipmentId
from custody.domain.terms import Role
from custody.errors import CustodyError, NotFoundError
from custody.web import access, current, meanwhile
from custody.web.deeds import Task, form_fields, task
from custody.web.forms import Typed
from custody.web.problems import Problem, problems_of
from custody.workflows.arriving import ShipmentAtDesk, dossier_for, shipment_at
from custody.workflows.signer import Signer

Page = str | Response | tuple[str, int]
blueprint = Blueprint("receiving", __name__, url_prefix="/receiving")
READERS = (Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.VERIFIER)
at_the_desk = access.needs(*READERS)
"""Who may open a page of the receiving desk: those who may sign one of its two places."""


def readers() -> tuple[Signer, ...]:
    """The person as they read at each of their sites."""
    return current.readers(*READERS)


def reader() -> Signer:
    """The person as they read where the shipment of this request goes."""
    here = readers()
    return next((each for each in here if each.site == g.get("at_site")), here[0])


@blueprint.before_request
def _act_where_the_shipment_goes() -> None:
    """Somebody who works at several sites acts for the one to which this shipment goes."""
    shipment = (request.view_args or {}).get("shipment", "")
    here = readers() if shipment else ()
    if len(here) < 2:
        return
    with current.store().reading() as connection:
        for each in here:
            with suppress(NotFoundError):
                dossier_for(connection, ShipmentId.parse(shipment), each)
                current.act_at(each.site)
                return


def desk_of(shipment: str) -> ShipmentAtDesk:
    """Raises NotFoundError for a shipment that is unknown, not sealed, or on its way to another site."""
    with current.store().reading() as connection:
        return shipment_at(connection, ShipmentId.parse(shipment), reader(), current.viewer())


def task_for(rule: ActRule, subject: Node, fixed: Mapping[str, Any]) -> Task:
    """The act at this desk; `fixed`: what the page knows besides what the record does."""
    with current.store().reading() as connection:
        todo = task(connection, rule, subject)
    return replace(todo, fixed={**todo.fixed, **fixed})


def act_page(
    shipment: ShipmentAtDesk,
    todo: Task,
    typed: Typed,
    errors: Mapping[str, CustodyError],
    *,
    action: str,
    place: int = 0,
    title: str = "",
    secret_fault: str = "",
    problems: tuple[Problem, ...] = (),
    **more: Any,
) -> Page:
    """The form of one act with the secret at its end; `problems`: why the record refused it."""
    words, rule = current.words(), todo.rule
    slot = slot_of(rule, place)
    fields = form_fields(todo, typed, errors)
    every = (*problems, *problems_of(errors, fields), *((Problem(secret_fault, "secret"),) if secret_fault else ()))
    text = render_template(
        "pages/receiving_act.html",
        page_title=title or words.act_title(rule.name),
        shipment=shipment,
        act=rule.name,
        action=action,
        back=url_for("receiving.show", shipment=shipment.shipment.value),
        fields=fields,
        problems=every,
        meaning=words.term(slot.meaning) if slot is not None else "",
        secret_fault=secret_fault,
        second=place > 0,
        two=len(rule.slots) > 1,
        told=meanwhile.told_now(todo.subject or shipment.shipment, typed),
        **more,
    )
    return text, 409 if problems else 422 if every else 200
