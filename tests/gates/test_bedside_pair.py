"""BED-TWO at hold points G12 and G12N: two different people, in time, of whom the second may check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts import bedside
from custody.domain.ids import AccountId
from custody.domain.terms import Role
from custody.gates import evaluate
from tests.chain import BEDSIDE_AT, blocked_gates, reasons
from tests.gates.at_the_bed import (
    G12,
    G12N,
    NURSES,
    only,
)


def judged(chain, point=G12, **change):
    """The verdict when the case differs in these fields."""
    case, now = chain.case_at(point)
    return evaluate(point, dataclasses.replace(case, **change), now)


def with_second_signer(chain, point=G12, **fields):
    case, _ = chain.case_at(point)
    first, second = case.signers
    return judged(chain, point, signers=(first, dataclasses.replace(second, **fields)))


class TestTwoPeople:
    @pytest.mark.parametrize("point", [G12, G12N])
    def test_same_person_through_two_accounts_blocks(self, chain, point):
        first = chain.case_at(point)[0].signers[0]
        assert only(with_second_signer(chain, point, person=first.person), "BED-TWO", "one_person")

    def test_same_person_twice_blocks(self, chain):
        chain.signed_by("infusion_started", NURSES[0], NURSES[0])
        assert only(chain.verdict_at(G12), "BED-TWO", "one_person")

    def test_one_signature_blocks(self, chain):
        assert only(judged(chain, signers=chain.case_at(G12)[0].signers[:1]), "BED-TWO", "one_person")

    def test_second_person_who_did_not_repeat_the_scans_blocks(self, chain):
        assert only(judged(chain, second=None), "BED-TWO", "second_did_not_scan")

    @pytest.mark.parametrize("nth", [0, 1])
    def test_person_without_own_scan_at_the_bed_blocks(self, chain, nth):
        chain.drop("bedside_scanned", nth)
        assert only(chain.verdict_at(G12), "BED-TWO", "person_did_not_scan")

    @pytest.mark.parametrize(("minutes", "codes"), [(10, set()), (10.01, {"pair_too_slow"})])
    def test_both_finish_within_ten_minutes(self, chain, minutes, codes):
        chain.move("bedside_scanned", -(minutes - 2))  # the first scan stands 2 minutes before the start
        assert reasons(chain.verdict_at(G12), "BED-TWO") == codes

    @pytest.mark.parametrize(("minutes", "codes"), [(10, set()), (10.01, {"pair_too_slow"})])
    def test_first_signature_is_at_most_ten_minutes_old(self, chain, minutes, codes):
        case, now = chain.case_at(G12N)
        first, second = case.signers
        early = dataclasses.replace(first, at=now - timedelta(minutes=minutes))
        assert reasons(judged(chain, G12N, signers=(early, second)), "BED-TWO") == codes

    def test_preparer_as_second_checker_blocks(self, chain):
        from custody.workflows.rehearsal.steps import people

        preparer = people()["demo-preparer-one"].person
        scans = chain.step("infusion_started").act.scans
        chain.add(bedside.BedsideScanned(dose=chain.cast.dose, scans=scans), before="infusion_started", by=NURSES[1])
        case, now = chain.case_at(G12)
        deeds = tuple(
            dataclasses.replace(d, signers=tuple(dataclasses.replace(s, person=preparer) for s in d.signers))
            if isinstance(d.act, bedside.BedsideScanned) and d.entry.by.account == AccountId(NURSES[1])
            else d
            for d in case.dossier.streams[chain.cast.dose.key]
        )
        dossier = dataclasses.replace(case.dossier, streams={**case.dossier.streams, chain.cast.dose.key: deeds})
        first, second = case.signers
        case = dataclasses.replace(case, dossier=dossier, signers=(first, dataclasses.replace(second, person=preparer)))
        assert only(evaluate(G12, case, now), "BED-TWO", "checker_prepared_the_bag")

    def test_second_checker_on_the_delegation_log_passes(self, chain):
        assert blocked_gates(with_second_signer(chain, role=Role.SECOND_CHECKER)) == set()

    @pytest.mark.parametrize("role", [Role.SECOND_CHECKER, Role.INVESTIGATOR])
    def test_second_checker_who_is_not_delegated_blocks(self, chain, role):
        chain.drop("delegation_recorded")
        assert only(with_second_signer(chain, role=role), "BED-TWO", "checker_not_delegated")

    def test_nurse_needs_no_delegation(self, chain):
        chain.drop("delegation_recorded")
        assert blocked_gates(chain.verdict_at(G12)) == set()

    @pytest.mark.parametrize(("days", "codes"), [(0, set()), (-1, {"checker_not_delegated"})])
    def test_delegation_holds_up_to_its_last_day(self, chain, days, codes):
        chain.change("delegation_recorded", valid_until=BEDSIDE_AT.date() + timedelta(days=days))
        assert reasons(with_second_signer(chain, role=Role.SECOND_CHECKER), "BED-TWO") == codes

    def test_delegation_for_another_duty_does_not_count(self, chain):
        chain.change("delegation_recorded", duty="consent")
        assert reasons(with_second_signer(chain, role=Role.SECOND_CHECKER), "BED-TWO") == {"checker_not_delegated"}
