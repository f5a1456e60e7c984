"""MFG: one pass, one block per reason, the last value in and the first value out, at several steps."""

import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts.donation import ConsentSigned, ConsentWithdrawn, CordCollected, EligibilityRefused, TissuePacked, TissueRejected
from custody.domain.acts.manufacturing import MaterialRefused, MaterialReleased
from custody.domain.acts.quality import HoldLifted, HoldPlaced, Recalled
from custody.domain.acts.release import Rejected
from custody.domain.acts.study import DocumentApproved, DocumentWithdrawn, StudyApproved, StudyProposed
from custody.domain.ids import BankId, Digest, Din, DonorId, LotId, MaterialId, StudyId, TissueId
from custody.domain.terms import HoldPoint, Product
from custody.gates import evaluate
from custody.workflows.rehearsal.road import INCUBATOR, MEDIUM
from tests.chain import blocked_gates, reasons
from tests.gates.upstream_helpers import QA, change_balance, change_culture, put_in_force

G4 = HoldPoint.MANUFACTURING
DAY = timedelta(days=1)
STEPS = [
    ("processing_started", 0),
    ("primary_culture_harvested", 0),
    ("bank_started", 0),
    ("bank_started", 1),
    ("bank_step_recorded", 1),
    ("bank_filled", 1),
    ("lot_started", 0),
    ("lot_step_recorded", 0),
    ("bags_filled", 0),
]


def only(chain, gate, reason, act="processing_started", nth=0):
    verdict = chain.verdict_at(G4, act, nth)
    assert blocked_gates(verdict) == {gate}
    assert reasons(verdict, gate) == {reason}


@pytest.mark.parametrize(("act", "nth"), STEPS)
def test_every_step_of_a_valid_chain_may_be_made(chain, act, nth):
    verdict = chain.verdict_at(G4, act, nth)
    assert verdict.is_go
    assert {f.gate for f in verdict.findings} == {
        "CON-WDN", "TIS-TIME", "MFG-PARENT", "MFG-MAT", "MFG-EQP", "MFG-TRAIN", "MFG-PASS", "MFG-CPD", "MFG-BAL"
    }  # fmt: skip


# MFG-PARENT


def ancestors(chain):
    cast = chain.cast
    return (cast.donor, cast.donation, cast.tissue, cast.master, cast.working, cast.lot)


@pytest.mark.parametrize("which", range(6))
def test_a_hold_on_any_ancestor_or_on_itself_stops_the_fill_until_it_is_lifted(chain, which):
    node = ancestors(chain)[which]
    chain.add(HoldPlaced(node=node, hold="H-1", reason="to be looked into", owner="QA"), before="bags_filled", by=QA, minutes=2)
    only(chain, "MFG-PARENT", "parent_held", "bags_filled")
    chain.add(HoldLifted(node=node, hold="H-1", reason="found harmless"), before="bags_filled", by=QA, minutes=1)
    assert chain.verdict_at(G4, "bags_filled").is_go


@pytest.mark.parametrize("which", range(6))
def test_a_recall_of_any_ancestor_or_of_itself_stops_the_fill(chain, which):
    chain.add(Recalled(node=ancestors(chain)[which], recall="R-1", reason="contaminated"), before="bags_filled", by=QA)
    only(chain, "MFG-PARENT", "parent_recalled", "bags_filled")


@pytest.mark.parametrize("which", range(3, 6))
def test_a_rejected_bank_or_lot_stops_the_fill(chain, which):
    act = Rejected(node=ancestors(chain)[which], reason_code="qc", reason="contaminated")
    chain.add(act, before="bags_filled", by=QA)
    only(chain, "MFG-PARENT", "parent_rejected", "bags_filled")


def test_a_rejected_tissue_stops_the_bank(chain):
    act = TissueRejected(tissue=chain.cast.tissue, reason="leaking")
    chain.add(act, before="bank_started", by=(QA, "demo-verifier-one"))
    only(chain, "MFG-PARENT", "parent_rejected", "bank_started")


def test_a_donor_found_ineligible_stops_the_bank(chain):
    chain.add(EligibilityRefused(donation=chain.cast.donation, reason="reactive"), before="bank_started", by=QA)
    only(chain, "MFG-PARENT", "donor_ineligible", "bank_started")


