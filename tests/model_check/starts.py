"""Where the model check begins, and what each of its three actors may try there: on the road from the store to the bed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache

from custody.domain.acts import bedside as bed
from custody.domain.acts import manufacturing, quality, shipping
from custody.domain.acts.base import Act
from custody.domain.ids import CohortId, Node
from custody.domain.terms import Answer
from custody.workflows.rehearsal import downstream
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS, scans
from custody.workflows.rehearsal.downstream import COURIER, DOCUMENTS, RECEIVERS, handoff
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from custody.workflows.rehearsal.road import PACKER, QA, QP, VERIFIER, Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.whole import consent_to_closed_dose
from tests.chain import BEDSIDE_AT
from tests.model_check.explore import Move
from tests.model_check.world import Play, World, world_before

CAST = Cast(weight_kg=Decimal(100), bag_count=2)
OTHER_BOX = Cast(number=9)
BAG = CAST.bags[0]
LINE = (BAG, CAST.lot, CAST.working, CAST.master, CAST.tissue, CAST.donation, CAST.donor, CAST.shipment, OTHER_BOX.shipment)
LABEL_ENDS = BEDSIDE_AT + timedelta(minutes=62)
"""Two minutes before the start of the standard road, an infusion of an hour fits by four minutes."""
PACKING = ("bag_taken_out", "bag_packed")
Made = Callable[[World], Act]


@dataclass(frozen=True)
class Start:
    world: World
    moves: tuple[Move, ...]


@cache
def road() -> tuple[Step, ...]:
    """The standard road, with bags whose label ends soon after the bedside check."""
    steps = consent_to_closed_dose(BEDSIDE_AT, CAST)
    return tuple(
        replace(step, act=replace(step.act, expires_at=LABEL_ENDS)) if isinstance(step.act, manufacturing.BagsFilled) else step
        for step in steps
    )


def before(name: str, nth: int = 0, *more: Step) -> World:
    at = [step.at for step in road() if step.name == name][nth]
    return world_before([*road(), *more], at)


# ── moves ──


def does(made: Made, *by: str) -> Play:
    """The same deed is done once only."""

    def play(world: World) -> World | None:
        act = made(world)
        if any(each.act == act for each in world.accepted):
            return None
        return world.do(act, *by)

    return play


def in_turn(*plays: Play) -> Play:
    """All of it, or nothing."""

    def play(world: World) -> World | None:
        reached: World | None = world
        for each in plays:
            reached = each(reached) if reached is not None else None
        return reached

    return play


def offers(node: Node, giver: str, receiver: str, code: str) -> Play:
    return does(lambda world: handoff(node, receiver, code, CAST, world.now), giver)


def accepts(node: Node, receiver: str, cast: Cast = CAST) -> Play:
    """Reads the seals and says the code that was read out last."""

    def play(world: World) -> World | None:
        said = [each.act.code for each in world.accepted if isinstance(each.act, shipping.HandoffOffered) and each.act.node == node]
        if not said:
            return None
        seals = cast.seals if node == cast.shipment else ()
        return world.do(shipping.HandoffAccepted(node=node, seals=seals, code=said[-1]), receiver)

    return play


def withdraws(node: Node, giver: str) -> Play:
    return does(lambda _: shipping.HandoffWithdrawn(node=node, reason="mistake"), giver)


def holds(node: Node) -> Move:
    act = quality.HoldPlaced(node=node, hold=f"H {node}", reason="complaint", owner="quality")
    return Move("quality", f"holds {node}", does(lambda _: act, QA))


def lifts(node: Node) -> Move:
    return Move(
        "quality", f"lifts the hold on {node}", does(lambda _: quality.HoldLifted(node=node, hold=f"H {node}", reason="cleared"), QA)
    )


def recalls(node: Node) -> Move:
    return Move("quality", f"recalls {node}", does(lambda _: quality.Recalled(node=node, recall="R-1", reason="complaint"), QP))


def passes(minutes: float) -> Move:
    return Move("time", f"{minutes} min pass", lambda world: world.later(timedelta(minutes=minutes)))


# ── where it begins ──


def in_the_store() -> Start:
    """Released and still in the store; two boxes stand open, and both lists name the bag."""
    script = Script(BEDSIDE_AT)
    for cast in (CAST, OTHER_BOX):
        downstream.pack(script, cast, (BAG,))
    boxes = [step for step in script.in_order() if step.name not in PACKING]
    shared = {step.act.subject for step in boxes}
    kept = [step for step in road() if step.name not in PACKING and (step.act is None or step.act.subject not in shared)]
    # The store's own record has just been read.
    begins = next(step.at for step in reversed(road()) if step.act == _store_record()) + timedelta(seconds=1)
    moves = [recalls(CAST.lot), holds(BAG), lifts(BAG), passes(5)]
    for cast in (CAST, OTHER_BOX):
        moves += _of_box(cast)
    return Start(world_before([*kept, *boxes], begins), tuple(moves))


def _store_record() -> Act:
    return next(step.act for step in road() if isinstance(step.act, shipping.LoggerFileRead) and step.act.logger == FREEZER_LOGGER)


def _of_box(cast: Cast) -> list[Move]:
    pair, box = (PACKER, VERIFIER), cast.shipment
    taken = does(lambda world: manufacturing.BagTakenOut(bag=BAG, taken_at=world.now), *pair)
    packed = does(lambda world: shipping.BagPacked(bag=BAG, shipment=box, packed_at=world.now), *pair)
    sealed = shipping.ShipperSealed(shipment=box, shipper=cast.shipper, seals=cast.seals, documents=DOCUMENTS, bags=(BAG,))
    offered = does(lambda world: handoff(box, COURIER, "A-1", cast, world.now), PACKER)
    return [
        Move("packers", f"pack it into {box}", in_turn(taken, packed)),
        Move("packers", f"seal {box}", does(lambda _: sealed, *pair)),
        Move("packers", f"offer {box}", offered),
        Move("courier", f"takes {box}", accepts(box, COURIER, cast)),
    ]


def on_the_road() -> Start:
    """With the courier, who may give it to either receiver, and does not know what quality does."""
    box, (one, two) = CAST.shipment, RECEIVERS
    arrived = next(step.act for step in road() if step.name == "shipment_arrived")
    moves = (
        Move("courier", "offers it to the first", offers(box, COURIER, one, "B-1")),
        Move("courier", "offers it to the second", offers(box, COURIER, two, "B-2")),
        Move("courier", "takes the offer back", withdraws(box, COURIER)),
        Move("receivers", "the first takes it", accepts(box, one)),
        Move("receivers", "the second takes it", accepts(box, two)),
        Move("receivers", "the first offers it to the second", offers(box, one, two, "B-3")),
        Move("receivers", "it arrives", does(lambda world: replace(arrived, arrived_at=world.now), one)),
        holds(box),
        lifts(box),
        recalls(CAST.master),
        passes(31),
    )
    return Start(before("handoff_offered", 1), moves)


def _received() -> Act:
    return next(step.act for step in road() if step.name == "bag_accepted" and step.act.subject == BAG)


def arrived() -> Start:
    """In the receiving hall, its temperature record read; the label of the bag ends the day after."""
    stored = next(step.act for step in road() if step.name == "bag_stored" and step.at > before("bag_accepted").now)
    moves = (
        Move("receivers", "accept it", does(lambda _: _received(), *RECEIVERS)),
        Move("receivers", "store it", does(lambda world: replace(stored, stored_at=world.now), RECEIVERS[0])),
        Move("receivers", "refuse it", does(lambda _: _refused(), *RECEIVERS)),
        Move("ward", "sends it back", does(lambda _: shipping.BagReturned(bag=BAG, reason="not ordered"), RECEIVERS[0])),
        Move("ward", "finds a leak", does(lambda _: shipping.BagDamaged(bag=BAG, description="leak"), PREPARERS[0])),
        holds(BAG),
        lifts(BAG),
        holds(CAST.shipment),
        recalls(CAST.donation),
        passes(5),
        passes(24 * 60),
    )
    return Start(before("bag_accepted"), moves)


def _refused() -> Act:
    return shipping.BagRefusedAtReceipt(bag=BAG, shipment=CAST.shipment, reject=False, reason="label torn")


def received() -> Start:
    """In the hospital's store; it may be thawed, and handed on, and held."""
    prepared = bed.BagPreparationStarted(dose=CAST.dose, bag=BAG, container_whole=Answer.YES)
    moves = (
        Move("ward", "is ready", does(lambda _: bed.ReadyConfirmed(dose=CAST.dose), PHYSICIAN)),
        Move("preparers", "take it out", does(lambda world: manufacturing.BagTakenOut(bag=BAG, taken_at=world.now), *PREPARERS)),
        *(Move("preparers", f"{one} signs the thaw", lambda world, one=one: world.sign(prepared, one)) for one in PREPARERS),
        Move("preparers", "offer it to the ward", offers(BAG, PREPARERS[0], NURSES[0], "C-1")),
        Move("ward", "takes it", accepts(BAG, NURSES[0])),
        holds(BAG),
        lifts(BAG),
        holds(CAST.working),
        recalls(CAST.lot),
        passes(5),
        passes(107),
    )
    return Start(before("ready_confirmed"), moves)


