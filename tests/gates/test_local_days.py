"""Days are those of the place: a training, a delegation or a calibration ends at midnight where people work, not in Greenwich."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts.people import SiteRegistered
from custody.domain.terms import HoldPoint, Role
from custody.gates import evaluate
from custody.workflows.rehearsal.road import INCUBATOR
from custody.workflows.site_days import site_days
from tests.chain import reasons

G4, G12 = HoldPoint.MANUFACTURING, HoldPoint.BEDSIDE
SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
"""When the road's steps are done, it is the same day in Shanghai as in Greenwich, and the evening before in New York."""
DAY = timedelta(days=1)


def in_zone(chain, zone):
    """Every site of the road lies in this time zone."""
    for n, step in enumerate(chain.steps):
        if isinstance(step.act, SiteRegistered):
            chain.steps[n] = replace(step, act=replace(step.act, zone=zone))


def judged(chain, point, gate, *, later=timedelta(0), act=None, checker=None):
    case, now = chain.case_at(point, act)
    if checker is not None:
        case = replace(case, signers=(case.signers[0], replace(case.signers[1], role=checker)))
    now += later
    return reasons(evaluate(point, replace(case, day_at=site_days(case.dossier, now)), now), gate)


class TestDelegation:
    def delegated(self, chain, *, from_=-30, until=30):
        today = chain.step("infusion_started").at.date()
        chain.change("delegation_recorded", valid_from=today + from_ * DAY, valid_until=today + until * DAY)
        return judged(chain, G12, "BED-TWO", checker=Role.SECOND_CHECKER)

    @pytest.mark.parametrize(
        ("zone", "first", "blocks"), [(SHANGHAI, 0, False), (SHANGHAI, 1, True), (NEW_YORK, -1, False), (NEW_YORK, 0, True)]
    )
    def test_begins_on_its_first_day_at_the_site(self, chain, zone, first, blocks):
        in_zone(chain, zone)
        assert self.delegated(chain, from_=first) == ({"checker_not_delegated"} if blocks else set())

    @pytest.mark.parametrize(
        ("zone", "last", "blocks"), [(SHANGHAI, 0, False), (SHANGHAI, -1, True), (NEW_YORK, -1, False), (NEW_YORK, -2, True)]
    )
    def test_ends_with_its_last_day_at_the_site(self, chain, zone, last, blocks):
        in_zone(chain, zone)
        assert self.delegated(chain, until=last) == ({"checker_not_delegated"} if blocks else set())

    def test_counts_nowhere_when_nobody_can_say_which_day_it_is_there(self, chain):
        in_zone(chain, "Nowhere/Atall")
        assert self.delegated(chain) == {"missing"}


class TestTraining:
    def trained(self, chain, last, later):
        last_day = chain.step("processing_started").at.date() + last * DAY
        chain.change("training_recorded", where=lambda act: act.account.value == "demo-operator-one", valid_until=last_day)
        return judged(chain, G4, "MFG-TRAIN", later=later)

    @pytest.mark.parametrize(
        ("zone", "last", "blocks"), [(SHANGHAI, 0, True), (SHANGHAI, 1, False), (NEW_YORK, 0, False), (NEW_YORK, -1, True)]
    )
    def test_counts_up_to_the_end_of_its_last_day_at_the_site(self, chain, zone, last, blocks):
        """After midnight in Greenwich it is the next day in Shanghai and the evening of the last one in New York."""
        in_zone(chain, zone)
        after_midnight = chain.step("processing_started").at.replace(hour=0) + DAY - chain.step("processing_started").at
        assert self.trained(chain, last, after_midnight) == ({"training_lapsed"} if blocks else set())

    @pytest.mark.parametrize(("hour", "blocks"), [(15, False), (16, True)])
    def test_has_lapsed_from_midnight_in_shanghai_on_though_it_is_afternoon_in_greenwich(self, chain, hour, blocks):
        in_zone(chain, SHANGHAI)
        at = chain.step("processing_started").at
        assert self.trained(chain, 0, at.replace(hour=hour, minute=59 if hour == 15 else 0) - at) == (
            {"training_lapsed"} if blocks else set()
        )


@pytest.mark.parametrize(
    ("zone", "due", "later", "blocks"),
    [
        (SHANGHAI, 0, timedelta(0), False),
        (SHANGHAI, 0, timedelta(hours=15), True),
        (NEW_YORK, -1, timedelta(0), False),
        (NEW_YORK, -1, timedelta(hours=15), True),
    ],
)
def test_equipment_is_in_calibration_to_the_end_of_the_day_it_is_due_where_the_step_was_done(chain, zone, due, later, blocks):
    """A step ends when it is recorded; in Shanghai, that was the day after in Greenwich."""
    step = chain.step("lot_step_recorded")
    culture = replace(step.act.culture, started_at=(step.at - timedelta(hours=1)).astimezone(ZoneInfo(zone)))
    chain.change("lot_step_recorded", culture=culture)
    chain.change("equipment_calibrated", where=lambda act: act.equipment == INCUBATOR, due_on=step.at.date() + due * DAY)
    found = judged(chain, G4, "MFG-EQP", act="lot_step_recorded", later=later)
    assert found == ({"equipment_calibration_lapsed"} if blocks else set())
