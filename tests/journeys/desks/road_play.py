"""Which steps hands do and which the rehearsal plays: waiting days and repetitions are played, every kind of act is done by hand."""

from __future__ import annotations

import os
import sys
from time import monotonic

from custody.domain.acts import allocation, bedside, shipping
from custody.domain.acts.base import Act
from custody.domain.ids import PersonId
from custody.workflows import demonstration
from custody.workflows.rehearsal.downstream import RECEIVERS
from custody.workflows.rehearsal.player import Past, Player
from custody.workflows.rehearsal.steps import Step, people
from tests.journeys.desks import road_bedside as bed
from tests.journeys.desks import road_receiving as receiving
from tests.journeys.desks.road_hands import Hands
from tests.journeys.desks.road_store import Prepared

PLAYED = frozenset({"logger_registered", "logger_calibrated", "shipper_registered", "shipper_qualified"})
CODES = {"demo-coldchain-one": "A-402913", "demo-carrier-one": "B-118204", "demo-preparer-one": "C-771035"}
"""What each giver reads out."""
TAKEN_FROM = {"demo-carrier-one": "demo-coldchain-one", "demo-receiver-one": "demo-carrier-one", "demo-nurse-one": "demo-preparer-one"}


def walk(road: Prepared, hands: Hands, *, since: str = "") -> list[Step]:
    """Every step in its order and at its time: by hand what nobody has done before, played what only repeats it.

    `since`: the first step for hands; what comes before it is played. The steps from there on.
    """
    server, player = hands.company.server, Player(hands.company.server.store)
    seen, walked = set(), []
    for step in road.steps:
        server.clock.reach(step.at)
        if walked or step.name == since or not since:
            walked.append(step)
        if not walked or is_played(step) or (step.name, step.by) in seen:
            player.play(step)
            continue
        seen.add((step.name, step.by))
        began = monotonic()
        by_hand(road, hands, step)
        if os.environ.get("ROAD_TIMES"):
            print(f"{monotonic() - began:6.2f} {step.name}", file=sys.stderr, flush=True)
    return walked


def is_played(step: Step) -> bool:
    """What the registers keep belongs to the stock of the rehearsal."""
    return step.name in PLAYED


def by_hand(road: Prepared, hands: Hands, step: Step) -> None:
    with hands.company.server.store.reading() as connection:
        act = step.act_in(Past(connection))
    match act:
        case shipping.HandoffAccepted() if receiving.is_receiving(act, step.by[0]):
            receiving.take_over(hands, step, act, CODES[TAKEN_FROM[step.by[0]]])
        case shipping.ShipmentArrived():
            receiving.look_over(hands, step, act)
        case shipping.LoggerFileRead() if step.by[0] != RECEIVERS[0]:
            receiving.read_store_file(hands, step, act)
        case shipping.LoggerFileRead():
            receiving.read_file(hands, step, act, road.cast.shipment)
        case shipping.BagAccepted():
            receiving.accept(hands, step, act)
        case bedside.BedsideScanned():
            bed.scan(hands, step, act)
        case bedside.InfusionStarted():
            bed.start(hands, step, act)
        case _:
            by_its_form(hands, step, act)


def by_its_form(hands: Hands, step: Step, act: Act) -> None:
    given = written(act, step.by[0])
    hands.act(act, step.by[0], given=given)
    for account in step.by[1:]:
        hands.second(act, account, given=given)


def written(act: Act, by: str) -> dict[str, object]:
    """What a person writes where the record keeps a digest or a person."""
    match act:
        case allocation.WristbandIssued():
            return {"second_identifier": demonstration.HOSPITAL_NUMBER}
        case shipping.HandoffOffered():
            to = {} if act.to_person is None else {"to_person": f"CU1:badge:{account_of(act.to_person).upper()}"}
            return {"code": CODES[by], **to}
        case shipping.HandoffAccepted():
            return {"code": CODES[TAKEN_FROM[by]]}
    return {}


def account_of(person: PersonId) -> str:
    return next(name for name, each in people().items() if each.person == person)