def prepared() -> Start:
    """Thawed and tested; two nurses could take it."""
    one, two = NURSES
    moves = (
        Move("preparers", "release it", does(lambda _: bed.DoseBagReleased(dose=CAST.dose, bag=BAG), PREPARERS[0])),
        Move("preparers", "offer it to the first", offers(BAG, PREPARERS[0], one, "C-1")),
        Move("preparers", "offer it to the second", offers(BAG, PREPARERS[0], two, "C-2")),
        Move("nurses", "the first takes it", accepts(BAG, one)),
        Move("nurses", "the second takes it", accepts(BAG, two)),
        Move("nurses", "make the patient ready", _patient_ready()),
        Move("nurses", "both scan", in_turn(_scanned(one), _scanned(two))),
        *_signs(),
        holds(BAG),
        recalls(CAST.lot),
        passes(16),
    )
    return Start(before("dose_bag_released"), moves)


def at_the_bed() -> Start:
    """Everything is ready for the last check. An infusion of an hour fits for four minutes yet."""
    one, two = NURSES
    moves = (
        Move("nurses", "the first scans", _scanned(one)),
        Move("nurses", "the second scans", _scanned(two)),
        *_signs(),
        Move("hands", "the first offers it to the second", offers(BAG, one, two, "D-1")),
        Move("hands", "the second takes it", accepts(BAG, two)),
        Move("hands", "the first takes it", accepts(BAG, one)),
        holds(BAG),
        lifts(BAG),
        holds(CAST.shipment),
        recalls(CAST.master),
        passes(5),
    )
    return Start(before("bedside_scanned"), moves)