def test_culture_at_risk_before_eligibility_only_where_the_study_allows_it(chain):
    assert chain.verdict_at(G4).is_go  # on the day of birth nothing is determined yet
    put_in_force(chain, "settings", at_risk_processing=False)
    only(chain, "MFG-PARENT", "donor_not_yet_eligible")
    assert chain.verdict_at(G4, "bank_started").is_go


def second_donor(chain):
    """Another mother's cord, packed and cultured like the first."""
    donor, din, tissue = DonorId("DN-0002"), Din.parse("A999926000002"), TissueId("TS-0002")
    for name, kind, values, minutes in (
        ("consent_signed", ConsentSigned, {"donor": donor}, 5),
        ("cord_collected", CordCollected, {"donation": din, "donor": donor}, 4),
        ("tissue_packed", TissuePacked, {"tissue": tissue, "donation": din}, 3),
        ("primary_culture_harvested", None, {"tissue": tissue}, 2),
    ):
        step = chain.step(name)
        act = dataclasses.replace(step.act, **values)
        assert kind is None or isinstance(act, kind)
        chain.add(act, before="bank_started", by=step.by, minutes=minutes)
    return tissue


def test_cells_of_two_donors_are_mixed_only_where_the_study_pools(chain):
    chain.change("bank_started", parents=(chain.cast.tissue, second_donor(chain)))
    only(chain, "MFG-PARENT", "parents_of_several_donors", "bank_started")
    put_in_force(chain, "settings", allow_donor_pool=True)
    assert chain.verdict_at(G4, "bank_started").is_go


def test_two_cords_of_one_mother_are_no_pool(chain):
    tissue = second_donor(chain)
    chain.change("cord_collected", 1, donor=chain.cast.donor)
    chain.change("bank_started", parents=(chain.cast.tissue, tissue))
    assert chain.verdict_at(G4, "bank_started").is_go


def test_a_withdrawn_consent_of_one_of_two_donors_blocks(chain):
    put_in_force(chain, "settings", allow_donor_pool=True)
    chain.change("bank_started", parents=(chain.cast.tissue, second_donor(chain)))
    withdrawal = ConsentWithdrawn(donor=DonorId("DN-0002"), withdrawn_at=chain.step("bank_started").at)
    chain.add(withdrawal, before="bank_started", by="demo-coordinator-one")
    verdict = chain.verdict_at(G4, "bank_started")
    assert blocked_gates(verdict) == {"CON-WDN"}
    assert [f.about for f in verdict.blocking] == [Din("A999926000002")]


def test_a_master_bank_comes_from_tissue_and_a_working_bank_from_a_master_bank(chain):
    chain.change("bank_started", 1, parents=(chain.cast.tissue,), vials_drawn=())
    only(chain, "MFG-PARENT", "wrong_parent", "bank_started", 1)
    chain.change("bank_started", 1, parents=(chain.cast.working,))
    assert "MFG-PARENT" in blocked_gates(chain.verdict_at(G4, "bank_started", 1))


@pytest.mark.parametrize("parents", [(), (BankId("MCB-9999"),)])
def test_a_working_bank_of_nothing_or_of_an_unknown_bank_blocks(chain, parents):
    chain.change("bank_started", 1, parents=parents)
    verdict = chain.verdict_at(G4, "bank_started", 1)
    assert "MFG-PARENT" in blocked_gates(verdict)
    assert not verdict.is_go


def test_a_lot_from_an_unknown_bank_blocks(chain):
    chain.change("lot_started", banks=(BankId("WCB-9999"),))
    verdict = chain.verdict_at(G4, "lot_started")
    assert reasons(verdict, "MFG-PARENT") == {"missing"}


def test_a_placebo_made_from_banks_is_a_contradiction(chain):
    chain.change("lot_started", product=Product.PLACEBO)
    only(chain, "MFG-PARENT", "placebo_with_banks", "lot_started")


