"""CON: one pass, one block per reason, the last value in and the first value out."""

import dataclasses
from datetime import datetime, timedelta

import pytest

from custody.domain.acts.donation import ConsentWithdrawn
from custody.domain.ids import DonorId
from custody.domain.terms import HoldPoint, Product
from custody.domain.verdict import Passed
from tests.chain import blocked_gates, reasons
from tests.gates.upstream_helpers import COORDINATOR

G1 = HoldPoint.COLLECTION
ALL_FIVE = {"CON-NONE", "CON-LATE", "CON-VER", "CON-WDN", "CON-TICK"}
SECOND = timedelta(seconds=1)


def withdraw(chain, before, minutes=1.0):
    withdrawn_at = chain.step("consent_signed").act.signed_at + SECOND
    act = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=withdrawn_at)
    chain.add(act, before=before, by=COORDINATOR, minutes=minutes)


def consent_signed_at(chain, at):
    chain.change("consent_signed", signed_at=at)


def test_a_valid_consent_lets_the_cord_be_collected(chain):
    verdict = chain.verdict_at(G1)
    assert verdict.is_go
    assert {f.gate for f in verdict.findings} == ALL_FIVE
    assert all(f.outcome.evidence for f in verdict.findings)


def test_without_a_consent_every_consent_rule_blocks(chain):
    chain.drop("consent_signed")
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == ALL_FIVE
    assert reasons(verdict, "CON-NONE") == {"missing"}


def test_consent_of_another_donor_does_not_count(chain):
    chain.change("consent_signed", donor=DonorId("DN-9999"))
    assert blocked_gates(chain.verdict_at(G1)) == ALL_FIVE


def test_consent_not_signed_by_the_birth_mother_is_none(chain):
    chain.change("consent_signed", by_birth_mother=False)
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-NONE"}
    assert reasons(verdict, "CON-NONE") == {"not_signed_by_birth_mother"}


def test_consent_without_checked_identity_is_none(chain):
    chain.change("consent_signed", identity_checked=False)
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-NONE"}
    assert reasons(verdict, "CON-NONE") == {"identity_not_checked"}


def test_consent_signed_one_second_before_the_delivery_is_in_time(chain):
    consent_signed_at(chain, chain.step("cord_collected").act.delivered_at - SECOND)
    assert chain.verdict_at(G1).is_go


def test_consent_signed_at_the_moment_of_delivery_is_late(chain):
    consent_signed_at(chain, chain.step("cord_collected").act.delivered_at)
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-LATE"}
    assert reasons(verdict, "CON-LATE") == {"consent_after_delivery"}


def test_scenario_1_consent_signed_after_birth_is_late(chain):
    consent_signed_at(chain, chain.step("cord_collected").act.delivered_at + timedelta(minutes=10))
    assert blocked_gates(chain.verdict_at(G1)) == {"CON-LATE"}


def test_a_delivery_still_to_come_does_not_make_a_consent_early(chain):
    collected_at = chain.step("cord_collected").at
    chain.change("cord_collected", delivered_at=collected_at)
    assert chain.verdict_at(G1).is_go
    chain.change("cord_collected", delivered_at=collected_at + SECOND)
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-LATE"}
    assert reasons(verdict, "CON-LATE") == {"delivered_in_future"}


def test_an_earlier_consent_stands_when_the_mother_signs_again_after_the_birth(chain):
    later = chain.step("consent_signed").act
    collected = chain.step("cord_collected").act
    again = dataclasses.replace(later, signed_at=collected.delivered_at + SECOND)
    chain.add(again, before="cord_collected", by=COORDINATOR)
    assert chain.verdict_at(G1).is_go


def test_a_form_nobody_approved_blocks_with_its_unknown_ticks(chain):
    chain.change("consent_signed", form_version="D-9.9")
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-VER", "CON-TICK"}
    assert reasons(verdict, "CON-VER") == {"form_not_approved"}
    assert reasons(verdict, "CON-TICK") == {"missing"}


