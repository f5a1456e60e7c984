"""What may come between the two bedside scans, between scans and verdict, and between verdict and start."""

from __future__ import annotations

from datetime import timedelta

from custody.domain.acts import bedside as acts
from custody.domain.terms import Answer
from custody.workflows.rehearsal.bedside import NURSES


def vitals_were_taken_earlier(ward, cast, bag):
    del bag
    deed = next((d for d in reversed(ward.deeds) if isinstance(d[0], acts.VitalsRecorded) and d[0].dose == cast.dose), None)
    if deed is not None:
        ward.correct(deed, measured_at=deed[0].measured_at - timedelta(minutes=16))


def held(*names):
    def hold(ward, cast, bag):
        for name in names:
            ward.hold(bag if name == "bag" else getattr(cast, name))

    return hold


INTERRUPTIONS = {
    "bag held": held("bag"),
    "lot held": held("lot"),
    "bank held": held("working"),
    "shipment held": held("shipment"),
    "donor held": held("donor"),
    "lot recalled": lambda ward, cast, bag: ward.recall(cast.lot),
    "donation recalled": lambda ward, cast, bag: ward.recall(cast.donation),
    "lot rejected": lambda ward, cast, bag: ward.reject_lot(cast.lot),
    "donor withdraws": lambda ward, cast, bag: ward.withdraw_donor_consent(cast),
    "donor refused": lambda ward, cast, bag: ward.refuse_donor(cast),
    "participant leaves": lambda ward, cast, bag: ward.participant_leaves(cast),
    "study halted": lambda ward, cast, bag: ward.set_study("halted"),
    "bag leaks": lambda ward, cast, bag: ward.damage(bag),
    "bag destroyed": lambda ward, cast, bag: ward.destroy(bag),
    "bag given up": lambda ward, cast, bag: ward.discard(cast, bag),
    "bag offered": lambda ward, cast, bag: ward.offer(bag, NURSES[0], NURSES[1]),
    "wristband reissued": lambda ward, cast, bag: ward.reissue_wristband(cast),
    "weight changed": lambda ward, cast, bag: ward.weigh(cast, cast.weight_kg * 2),
    "not stable": lambda ward, cast, bag: ward.fit(cast, stable=Answer.NO),
    "vitals corrected": vitals_were_taken_earlier,
    "result fails": lambda ward, cast, bag: ward.result(cast, bag, "CCI", "leak"),
    "lot result fails": lambda ward, cast, bag: ward.late_lot_result(cast, "VIA", "61", "%"),
    "ten minutes": lambda ward, cast, bag: ward.tick(minutes=10),
    "eleven minutes": lambda ward, cast, bag: ward.tick(minutes=11),
    "two hours": lambda ward, cast, bag: ward.tick(hours=2),
}

HARMLESS_OF_THEMSELVES = {"ten minutes"}
MUST_STOP = set(INTERRUPTIONS) - HARMLESS_OF_THEMSELVES
"""Each of them makes a rule fail at the bed, wherever it comes."""