def test_nobody_picks_the_limits_a_lot_will_be_judged_by(chain):
    chain.change("lot_started", criteria_version=2)
    verdict = chain.verdict_at(G4, "lot_started")
    assert reasons(verdict, "MFG-PARENT") == {"criteria_not_in_force"}
    assert reasons(verdict, "MFG-PASS") == {"missing"}


# MFG-MAT


def expires(chain, at, material=MEDIUM):
    chain.change("material_received", where=lambda act: act.material == material, expires_at=at)


def test_scenario_6_medium_expired_one_day_before_use(chain):
    expires(chain, chain.step("processing_started").at - DAY)
    only(chain, "MFG-MAT", "material_expired")


@pytest.mark.parametrize(
    ("act", "material"), [("processing_started", "MED-0001"), ("lot_step_recorded", "MED-0001"), ("bags_filled", "CRY-0001")]
)
def test_a_material_may_be_used_before_and_not_at_its_expiry(chain, act, material):
    used_at = chain.step(act).at
    expires(chain, used_at, MaterialId(material))
    only(chain, "MFG-MAT", "material_expired", act)
    expires(chain, used_at + timedelta(microseconds=1), MaterialId(material))
    assert chain.verdict_at(G4, act).is_go


def test_a_material_never_released_blocks(chain):
    chain.drop("material_released", where=lambda act: act.material == MEDIUM)
    only(chain, "MFG-MAT", "material_not_released")


def test_a_material_whose_release_was_withdrawn_blocks_until_it_is_released_again(chain):
    chain.add(MaterialRefused(material=MEDIUM, reason="supplier recall"), before="processing_started", by=QA, minutes=2)
    only(chain, "MFG-MAT", "material_refused")
    chain.add(MaterialReleased(material=MEDIUM), before="processing_started", by=QA, minutes=1)
    assert chain.verdict_at(G4).is_go


def test_an_unknown_material_blocks(chain):
    chain.change("processing_started", materials=(MaterialId("MED-9999"),))
    verdict = chain.verdict_at(G4)
    assert blocked_gates(verdict) == {"MFG-MAT"}


def test_a_material_never_received_blocks(chain):
    chain.drop("material_received", where=lambda act: act.material == MEDIUM)
    only(chain, "MFG-MAT", "missing")


def test_a_step_that_names_no_material_blocks(chain):
    chain.change("processing_started", materials=())
    only(chain, "MFG-MAT", "missing")


def test_every_material_of_a_step_is_judged(chain):
    step = chain.step("processing_started").act
    chain.change("processing_started", materials=(*step.materials, MaterialId("MED-9999")))
    assert blocked_gates(chain.verdict_at(G4)) == {"MFG-MAT"}


# MFG-EQP


@pytest.mark.parametrize(("days", "passes"), [(0, True), (-1, False)])
@pytest.mark.parametrize("act", ["primary_culture_harvested", "lot_step_recorded"])
def test_equipment_is_in_calibration_up_to_and_including_the_day_it_is_due(chain, act, days, passes):
    used_on = chain.step(act).at.date()
    chain.change("equipment_calibrated", where=lambda a: a.equipment == INCUBATOR, due_on=used_on + timedelta(days=days))
    if passes:
        assert chain.verdict_at(G4, act).is_go
    else:
        only(chain, "MFG-EQP", "equipment_calibration_lapsed", act)


def test_equipment_recalibrated_while_a_culture_ran_was_in_calibration_all_the_time(chain):
    culture = chain.step("lot_step_recorded").act.culture
    first = chain.step("equipment_calibrated", where=lambda a: a.equipment == INCUBATOR).act
    chain.change("equipment_calibrated", where=lambda a: a.equipment == INCUBATOR, due_on=culture.started_at.date() + DAY)
    only(chain, "MFG-EQP", "equipment_calibration_lapsed", "lot_step_recorded")
    again = dataclasses.replace(first, calibrated_on=culture.started_at.date() + DAY, due_on=first.due_on)
    chain.add(again, before="lot_step_recorded", by=QA)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go


def test_equipment_calibrated_only_after_the_step_began_blocks(chain):
    culture = chain.step("lot_step_recorded").act.culture
    chain.change("equipment_calibrated", where=lambda a: a.equipment == INCUBATOR, calibrated_on=culture.started_at.date() + DAY)
    only(chain, "MFG-EQP", "missing", "lot_step_recorded")


