"""The road from a released working bank to a bag accepted by the hospital (S6 to S12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from custody.domain.acts import manufacturing, shipping
from custody.domain.acts.manufacturing import Balance
from custody.domain.criteria import StudyContent
from custody.domain.ids import BagId, PersonId, ShipmentId, SiteId
from custody.domain.terms import Answer, PartyKind, Product, ProductForm, Tier
from custody.workflows.proposing import possession_code
from custody.workflows.rehearsal.places import CRYOMEDIUM, HOOD, KEPT, Kept
from custody.workflows.rehearsal.road import OPERATOR, PACKER, QA, VERIFIER, Cast, read_file, register_logger
from custody.workflows.rehearsal.steps import Script
from custody.workflows.rehearsal.upstream import conclude, culture_step, label, run_tests

FILL_DAY = -40.0
RELEASE_DAY = -3.0
SHIP_DAY = -1.0
COURIER = "demo-carrier-one"
RECEIVERS = ("demo-receiver-one", "demo-receiver-two")
DOCUMENTS = ("release_certificate", "packing_list", "instructions", "emergency_phone")


def make_lot(script: Script, cast: Cast, criteria: StudyContent, *, fill_day: float = FILL_DAY) -> None:
    """Expansion, fill, labels, storage and all QC of one lot; not yet concluded."""
    started = manufacturing.LotStarted(
        lot=cast.lot, product=Product.CELLS, form=cast.form, criteria_version=1, banks=(cast.working,), vials_drawn=(cast.number,)
    )
    script.do(started, OPERATOR, days=fill_day - 8)
    total = Decimal(1024000000)
    step = culture_step(script, "expansion", 6, "4000000", str(total), days=fill_day - 1)
    script.do(manufacturing.LotStepRecorded(lot=cast.lot, culture=step), OPERATOR, days=fill_day - 1)
    filled = manufacturing.BagsFilled(
        lot=cast.lot,
        bags=cast.bags,
        volume_ml=Decimal(30),
        viable_cells_label=Decimal(120000000),
        filled_at=script.when(days=fill_day),
        expires_at=script.when(days=fill_day) + timedelta(days=365),
        materials=(CRYOMEDIUM,),
        equipment=(HOOD,),
        balance=Balance(unit="bags", quantity_in=Decimal(cast.bag_count), quantity_out=Decimal(cast.bag_count)),
    )
    script.do(filled, (OPERATOR, VERIFIER), days=fill_day)
    label(script, cast.lot, cast.bag_count, days=fill_day, minutes=10)
    for n, bag in enumerate(cast.bags):
        stored = manufacturing.BagStored(
            bag=bag, equipment=cast.kept.store, position=f"R{cast.number}-{n + 1:02d}", stored_at=script.when(days=fill_day, minutes=25)
        )
        script.do(stored, PACKER, days=fill_day, minutes=26 + n)
    run_tests(script, cast.lot, criteria, Tier.FROZEN_LOT, days=fill_day + 1)


def release_lot(script: Script, cast: Cast, *, days: float = RELEASE_DAY) -> None:
    conclude(script, cast.lot, days=days)


def store_until_packing(
    script: Script, *, kept: Kept = KEPT[ProductForm.FROZEN], days: float = SHIP_DAY, fill_day: float = FILL_DAY
) -> None:
    """The store's own record, from before the fill to after the bags left it."""
    read_file(
        script,
        kept.logger,
        script.when(days=fill_day, minutes=-60),
        script.when(days=days, minutes=10),
        kept.celsius,
        PACKER,
        at=script.when(days=days, minutes=15),
        interval=kept.interval,
    )


def pack(script: Script, cast: Cast, bags: tuple[BagId, ...], *, days: float = SHIP_DAY) -> None:
    """Shipper charged, logger started, each bag taken out and packed by two, shipper sealed by two (within ten minutes for a bag)."""
    register_logger(script, cast.trip_logger, by=PACKER, days=days - 20, interval=cast.kept.interval)
    script.do(shipping.ShipperRegistered(shipper=cast.shipper, model="Demo dry shipper"), PACKER, days=days - 20)
    qualified = shipping.ShipperQualified(
        shipper=cast.shipper,
        qualified_on=script.when(days=days - 20).date(),
        qualified_until=script.when(days=days + 300).date(),
        hold_minutes=10 * 24 * 60,
    )
    script.do(qualified, QA, days=days - 20, minutes=5)
    planned = shipping.ShipmentPlanned(
        shipment=cast.shipment,
        origin=SiteId("A9991"),
        destination=SiteId("A9992"),
        form=cast.storage_form,
        bags=bags,
        legs=(shipping.Leg(carrier="Demo Courier"),),
        planned_minutes=240,
        documents=DOCUMENTS,
    )
    script.do(planned, PACKER, days=days, minutes=-60)
    script.do(
        shipping.LoggerStarted(logger=cast.trip_logger, started_at=script.when(days=days, minutes=-45)), PACKER, days=days, minutes=-45
    )
    packing = shipping.PackingStarted(
        shipment=cast.shipment, shipper=cast.shipper, loggers=(cast.trip_logger,), charged_at=script.when(days=days, minutes=-120)
    )
    script.do(packing, PACKER, days=days, minutes=-40)
    for n, bag in enumerate(bags):
        out = script.when(days=days, minutes=n)
        script.do(manufacturing.BagTakenOut(bag=bag, taken_at=out), (PACKER, VERIFIER), days=days, minutes=n + 0.4)
        packed = shipping.BagPacked(bag=bag, shipment=cast.shipment, packed_at=out + timedelta(minutes=1))
        script.do(packed, (PACKER, VERIFIER), days=days, minutes=n + 1)


