"""Expiry to the second in forty time zones, where clocks are put forward and back: a bag is good before its expiry and not at it.

What is right is counted here in whole seconds of UTC; custody is given the same moments as each place writes them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.people import SiteRegistered
from custody.domain.terms import HoldPoint
from custody.gates import evaluate
from custody.workflows.rehearsal.bedside import PLANNED_MINUTES
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.whole import consent_to_closed_dose
from tests.chain import Chain, reasons
from tests.clocks.zones import ZONES, edges
from tests.counts import IN_FULL

AROUND_S = (-2, -1, 0, 1, 2)
SHOWN = ("Australia/Lord_Howe", "America/St_Johns")
PLACES = [(zone, n) for zone in (ZONES if IN_FULL else SHOWN) for n in range(len(edges(zone)) if IN_FULL else 1)]
RECEIVED_AFTER = timedelta(days=-1, minutes=280)
"""When the first bag is received, counted from the start of the infusion."""


def a_chain(start, zone, expires_at):
    """The standard road to an infusion at `start`, at places of this zone, with bags that expire as written there."""
    chain = Chain(Cast())
    chain.steps = []
    for step in consent_to_closed_dose(start, chain.cast):
        act = step.act
        if isinstance(act, BagsFilled):
            act = replace(act, expires_at=expires_at)
        if isinstance(act, SiteRegistered):
            act = replace(act, zone=zone)
        chain.steps.append(replace(step, act=act))
    return chain


def as_written(at, zone):
    """The same moment with the offset that the place has then, as entries hold it."""
    return datetime.fromisoformat(at.astimezone(ZoneInfo(zone)).isoformat())


def good_until(seconds, planned_seconds=0):
    """Whether what begins `seconds` from the expiry, and takes so long, is over in time: counted in whole seconds."""
    return seconds < 0 and seconds + planned_seconds <= 0


def starts_judged(zone, expiry):
    """How many starts of an infusion around the last moment from which it ends in time were judged; each of them rightly."""
    chain = a_chain(expiry - timedelta(minutes=PLANNED_MINUTES), zone, as_written(expiry, zone))
    case, _ = chain.case_at(HoldPoint.BEDSIDE)
    for seconds in AROUND_S:
        now = expiry - timedelta(minutes=PLANNED_MINUTES) + timedelta(seconds=seconds)
        right = good_until(seconds - PLANNED_MINUTES * 60, PLANNED_MINUTES * 60)
        for written in (now, as_written(now, zone)):
            act = replace(case.proposed, started_at=written)
            verdict = evaluate(HoldPoint.BEDSIDE, replace(case, proposed=act, second=act), written)
            assert verdict.is_go is right, (zone, seconds, verdict.codes)
            assert reasons(verdict, "BAG-EXP") == (set() if right else {"ends_after_expiry"})
    return 2 * len(AROUND_S)


@pytest.mark.parametrize("shift", [timedelta(0), timedelta(minutes=30)], ids=["at the change", "in the hour that comes twice or never"])
def test_infusion_may_start_until_the_last_second_from_which_it_ends_in_time(shift, record_property):
    judged = sum(starts_judged(zone, edges(zone)[edge] + shift) for zone, edge in PLACES)
    record_property(
        "figure", f"expiry {shift} after clocks are changed, {len(PLACES)} changes: {judged} starts judged to the second, 0 wrong"
    )


def test_bag_is_received_until_the_second_before_it_expires(record_property):
    for zone, edge in PLACES:
        expiry = edges(zone)[edge]
        chain = a_chain(expiry - RECEIVED_AFTER, zone, as_written(expiry, zone))
        case, _ = chain.case_at(HoldPoint.RECEIPT)
        for seconds in AROUND_S:
            verdict = evaluate(HoldPoint.RECEIPT, case, expiry + timedelta(seconds=seconds))
            assert verdict.is_go is good_until(seconds), (zone, seconds, verdict.codes)
            assert reasons(verdict, "BAG-EXP") == (set() if good_until(seconds) else {"bag_expired"})
    record_property("figure", f"expiry at receipt, {len(PLACES)} changes of clocks: {len(PLACES) * len(AROUND_S)} bags judged, 0 wrong")


def test_forty_places_have_forty_names_and_every_kind_of_offset():
    offsets = {edges(zone)[0].astimezone(ZoneInfo(zone)).utcoffset() for zone in ZONES}
    assert len(set(ZONES)) == 40
    assert {offset.seconds // 60 % 60 for offset in offsets} == {0, 30, 45}
    assert sum(len(edges(zone)) for zone in ZONES) == 80