@pytest.mark.parametrize("name", ["equipment_calibrated", "equipment_registered"])
def test_equipment_never_calibrated_or_registered_blocks(chain, name):
    chain.drop(name, where=lambda a: a.equipment == INCUBATOR)
    only(chain, "MFG-EQP", "missing", "lot_step_recorded")


def test_a_step_that_names_no_equipment_blocks(chain):
    change_culture(chain, "lot_step_recorded", equipment=())
    only(chain, "MFG-EQP", "missing", "lot_step_recorded")


def test_a_step_that_begins_in_the_future_blocks(chain):
    at = chain.step("lot_step_recorded").at
    change_culture(chain, "lot_step_recorded", started_at=at + timedelta(seconds=1))
    verdict = chain.verdict_at(G4, "lot_step_recorded")
    assert blocked_gates(verdict) == {"MFG-MAT", "MFG-EQP"}
    change_culture(chain, "lot_step_recorded", started_at=at)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go


# MFG-TRAIN


def training(chain, account, **fields):
    chain.change("training_recorded", where=lambda act: act.account.value == account, **fields)


@pytest.mark.parametrize(("days", "passes"), [(0, True), (-1, False)])
def test_training_counts_up_to_and_including_its_last_day(chain, days, passes):
    training(chain, "demo-operator-one", valid_until=chain.step("processing_started").at.date() + timedelta(days=days))
    if passes:
        assert chain.verdict_at(G4).is_go
    else:
        only(chain, "MFG-TRAIN", "training_lapsed")


@pytest.mark.parametrize(("days", "passes"), [(0, True), (1, False)])
def test_training_counts_from_the_day_it_was_passed(chain, days, passes):
    training(chain, "demo-operator-one", passed_on=chain.step("processing_started").at.date() + timedelta(days=days))
    assert blocked_gates(chain.verdict_at(G4)) == (set() if passes else {"MFG-TRAIN"})


@pytest.mark.parametrize("account", ["demo-operator-one", "demo-verifier-one"])
def test_everyone_who_signs_the_fill_must_be_trained(chain, account):
    chain.drop("training_recorded", where=lambda act: act.account.value == account)
    only(chain, "MFG-TRAIN", "missing", "bags_filled")


def test_training_in_something_else_does_not_count(chain):
    training(chain, "demo-operator-one", procedure="bedside")
    only(chain, "MFG-TRAIN", "missing")


def document(chain, version, **days):
    """An SOP version, approved before the tissue is processed."""
    today = chain.step("processing_started").at.date()
    dates = {name: today + timedelta(days=n) for name, n in days.items()}
    act = DocumentApproved(
        study=StudyId("NCT06505941"),
        procedure="manufacturing",
        number="SOP-017",
        document_version=version,
        effective_from=dates["begins"],
        effective_until=dates.get("ends"),
        review_due_on=today + timedelta(days=400),
    )
    chain.add(act, before="processing_started", by=QA, minutes=30)
    return act


@pytest.mark.parametrize(("trained_in", "passes"), [("2.0", True), ("1.0", False), ("", False)])
def test_training_counts_only_in_the_version_of_the_sop_that_is_in_force(chain, trained_in, passes):
    document(chain, "1.0", begins=-30)
    document(chain, "2.0", begins=0)
    document(chain, "3.0", begins=1)
    training(chain, "demo-operator-one", document_version=trained_in)
    if passes:
        assert chain.verdict_at(G4).is_go
    else:
        only(chain, "MFG-TRAIN", "training_in_other_version")


@pytest.mark.parametrize(("ends", "passes"), [(0, True), (-1, False)])
def test_sop_counts_up_to_and_including_its_last_day_and_without_one_in_force_nothing_is_made(chain, ends, passes):
    document(chain, "1.0", begins=-30, ends=ends)
    training(chain, "demo-operator-one", document_version="1.0")
    if passes:
        assert chain.verdict_at(G4).is_go
    else:
        only(chain, "MFG-TRAIN", "missing")