def seal(script: Script, cast: Cast, bags: tuple[BagId, ...], *, days: float = SHIP_DAY) -> None:
    sealed = shipping.ShipperSealed(shipment=cast.shipment, shipper=cast.shipper, seals=cast.seals, documents=DOCUMENTS, bags=bags)
    script.do(sealed, (PACKER, VERIFIER), days=days, minutes=20)


def travel(script: Script, cast: Cast, *, days: float = SHIP_DAY, celsius: str | None = None) -> None:
    """To the courier, four hours on the road, to the hospital's receiving desk, and the logger's file read there."""
    _hand_over(script, cast, PACKER, COURIER, "A-402913", days=days, minutes=30)
    _hand_over(script, cast, COURIER, RECEIVERS[0], "B-118204", days=days, minutes=260)
    arrived = shipping.ShipmentArrived(
        shipment=cast.shipment,
        shipper=cast.shipper,
        seals=cast.seals,
        arrived_at=script.when(days=days, minutes=265),
        outside_undamaged=Answer.YES,
        shock_and_tilt_marks_clear=Answer.YES,
        logger_present_and_running=Answer.YES,
        bags_counted=cast.bags_needed + 1,
        documents=DOCUMENTS,
        liquid_nitrogen_kg=Decimal("4.2"),
    )
    script.do(arrived, RECEIVERS[0], days=days, minutes=266)
    read_file(
        script,
        cast.trip_logger,
        script.when(days=days, minutes=-45),
        script.when(days=days, minutes=275),
        celsius or cast.kept.celsius,
        RECEIVERS[0],
        at=script.when(days=days, minutes=276),
        interval=cast.kept.interval,
    )


def _hand_over(script: Script, cast: Cast, giver: str, receiver: str, code: str, *, days: float, minutes: float) -> None:
    offer = handoff(cast.shipment, receiver, code, cast, script.when(days=days, minutes=minutes))
    script.do(offer, giver, days=days, minutes=minutes)
    accepted = shipping.HandoffAccepted(node=cast.shipment, seals=cast.seals, code=offer.code)
    script.do(accepted, receiver, days=days, minutes=minutes + 4)


def handoff(node: ShipmentId | BagId, receiver: str, code: str, cast: Cast, at: datetime) -> shipping.HandoffOffered:
    from custody.workflows.rehearsal.steps import people  # noqa: PLC0415 - the name is taken by acts elsewhere

    to_carrier = receiver == COURIER
    return shipping.HandoffOffered(
        node=node,
        to_kind=PartyKind.CARRIER if to_carrier else PartyKind.PERSON,
        to_organisation="Demo Courier" if to_carrier else "Demo University Hospital",
        to_person=None if to_carrier else PersonId(people()[receiver].person.value),
        seals=cast.seals if isinstance(node, ShipmentId) else (),
        code=possession_code(node, code),
        offered_at=at,
    )


def accept(script: Script, cast: Cast, bags: tuple[BagId, ...], *, days: float = SHIP_DAY) -> None:
    """Each bag accepted by two people into the hospital's own store."""
    for n, bag in enumerate(bags):
        accepted = shipping.BagAccepted(
            bag=bag,
            shipment=cast.shipment,
            container_whole=Answer.YES,
            no_sign_of_thaw=Answer.YES,
            label_readable=Answer.YES,
            label_equals_order=Answer.YES,
            out_of_shipper_minutes=2,
            equipment=cast.kept.ward_store,
            position=f"H{cast.number}-{n + 1:02d}",
        )
        script.do(accepted, RECEIVERS, days=days, minutes=280 + n * 2)
        stored = manufacturing.BagStored(
            bag=bag, equipment=cast.kept.ward_store, position=accepted.position, stored_at=script.when(days=days, minutes=281 + n * 2)
        )
        script.do(stored, RECEIVERS[0], days=days, minutes=281 + n * 2)
