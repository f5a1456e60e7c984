"""What two people scan and answer at the bed, changed in one place."""

from __future__ import annotations

import dataclasses

from custody.domain.ids import Digest, WristbandToken
from custody.domain.terms import Answer, HoldPoint
from tests.chain import blocked_gates, reasons

G10, G12, G12N = HoldPoint.PREPARE, HoldPoint.BEDSIDE, HoldPoint.NEXT_BAG
NURSES = ("demo-nurse-one", "demo-nurse-two")
NEIGHBOUR = WristbandToken("WB9999X7K2M9Q4")
OTHER_IDENTIFIER = Digest("ab" * 32)
NOT_YES = [Answer.NO, Answer.NOT_CHECKED]


def scan(chain, **fields):
    """Both people scan and answer this at the bed, before and while they sign."""
    scans = dataclasses.replace(chain.step("infusion_started").act.scans, **fields)
    chain.change_all("bedside_scanned", scans=scans)
    chain.change("infusion_started", scans=scans)


def second_scans(chain, **fields):
    """Only the second person does, while repeating the scans."""
    scans = chain.step("infusion_started").act.scans
    chain.second_reads("infusion_started", scans=dataclasses.replace(scans, **fields))


def scan_next(chain, **fields):
    scans = dataclasses.replace(chain.step("next_bag_started").act.scans, **fields)
    chain.change("next_bag_started", scans=scans)


def only(verdict, gate, code):
    return blocked_gates(verdict) == {gate} and reasons(verdict, gate) == {code}


def prescribe(chain, **fields):
    chain.change("prescription_signed", **fields)