def test_withdrawn_sop_blocks_until_the_next_version(chain):
    act = document(chain, "1.0", begins=-30)
    training(chain, "demo-operator-one", document_version="1.0")
    withdrawn = DocumentWithdrawn(study=act.study, procedure=act.procedure, document_version="1.0", reason="wrong pump setting")
    chain.add(withdrawn, before="processing_started", by=QA, minutes=5)
    only(chain, "MFG-TRAIN", "missing")


def test_verdict_of_a_step_keeps_the_version_of_the_sop_it_was_made_by(chain):
    document(chain, "1.0", begins=-30)
    training(chain, "demo-operator-one", document_version="1.0")
    (finding,) = (each for each in chain.verdict_at(G4).findings if each.gate == "MFG-TRAIN")
    case, _ = chain.case_at(G4)
    assert case.dossier.last(StudyId("NCT06505941"), DocumentApproved).digest in finding.outcome.evidence


def test_a_study_that_asks_for_no_training_at_this_hold_point_blocks(chain):
    content = json.loads(chain.step("study_proposed").act.content)
    content["training"] = {}
    chain.change("study_proposed", content=json.dumps(content))
    only(chain, "MFG-TRAIN", "missing")


def test_an_act_nobody_signs_blocks(chain):
    case, now = chain.case_at(G4)
    assert blocked_gates(evaluate(G4, dataclasses.replace(case, signers=()), now)) == {"MFG-TRAIN"}


# MFG-PASS


def test_passage_6_is_within_and_scenario_7_passage_7_is_not(chain):
    change_culture(chain, "lot_step_recorded", passage=6)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go
    change_culture(chain, "lot_step_recorded", passage=7)
    only(chain, "MFG-PASS", "passage_too_high", "lot_step_recorded")


def test_the_passage_of_an_ancestor_counts_for_all_that_comes_from_it(chain):
    change_culture(chain, "bank_step_recorded", 0, passage=7)
    assert "MFG-PASS" in blocked_gates(chain.verdict_at(G4, "bank_started", 1))
    assert "MFG-PASS" in blocked_gates(chain.verdict_at(G4, "bags_filled"))


def test_a_passage_lower_than_the_parents_is_a_contradiction(chain):
    change_culture(chain, "lot_step_recorded", passage=4)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go
    change_culture(chain, "lot_step_recorded", passage=3)
    only(chain, "MFG-PASS", "passage_goes_back", "lot_step_recorded")
    change_culture(chain, "primary_culture_harvested", passage=-1)
    only(chain, "MFG-PASS", "passage_goes_back", "primary_culture_harvested")


def test_a_passage_lower_than_an_earlier_step_of_the_same_lot_is_a_contradiction(chain):
    step = chain.step("lot_step_recorded")
    culture = dataclasses.replace(step.act.culture, passage=6)
    chain.add(dataclasses.replace(step.act, culture=culture), before="lot_step_recorded", by=step.by)
    chain.steps.sort(key=lambda s: s.at)
    change_culture(chain, "lot_step_recorded", 1, passage=5, viable_harvested=Decimal(4000000))
    only(chain, "MFG-PASS", "passage_goes_back", "lot_step_recorded", 1)
    change_culture(chain, "lot_step_recorded", 1, passage=6)
    assert chain.verdict_at(G4, "lot_step_recorded", 1).is_go


def test_without_a_culture_behind_it_a_bank_blocks(chain):
    chain.drop("primary_culture_harvested")
    verdict = chain.verdict_at(G4, "bank_started")
    assert blocked_gates(verdict) == {"MFG-PASS", "MFG-CPD"}
    assert reasons(verdict, "MFG-PASS") == {"missing"}


def stricter_version(chain, before):
    """Version 2 of the study, in force from just before this step, allows passage 5 and no more."""
    first = chain.step("study_proposed")
    content = json.loads(first.act.content)
    content["settings"] = {**content["settings"], "max_passage": 5}
    proposed = StudyProposed(study=first.act.study, study_version=2, content=json.dumps(content))
    approved = StudyApproved(study=first.act.study, study_version=2, content_digest=Digest("0" * 64), confirmed_defaults=())
    chain.add(proposed, before=before, by=first.by, minutes=2)
    chain.add(approved, before=before, by=chain.step("study_approved").by, minutes=1)


