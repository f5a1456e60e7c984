"""Sheets, decisions and certificates written down in another order than they were made: an older one hides no newer one."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from custody.domain.acts import study
from custody.domain.acts.donation import ConsentWithdrawn, EligibilityRefused
from custody.domain.ids import CohortId, DoseId
from custody.domain.terms import Answer, Committee, CommitteeDecision, HoldPoint
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import blocked_gates, reasons
from tests.gates.altered import put, verdict_knowing
from tests.gates.cohorts import approve, into_cohort
from tests.gates.test_manufacturing import INCUBATOR
from tests.gates.transport import (
    QA,
    of_equipment,
    of_logger,
)

SHIP, BEDSIDE, G7 = HoldPoint.SHIP, HoldPoint.BEDSIDE, HoldPoint.ALLOCATION
H = timedelta(hours=1)
M = timedelta(minutes=1)


def test_minutes_of_an_older_meeting_recorded_late_open_no_cohort(chain):
    into_cohort(chain, CohortId("P1-5M"))
    approve(
        chain,
        Committee.DATA_SAFETY,
        CohortId("P1-5M"),
        minutes=60,
        decision=next(d for d in CommitteeDecision if d is not CommitteeDecision.OPEN),
    )
    assert "ALO-COHORT" in blocked_gates(chain.verdict_at(G7))
    older = study.CommitteeDecided(
        study=STUDY, committee=Committee.DATA_SAFETY, cohort=CohortId("P1-5M"), decision=CommitteeDecision.OPEN, document="minutes of May"
    )
    at = chain.step("dose_allocated").at
    chain.add(older, before="dose_allocated", by="demo-sponsor-one", minutes=30, happened_at=at - timedelta(days=20))
    assert "ALO-COHORT" in blocked_gates(chain.verdict_at(G7))


def test_resumption_recorded_late_does_not_lift_a_newer_halt(chain):
    at = chain.step("infusion_started").at
    put(chain, study.StudyHalted(study=STUDY, reason="first"), at - timedelta(days=9), "demo-sponsor-one")
    put(chain, study.StudyHalted(study=STUDY, reason="second"), at - 2 * H, "demo-sponsor-one")
    put(chain, study.StudyResumed(study=STUDY, reason="first is over"), at - H, "demo-sponsor-one", happened_at=at - timedelta(days=7))
    assert "BED-STUDY" in blocked_gates(chain.verdict_at(BEDSIDE))


def test_older_fit_to_infuse_recorded_late_does_not_hide_that_the_participant_is_unstable(chain):
    fit = chain.step("fit_to_infuse_signed")
    put(chain, dataclasses.replace(fit.act, stable=Answer.NO), fit.at + 2 * M, *fit.by)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BED-FIT"}
    put(chain, fit.act, fit.at + 3 * M, *fit.by, happened_at=fit.at)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BED-FIT"}


def test_older_eligibility_sheet_recorded_again_does_not_hide_the_newer(chain):
    sheet = chain.step("participant_eligibility_recorded")
    at = chain.step("dose_allocated").at
    lines = tuple(dataclasses.replace(line, satisfied=Answer.NO) for line in sheet.act.lines)
    put(chain, dataclasses.replace(sheet.act, lines=lines), at - 10 * M, *sheet.by)
    assert "ALO-PART" in blocked_gates(chain.verdict_at(G7))
    put(chain, sheet.act, at - 5 * M, *sheet.by, happened_at=sheet.at)
    assert "ALO-PART" in blocked_gates(chain.verdict_at(G7))


def test_older_wristband_sheet_recorded_again_does_not_bring_back_the_revoked_band(chain):
    band = chain.step("wristband_issued")
    at = chain.step("bedside_scanned").at
    new = dataclasses.replace(band.act, wristband=type(band.act.wristband)("NEWBAND7NEWBAND7"))
    put(chain, new, at - 3 * H, *band.by)
    assert "BED-PID" in blocked_gates(chain.verdict_at(BEDSIDE))
    put(chain, band.act, at - 2 * H, *band.by, happened_at=band.at)
    assert "BED-PID" in blocked_gates(chain.verdict_at(BEDSIDE))


def test_older_history_recorded_again_does_not_hide_the_newer(chain):
    sheet = chain.step("donor_history_taken")
    at = chain.step("shipper_sealed").at
    put(chain, dataclasses.replace(sheet.act, infection_risk=Answer.YES), at - 2 * H, *sheet.by)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BAG-DONOR"}
    put(chain, sheet.act, at - H, *sheet.by, happened_at=sheet.at)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BAG-DONOR"}


def test_older_determination_recorded_again_does_not_take_back_the_refusal(chain):
    sheet = chain.step("eligibility_determined")
    at = chain.step("shipper_sealed").at
    put(chain, EligibilityRefused(donation=chain.cast.donation, reason="found out later"), at - 2 * H, *sheet.by)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BAG-DONOR"}
    put(chain, sheet.act, at - H, *sheet.by, happened_at=sheet.at)
    assert blocked_gates(chain.verdict_at(BEDSIDE)) == {"BAG-DONOR"}


def test_committee_decides_after_every_cohort_before_was_watched(chain):
    third = CohortId("P1-10M")
    into_cohort(chain, third)
    approve(chain, Committee.DATA_SAFETY, third)
    decided_at = chain.steps[-1].at
    dose = DoseId("DOSE-OTHER")
    earlier = study.StudyDoseStarted(study=STUDY, cohort=CohortId("P1-1M"), dose=dose, started_at=decided_at - timedelta(days=1))
    assert "decided_before_watch_ended" in reasons(verdict_knowing(chain, G7, earlier), "ALO-COHORT")


def test_certificate_of_a_logger_found_later_is_no_newer_one(chain):
    c = chain.step("logger_calibrated", where=of_logger(chain.cast.trip_logger))
    before = c.act.calibrated_on - timedelta(days=400)
    older = dataclasses.replace(c.act, calibrated_on=before, due_on=before + timedelta(days=365))
    put(chain, older, chain.step("shipper_sealed").at - 5 * M, *c.by)
    assert chain.verdict_at(SHIP).is_go


def test_incubator_out_of_calibration_in_the_middle_of_a_step_stops_it(chain):

    day = timedelta(days=1)
    step = chain.step("lot_step_recorded")
    began, ended = step.act.culture.started_at.date(), step.at.date()
    assert ended - began >= 4 * day
    where = of_equipment(INCUBATOR)
    first = chain.step("equipment_calibrated", where=where).act
    chain.change("equipment_calibrated", where=where, due_on=began + day)
    again = dataclasses.replace(first, calibrated_on=ended, due_on=first.due_on)
    chain.add(again, before="lot_step_recorded", by=QA)
    assert "MFG-EQP" in blocked_gates(chain.verdict_at(HoldPoint.MANUFACTURING, "lot_step_recorded"))


def test_certificate_of_the_incubator_found_later_is_no_newer_one(chain):

    where = of_equipment(INCUBATOR)
    first = chain.step("equipment_calibrated", where=where).act
    before = first.calibrated_on - timedelta(days=400)
    chain.add(dataclasses.replace(first, calibrated_on=before, due_on=before + timedelta(days=365)), before="lot_step_recorded", by=QA)
    assert blocked_gates(chain.verdict_at(HoldPoint.MANUFACTURING, "lot_step_recorded")) == set()


def test_older_certificate_with_a_longer_term_does_not_hide_the_newer_of_a_trip_logger(chain):
    c = chain.step("logger_calibrated", where=of_logger(chain.cast.trip_logger))
    day = chain.step("shipper_sealed").at.date()
    shorter = dataclasses.replace(c.act, calibrated_on=day - timedelta(days=10), due_on=day - timedelta(days=1))
    put(chain, shorter, chain.step("shipper_sealed").at - 50 * M, *c.by)
    assert "SHP-LOG" in blocked_gates(chain.verdict_at(SHIP))
    put(chain, c.act, chain.step("shipper_sealed").at - 40 * M, *c.by)
    assert "SHP-LOG" in blocked_gates(chain.verdict_at(SHIP))


def test_older_consent_of_the_participant_recorded_again_does_not_hide_the_newer(chain):
    """A sheet in a form not in force, signed later; then the first sheet once more."""
    sheet = chain.step("participant_consented")
    at = chain.step("dose_allocated").at
    put(chain, dataclasses.replace(sheet.act, form_version="no such", signed_at=at - 20 * M), at - 10 * M, *sheet.by)
    assert "ALO-PART" in blocked_gates(chain.verdict_at(G7))
    put(chain, sheet.act, at - 5 * M, *sheet.by, happened_at=sheet.at)
    assert "ALO-PART" in blocked_gates(chain.verdict_at(G7))


def test_older_prescription_recorded_again_does_not_hide_the_newer(chain):
    sheet = chain.step("prescription_signed")
    put(chain, dataclasses.replace(sheet.act, premedication=("antihistamine X",)), sheet.at + H, *sheet.by)
    assert "BED-PREMED" in blocked_gates(chain.verdict_at(BEDSIDE))
    put(chain, sheet.act, sheet.at + 2 * H, *sheet.by, happened_at=sheet.at)
    assert "BED-PREMED" in blocked_gates(chain.verdict_at(BEDSIDE))


def test_cohort_opening_recorded_late_does_not_reopen_a_closed_cohort(chain):
    opened = chain.step("cohort_opened")
    at = chain.step("dose_allocated").at
    put(chain, study.CohortClosed(study=STUDY, cohort=opened.act.cohort), at - 2 * H, *opened.by)
    assert "ALO-COHORT" in blocked_gates(chain.verdict_at(G7))
    put(chain, opened.act, at - H, *opened.by, happened_at=opened.at)
    assert "ALO-COHORT" in blocked_gates(chain.verdict_at(G7))


def test_newest_calibration_decides_how_long_a_logger_is_in_calibration(chain):
    """It drifted, and was given a shorter term; the older certificate would have run on for months."""
    stored = chain.step("bag_stored").act.stored_at
    first = chain.step("logger_calibrated", where=of_logger(FREEZER_LOGGER))
    days = {"calibrated_on": (stored + timedelta(days=3)).date(), "due_on": (stored + timedelta(days=10)).date()}
    put(chain, dataclasses.replace(first.act, **days), stored + timedelta(days=3), *first.by)
    assert reasons(chain.verdict_at(SHIP), "BAG-COLD") == {"logger_not_calibrated"}


def test_older_consent_sheet_recorded_again_does_not_hide_a_newer_one(chain):
    """She withdrew in pregnancy, consented anew, gave birth; then her first sheet is recorded once more."""

    consent = chain.step("consent_signed")
    older = dataclasses.replace(consent.act, signed_at=consent.act.signed_at - timedelta(days=20))
    put(chain, older, consent.at - timedelta(days=20), *consent.by)
    gone = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=consent.act.signed_at - timedelta(days=10))
    put(chain, gone, consent.at - timedelta(days=10), *consent.by)
    assert chain.verdict_at(SHIP).is_go
    put(chain, older, chain.step("shipper_sealed").at - H, *consent.by, happened_at=consent.at - timedelta(days=20))
    assert blocked_gates(chain.verdict_at(SHIP)) == set()