def test_a_participants_form_is_no_donors_form(chain):
    chain.change("consent_signed", form_version="P-1.2")
    assert "CON-VER" in blocked_gates(chain.verdict_at(G1))


def test_a_form_out_of_force_that_day_is_blocked(chain):
    chain.change("consent_signed", form_version="D-1.0")
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-VER"}
    assert reasons(verdict, "CON-VER") == {"form_not_in_force"}


@pytest.mark.parametrize(("day", "blocked"), [("2024-12-31", set()), ("2025-01-01", {"CON-VER"}), ("2022-12-31", {"CON-VER"})])
def test_a_form_counts_from_its_first_to_its_last_day_where_it_was_signed(chain, day, blocked):
    consent_signed_at(chain, datetime.fromisoformat(f"{day}T23:30:00+08:00"))
    chain.change("consent_signed", form_version="D-1.0")
    assert blocked_gates(chain.verdict_at(G1)) == blocked


def test_one_box_left_empty_blocks(chain):
    ticks = chain.step("consent_signed").act.ticks
    chain.change("consent_signed", ticks=ticks[:-1])
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-TICK"}
    assert reasons(verdict, "CON-TICK") == {"ticks_missing"}
    assert verdict.blocking[0].outcome.reason.values["ticks"] == (ticks[-1],)


def test_withdrawn_before_collection_blocks_collection(chain):
    withdraw(chain, "cord_collected")
    verdict = chain.verdict_at(G1)
    assert blocked_gates(verdict) == {"CON-WDN"}
    assert reasons(verdict, "CON-WDN") == {"consent_withdrawn"}


def test_consent_given_again_before_the_birth_replaces_a_withdrawn_one(chain):
    withdraw(chain, "cord_collected", minutes=60)
    consent = chain.step("consent_signed").act
    again = dataclasses.replace(consent, signed_at=chain.step("cord_collected").act.delivered_at - SECOND)
    chain.add(again, before="cord_collected", by=COORDINATOR, minutes=40)
    assert chain.verdict_at(G1).is_go


@pytest.mark.parametrize(
    ("hold_point", "act", "nth"),
    [
        (HoldPoint.ELIGIBILITY, "eligibility_determined", 0),
        (HoldPoint.TISSUE_RECEIPT, "tissue_accepted", 0),
        (HoldPoint.MANUFACTURING, "processing_started", 0),
        (HoldPoint.MANUFACTURING, "bank_filled", 1),
        (HoldPoint.MANUFACTURING, "lot_started", 0),
        (HoldPoint.MANUFACTURING, "bags_filled", 0),
    ],
)
def test_a_withdrawal_blocks_every_later_step(chain, hold_point, act, nth):
    withdraw(chain, "donor_sampled")
    assert blocked_gates(chain.verdict_at(hold_point, act, nth)) == {"CON-WDN"}


def test_a_withdrawal_of_another_donor_changes_nothing(chain):
    other = DonorId("DN-9999")
    act = ConsentWithdrawn(donor=other, withdrawn_at=chain.step("cord_collected").act.delivered_at)
    chain.add(act, before="cord_collected", by=COORDINATOR)
    assert chain.verdict_at(G1).is_go


def test_a_placebo_has_no_donor_and_the_rule_says_so(chain):
    chain.change("lot_started", product=Product.PLACEBO, banks=(), vials_drawn=())
    verdict = chain.verdict_at(HoldPoint.MANUFACTURING, "lot_started")
    assert verdict.is_go
    finding = next(f for f in verdict.findings if f.gate == "CON-WDN")
    assert isinstance(finding.outcome, Passed)
    assert finding.outcome.note.code == "no_donor"


def test_a_lot_of_cells_without_banks_has_an_unknown_donor_and_blocks(chain):
    chain.change("lot_started", banks=(), vials_drawn=())
    assert "CON-WDN" in blocked_gates(chain.verdict_at(HoldPoint.MANUFACTURING, "lot_started"))