def test_a_lot_is_judged_by_the_criteria_it_was_started_under(chain):
    stricter_version(chain, "lot_step_recorded")
    assert chain.verdict_at(G4, "lot_step_recorded").is_go


def test_a_lot_started_under_stricter_criteria_is_judged_by_those(chain):
    stricter_version(chain, "lot_started")
    only(chain, "MFG-PARENT", "criteria_not_in_force", "lot_started")
    chain.change("lot_started", criteria_version=2)
    assert chain.verdict_at(G4, "lot_started").is_go
    only(chain, "MFG-PASS", "passage_too_high", "lot_step_recorded")


# MFG-CPD: the valid chain has 4 doublings in primary culture, 4 in each bank and 8 in the lot: 20


def test_thirty_doublings_are_within_and_one_cell_more_is_not(chain):
    seeded = Decimal(1000)
    change_culture(chain, "lot_step_recorded", viable_seeded=seeded, viable_harvested=seeded * 2**18)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go
    change_culture(chain, "lot_step_recorded", viable_seeded=seeded, viable_harvested=seeded * 2**18 + 1)
    only(chain, "MFG-CPD", "doublings_too_many", "lot_step_recorded")
    assert chain.verdict_at(G4, "lot_step_recorded").blocking[0].outcome.reason.values["seen"] == Decimal("30.01")


def test_doublings_of_ancestors_count_at_every_later_step(chain):
    change_culture(chain, "primary_culture_harvested", viable_harvested=Decimal(1000000) * 2**23)
    for act, nth in (("bank_started", 0), ("bank_step_recorded", 0)):
        assert chain.verdict_at(G4, act, nth).is_go
    for act, nth in (("bank_step_recorded", 1), ("bank_filled", 1), ("lot_started", 0), ("lot_step_recorded", 0), ("bags_filled", 0)):
        assert blocked_gates(chain.verdict_at(G4, act, nth)) == {"MFG-CPD"}


def test_cells_lost_in_one_step_do_not_undo_earlier_doublings(chain):
    change_culture(chain, "bank_step_recorded", 0, viable_harvested=Decimal(1))
    change_culture(chain, "lot_step_recorded", viable_harvested=Decimal(4000000) * 2**23)
    assert blocked_gates(chain.verdict_at(G4, "lot_step_recorded")) == {"MFG-CPD"}


@pytest.mark.parametrize("seeded", ["0", "-1"])
def test_a_step_that_seeded_nothing_blocks(chain, seeded):
    change_culture(chain, "lot_step_recorded", viable_seeded=Decimal(seeded))
    only(chain, "MFG-CPD", "missing", "lot_step_recorded")


# MFG-BAL


@pytest.mark.parametrize(("quantity_out", "passes"), [("98000000", True), ("97999999", False), ("102000000", True), ("102000001", False)])
def test_a_balance_may_differ_by_two_per_cent(chain, quantity_out, passes):
    change_balance(chain, "lot_step_recorded", quantity_in=Decimal(100000000), quantity_out=Decimal(quantity_out))
    if passes:
        assert chain.verdict_at(G4, "lot_step_recorded").is_go
    else:
        only(chain, "MFG-BAL", "balance_differs", "lot_step_recorded")


def test_samples_waste_and_retains_are_accounted_for(chain):
    values = {"quantity_in": Decimal(100), "quantity_out": Decimal(60), "samples": Decimal(20), "waste": Decimal(10), "retains": Decimal(8)}
    change_balance(chain, "lot_step_recorded", **values)
    assert chain.verdict_at(G4, "lot_step_recorded").is_go
    change_balance(chain, "lot_step_recorded", **{**values, "retains": Decimal("7.9")})
    only(chain, "MFG-BAL", "balance_differs", "lot_step_recorded")


@pytest.mark.parametrize(("quantity_in", "passes"), [("17", True), ("18", False)])
def test_a_balance_may_differ_by_one_unit_where_that_is_more(chain, quantity_in, passes):
    change_balance(chain, "bank_filled", quantity_in=Decimal(quantity_in))
    assert blocked_gates(chain.verdict_at(G4, "bank_filled")) == (set() if passes else {"MFG-BAL"})