def _signs() -> tuple[Move, ...]:
    return tuple(
        Move("nurses", f"{nurse} signs the start", lambda world, nurse=nurse: world.sign(_started(world), nurse)) for nurse in NURSES
    )


def _scanned(nurse: str) -> Play:
    return lambda world: _again(world, bed.BedsideScanned(dose=CAST.dose, scans=scans(CAST, BAG)), nurse)


def _again(world: World, act: Act, nurse: str) -> World | None:
    """Whoever has scanned at this very moment gains nothing by scanning again."""
    last = [entry for entry in world.stream(act.subject) if entry.act == act and entry.by.account.value == nurse]
    return None if last and last[-1].recorded_at == world.now else world.do(act, nurse)


def _started(world: World) -> Act:
    return bed.InfusionStarted(
        dose=CAST.dose, participant=CAST.participant, cohort=CohortId(CAST.cohort), bag=BAG, scans=scans(CAST, BAG), started_at=world.now
    )


def _patient_ready() -> Play:
    made = next(step.act for step in road() if step.name == "vitals_recorded")
    return in_turn(
        does(lambda world: bed.PremedicationGiven(dose=CAST.dose, drugs=("chlorphenamine",), given_at=world.now), NURSES[0]),
        does(lambda world: replace(made, measured_at=world.now), NURSES[0]),
        lambda world: world.do(
            bed.FitToInfuseSigned(dose=CAST.dose, alive=Answer.YES, still_eligible=Answer.YES, stable=Answer.YES), PHYSICIAN
        ),
    )


STARTS = {each.__name__: each for each in (in_the_store, on_the_road, arrived, received, prepared, at_the_bed)}