@pytest.mark.parametrize("fields", [{"quantity_in": Decimal(0), "quantity_out": Decimal(0)}, {"waste": Decimal(-1)}])
def test_a_balance_of_nothing_or_below_nothing_is_implausible(chain, fields):
    change_balance(chain, "lot_step_recorded", **fields)
    only(chain, "MFG-BAL", "balance_implausible", "lot_step_recorded")


def test_the_bags_named_are_as_many_as_the_balance_says(chain):
    bags = chain.step("bags_filled").act.bags
    change_balance(chain, "bags_filled", quantity_in=Decimal(3), quantity_out=Decimal(2), retains=Decimal(1))
    only(chain, "MFG-BAL", "containers_differ", "bags_filled")
    chain.change("bags_filled", bags=bags[:3])
    assert chain.verdict_at(G4, "bags_filled").is_go
    chain.change("bags_filled", bags=bags[:1])
    only(chain, "MFG-BAL", "containers_differ", "bags_filled")


def test_the_vials_filled_are_as_many_as_the_balance_says(chain):
    chain.change("bank_filled", vials=17)
    only(chain, "MFG-BAL", "containers_differ", "bank_filled")


def test_a_bag_named_twice_or_filled_before_blocks(chain):
    bags = chain.step("bags_filled").act.bags
    chain.change("bags_filled", bags=(*bags[:3], bags[0]))
    only(chain, "MFG-BAL", "bag_filled_twice", "bags_filled")


def test_a_bag_of_another_lot_is_not_filled_again(chain):
    filled = chain.step("bags_filled")
    other = dataclasses.replace(filled.act, lot=LotId("LOT-0002"))
    chain.add(other, before="bags_filled", by=filled.by)
    chain.steps.sort(key=lambda s: s.at)
    only(chain, "MFG-BAL", "bag_filled_twice", "bags_filled", 1)


def test_a_fill_without_bags_blocks(chain):
    chain.change("bags_filled", bags=())
    only(chain, "MFG-BAL", "missing", "bags_filled")


@pytest.mark.parametrize(("act", "nth"), [("bank_started", 1), ("lot_started", 0)])
@pytest.mark.parametrize(
    ("vials", "reason"),
    [((), "missing"), ((0,), "vial_does_not_exist"), ((17,), "vial_does_not_exist"), ((2, 2), "vial_drawn_twice")],
)
def test_the_vials_drawn_exist_and_are_named_once(chain, act, nth, vials, reason):
    chain.change(act, nth, vials_drawn=vials)
    only(chain, "MFG-BAL", reason, act, nth)


def test_the_last_vial_of_a_bank_may_be_drawn(chain):
    chain.change("lot_started", vials_drawn=(16,))
    assert chain.verdict_at(G4, "lot_started").is_go


def test_no_vial_is_drawn_twice(chain):
    other = dataclasses.replace(chain.step("lot_started").act, lot=LotId("LOT-0002"))
    chain.add(other, before="lot_started", by="demo-operator-one")
    chain.steps.sort(key=lambda s: s.at)
    only(chain, "MFG-BAL", "vial_drawn_twice", "lot_started", 1)
    chain.change("lot_started", 1, vials_drawn=(2,))
    assert chain.verdict_at(G4, "lot_started", 1).is_go


def test_a_bank_that_was_never_filled_has_no_vials(chain):
    chain.drop("bank_filled", 1)
    only(chain, "MFG-BAL", "missing", "lot_started")


# Placebo


def test_a_placebo_lot_is_made_without_cells_and_the_rules_say_so(chain):
    chain.change("lot_started", product=Product.PLACEBO, banks=(), vials_drawn=())
    for act in ("lot_started", "lot_step_recorded", "bags_filled"):
        verdict = chain.verdict_at(G4, act)
        assert verdict.is_go
        notes = {f.gate: f.outcome.note.code for f in verdict.findings if f.outcome.note is not None}
        assert notes["MFG-PASS"] == notes["MFG-CPD"] == "made_without_cells"
        assert notes["CON-WDN"] == "no_donor"
