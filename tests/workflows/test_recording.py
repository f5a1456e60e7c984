"""One way in: who may record, what comes before what, what a STOP leaves, and what else an act brings about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts import ACTS, bedside, manufacturing
from custody.domain.acts import people as people_acts
from custody.domain.acts.donation import DonorRegistered
from custody.domain.acts.manufacturing import MaterialReleased
from custody.domain.acts.quality import HoldPlaced, HoldPlacedByCustody, ResultRecorded, SampleTaken
from custody.domain.acts.record import Countersigned, VerdictGiven
from custody.domain.acts.study import StudyDoseStarted
from custody.domain.dossier import Signed
from custody.domain.duties import AccountFold, Grant, check_pair
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, DonorId, MaterialId, PersonId, SampleId, SiteId, StudyId
from custody.domain.terms import READ_ONLY_ROLES, Answer, Meaning, Role, VerdictWord
from custody.errors import InputError, NotFoundError, NotPermittedError, OutOfOrderError, StaleError
from custody.gates.hold_points import HOLD_POINTS
from custody.workflows import recording
from custody.workflows.checks import NOT_GMP
from custody.workflows.drill.roads import CAST, QA, START, road
from custody.workflows.job import signed_digest
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.road import ADMIN, OPERATOR, QP
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer
from tests.contracts.samples import sample_of
from tests.workflows.desk import BEDSIDE, CLOSED, MADE, OPEN, account

pytestmark = pytest.mark.on_both

DONOR = DonorRegistered(donor=DonorId("DN-9001"))
COORDINATOR = "demo-coordinator-one"
STARTED = step_of(road(), "infusion_started").act
HOSPITAL = SiteId("A9992")


@pytest.fixture
def opened(desk_at):
    desk = desk_at(OPEN)
    desk.now = desk.last_at() + timedelta(minutes=1)
    return desk


@pytest.fixture
def at_bed(desk_at):
    return desk_at(BEDSIDE)


class TestWhoMayRecord:
    def test_act_of_the_right_role_is_recorded_with_person_role_site_and_time(self, opened):
        outcome = opened.record(DONOR, COORDINATOR, opened.now)
        (entry,) = opened.entries(DONOR.donor)
        assert outcome.kind == "recorded"
        assert outcome.entry == entry.digest
        assert (entry.by.person, entry.by.role, entry.recorded_at) == (people()[COORDINATOR].person, Role.DONOR_COORDINATOR, opened.now)
        assert (entry.study, entry.station) == (STUDY, "desk")

    def test_p11_10g_another_role_is_refused_and_nothing_is_written(self, opened):
        before = opened.size()
        with pytest.raises(NotPermittedError, match="may not do this") as refused:
            opened.record(DONOR, COORDINATOR, opened.now, account=account(QA), role=Role.QA_REVIEWER, site=people()[QA].site)
        assert refused.value.code == "wrong_role"
        assert opened.size() == before

    def test_p11_10d_unknown_account_is_refused(self, opened):
        with pytest.raises(NotPermittedError, match="there is no account nobody-here"):
            opened.record(DONOR, COORDINATOR, opened.now, account=AccountId("nobody-here"))

    def test_p11_10d_disabled_account_is_refused(self, opened):
        disabled = people_acts.AccountDisabled(account=account(COORDINATOR), reason="left")
        opened.record(disabled, ADMIN, opened.now)
        with pytest.raises(NotPermittedError, match="is disabled"):
            opened.record(DONOR, COORDINATOR, opened.now)

    def test_role_of_another_site_does_not_count(self, opened):
        with pytest.raises(NotPermittedError, match="does not hold the role"):
            opened.record(DONOR, COORDINATOR, opened.now, site=HOSPITAL)

    def test_revoked_role_does_not_count(self, opened):
        site = people()[COORDINATOR].site
        revoked = people_acts.RoleRevoked(
            account=account(COORDINATOR), role=Role.DONOR_COORDINATOR, site=site, study=None, reason="moved to another desk"
        )
        signer = opened.signer(COORDINATOR, DONOR)
        opened.record(revoked, ADMIN, opened.now)
        with opened.store.writing() as connection, pytest.raises(NotPermittedError, match="does not hold the role"):
            recording.record(connection, DONOR, signer, opened.now)

    @pytest.mark.parametrize(("days", "allowed"), [(-1, False), (0, True), (3, True), (4, False)])
    def test_grant_counts_from_its_first_day_to_its_last_both_included(self, opened, days, allowed):
        first = opened.now.date() + timedelta(days=5)
        granted = people_acts.RoleGranted(
            account=account(COORDINATOR),
            role=Role.CARRIER,
            site=HOSPITAL,
            study=STUDY,
            valid_from=first,
            valid_until=first + timedelta(days=3),
        )
        opened.record(granted, ADMIN, opened.now)
        fold = AccountFold(opened.dossier(account(COORDINATOR)), account(COORDINATOR))
        grant = Grant(Role.CARRIER, HOSPITAL, STUDY)
        assert (grant in fold.grants(lambda _: first + timedelta(days=days))) is allowed

    def test_grant_for_another_study_does_not_count(self, opened):
        assert not Grant(Role.OPERATOR, HOSPITAL, StudyId("OTHER-01")).covers(STUDY)
        assert Grant(Role.OPERATOR, HOSPITAL, None).covers(STUDY)

    def test_p11_10j_signature_needs_the_accepted_policy(self, opened):
        released = MaterialReleased(material=MaterialId("MED-0001"))
        new = AccountId("demo-qa-new")
        for act in (
            people_acts.AccountCreated(account=new, person=PersonId("PERSON-900"), printed_name="New QA", identity_verified_by="passport"),
            people_acts.RoleGranted(account=new, role=Role.QA_REVIEWER, site=people()[QA].site, study=None, valid_from=opened.now.date()),
        ):
            opened.record(act, ADMIN, opened.now)
        with pytest.raises(NotPermittedError, match="accept the signature policy"):
            opened.record(released, "demo-qa-new", opened.now)

    def test_p11_200a_a_running_session_alone_signs_nothing(self, opened):
        placed = HoldPlaced(node=DONOR.donor, hold="H1", reason="asked for", owner="QA")
        opened.record(DONOR, COORDINATOR, opened.now)
        with pytest.raises(NotPermittedError, match="needs the secret again"):
            opened.record(placed, QA, opened.now, method=None)

    def test_policy_is_accepted_by_its_own_account_only(self, opened):
        with pytest.raises(NotPermittedError, match="for themselves"):
            opened.record(people_acts.SignaturePolicyAccepted(account=account(QA), policy_version="1"), COORDINATOR, opened.now)

    def test_p11_10g_nobody_confirms_their_own_training(self, opened):
        day = opened.now.date()
        training = people_acts.TrainingRecorded(account=account(QP), procedure="manufacturing", passed_on=day, valid_until=day)
        with pytest.raises(NotPermittedError, match="somebody else signs it"):
            opened.record(training, QP, opened.now)
        assert opened.record(training, QA, opened.now).kind == "recorded"

    @pytest.mark.parametrize("role", sorted(READ_ONLY_ROLES))
    def test_read_only_role_signs_nothing(self, role):
        assert not [name for name, rule in ACTS.items() if any(role in slot.roles for slot in rule.slots)]


class TestAccounts:
    def created(self, name, person):
        return people_acts.AccountCreated(account=AccountId(name), person=person, printed_name="Somebody", identity_verified_by="passport")

    def test_p11_100_a_person_gets_no_second_account_while_the_first_is_active(self, opened):
        again = self.created("demo-nurse-again", people()[NURSES[0]].person)
        with pytest.raises(OutOfOrderError, match=f"has the account {NURSES[0]}; disable it"):
            opened.record(again, ADMIN, opened.now)
        opened.record(people_acts.AccountDisabled(account=account(NURSES[0]), reason="renewed"), ADMIN, opened.now)
        assert opened.record(again, ADMIN, opened.now).kind == "recorded"

    def test_p11_100_account_name_is_never_used_again(self, opened):
        opened.record(people_acts.AccountDisabled(account=account(NURSES[0]), reason="left"), ADMIN, opened.now)
        with pytest.raises(OutOfOrderError, match="is known already"):
            opened.record(self.created(NURSES[0], PersonId("PERSON-901")), ADMIN, opened.now)

    def test_p11_100_account_without_verified_identity_is_refused(self, opened):
        unverified = replace(self.created("demo-new", PersonId("PERSON-902")), identity_verified_by=" ")
        with pytest.raises(InputError, match="how the person proved who they are"):
            opened.record(unverified, ADMIN, opened.now)

    def granted(self, name, role, start, end=None):
        return people_acts.RoleGranted(account=account(name), role=role, site=HOSPITAL, study=None, valid_from=start, valid_until=end)

    def test_a11d_3_administrator_gets_no_gmp_role_and_the_other_way_round(self, opened):
        day = opened.now.date()
        for act in (self.granted(ADMIN, Role.OPERATOR, day), self.granted(QA, Role.ADMINISTRATOR, day)):
            with pytest.raises(NotPermittedError, match="at once"):
                opened.record(act, ADMIN, opened.now)

    def test_a11d_3_grant_of_a_later_day_counts_too(self, opened):
        """Administrator next week, operator the week after, without an end: they would meet."""
        day = opened.now.date()
        new = AccountId("demo-new")
        opened.record(self.created("demo-new", PersonId("PERSON-903")), ADMIN, opened.now)
        later = people_acts.RoleGranted(account=new, role=Role.OPERATOR, site=HOSPITAL, study=None, valid_from=day + timedelta(days=14))
        opened.record(later, ADMIN, opened.now)
        before = people_acts.RoleGranted(
            account=new, role=Role.ADMINISTRATOR, site=HOSPITAL, study=None, valid_from=day + timedelta(days=7)
        )
        with pytest.raises(NotPermittedError, match="administrator and operator at once"):
            opened.record(before, ADMIN, opened.now)
        assert opened.record(replace(before, valid_until=day + timedelta(days=13)), ADMIN, opened.now).kind == "recorded"

    def test_roles_beside_the_administrator_sign_no_gmp_act(self):
        # Adverse events are good clinical practice: the sponsor assesses and reports them (ICH E6(R3) section 3).
        gmp = [name for name, rule in ACTS.items() if rule.stage not in {"people", "study", "release", "record", "safety"}]
        for role in NOT_GMP:
            assert not [name for name in gmp if role in ACTS[name].roles], role

    def test_a11_12_grant_is_an_entry_with_who_and_when(self, opened):
        opened.record(self.granted(QA, Role.QC_REVIEWER, opened.now.date()), ADMIN, opened.now)
        entry = opened.entries(account(QA))[-1]
        assert (entry.act.role, entry.by.account, entry.recorded_at) == (Role.QC_REVIEWER, account(ADMIN), opened.now)

    def test_grant_that_ends_before_it_begins_is_refused(self, opened):
        day = opened.now.date()
        with pytest.raises(InputError, match="ends before it begins"):
            opened.record(self.granted(QA, Role.QC_REVIEWER, day, day - timedelta(days=1)), ADMIN, opened.now)


class TestWhatCustodyWrites:
    @pytest.mark.parametrize("name", sorted(name for name, rule in ACTS.items() if rule.companion or rule.evidence))
    def test_companions_and_evidence_are_never_recorded_by_hand(self, desk_at, name):
        desk = desk_at(OPEN)
        admin = people()[ADMIN]
        signer = Signer(account=admin.account, role=Role.ADMINISTRATOR, site=admin.site, study=STUDY, method="secret")
        with desk.store.writing() as connection, pytest.raises(NotPermittedError, match="written by custody itself"):
            recording.record(connection, sample_of(name), signer, START)

    @pytest.mark.parametrize("name", ["proposed", "countersigned", "proposal_withdrawn", "verdict_given", "secret_set"])
    def test_what_belongs_to_the_workflow_is_never_recorded_by_hand(self, desk_at, name):
        self.test_companions_and_evidence_are_never_recorded_by_hand(desk_at, name)


class TestOrder:
    def test_p11_10f_step_before_its_time_is_refused_and_changes_nothing(self, opened):
        before = opened.size()
        unknown = MaterialReleased(material=MaterialId("MED-NOT-THERE"))
        with pytest.raises(NotFoundError, match="there is no material MED-NOT-THERE"):
            opened.record(unknown, QA, opened.now)
        approved = people_acts.RoleRevoked(account=account(ADMIN), role=Role.SPONSOR, site=HOSPITAL, study=None, reason="never held")
        assert opened.record(approved, ADMIN, opened.now).kind == "recorded"
        assert opened.size() == before + 1

    def test_p11_10f_act_that_needs_another_before_it_names_it(self, desk_at):
        desk = desk_at(MADE)
        early = bedside.ReadyConfirmed(dose=CAST.dose)
        desk_now = START
        with pytest.raises(NotFoundError, match="there is no dose"):
            desk.record(early, "demo-physician-one", desk_now)
        unpacked = manufacturing.LabelsPrinted(node=CAST.lot, design="bag", copies=1)
        assert desk.record(unpacked, OPERATOR, desk_now).kind == "recorded"

    def test_thing_is_made_known_once(self, opened):
        opened.record(DONOR, COORDINATOR, opened.now)
        with pytest.raises(OutOfOrderError, match="is known already"):
            opened.record(DONOR, COORDINATOR, opened.now)

    def test_page_that_is_no_longer_true_is_refused(self, opened):
        shown = proposal_digest(replace(DONOR, donor=DonorId("DN-9002")))
        with pytest.raises(StaleError, match="changed while you were looking"):
            opened.record(DONOR, COORDINATOR, opened.now, digest_shown=shown)
        assert opened.record(DONOR, COORDINATOR, opened.now, digest_shown=proposal_digest(DONOR)).kind == "recorded"

    def test_a11_9_blank_reason_is_refused(self, opened):
        with pytest.raises(InputError, match="write the reason") as refused:
            opened.record(people_acts.AccountDisabled(account=account(QA), reason="  "), ADMIN, opened.now)
        assert refused.value.field == "reason"

    def test_nothing_happened_in_the_future(self, opened):
        with pytest.raises(InputError, match="lies in the future"):
            opened.record(DONOR, COORDINATOR, opened.now, happened_at=opened.now + timedelta(seconds=1))
        opened.record(DONOR, COORDINATOR, opened.now, happened_at=opened.now)

    def test_a11_16_late_entry_keeps_both_times(self, opened):
        opened.record(DONOR, COORDINATOR, opened.now, happened_at=opened.now - timedelta(hours=3))
        (entry,) = opened.entries(DONOR.donor)
        assert entry.recorded_at - entry.happened_at == timedelta(hours=3)


class TestStudies:
    def test_thing_of_another_study_is_not_found(self, opened):
        opened.record(DONOR, COORDINATOR, opened.now)
        placed = HoldPlaced(node=DONOR.donor, hold="H1", reason="asked for", owner="QA")
        with pytest.raises(NotFoundError, match="there is no donor DN-9001"):
            opened.record(placed, QA, opened.now, study=StudyId("OTHER-01"))

    def test_proposal_of_another_study_is_not_found(self, at_bed):
        at_bed.record(STARTED, NURSES[0], START)
        with pytest.raises(NotFoundError, match="there is no dose"):
            at_bed.countersign(STARTED, NURSES[1], START, answers=STARTED, study=StudyId("OTHER-01"))


class TestSignatures:
    def test_p11_70_signature_is_tied_to_act_meaning_signer_and_criteria(self, at_bed):
        outcome = at_bed.record(STARTED, NURSES[0], START)
        entry = at_bed.entries(CAST.dose)[-1]
        kept = at_bed.envelope(outcome.entry)["signature"]
        version = StudyFold(at_bed.dossier(STUDY), STUDY).criteria_now.version
        assert kept["digest"] == signed_digest(proposal_digest(STARTED), entry.by, version)
        assert (kept["meaning"], kept["method"]) == (Meaning.IDENTITY_CHECKED.value, "secret")

    @pytest.mark.parametrize("part", ["act", "meaning", "account", "person", "role", "criteria"])
    def test_p11_70_signature_of_anything_else_is_another_one(self, at_bed, part):
        at_bed.record(STARTED, NURSES[0], START)
        by, proposal, version = at_bed.entries(CAST.dose)[-1].by, proposal_digest(STARTED), 1
        moved = {
            "act": (proposal_digest(replace(STARTED, bag=CAST.bags[2])), by, version),
            "meaning": (proposal, replace(by, meaning=Meaning.WITNESSED), version),
            "account": (proposal, replace(by, account=account(NURSES[1])), version),
            "person": (proposal, replace(by, person=people()[NURSES[1]].person), version),
            "role": (proposal, replace(by, role=Role.SECOND_CHECKER), version),
            "criteria": (proposal, by, 2),
        }
        assert signed_digest(*moved[part]) != signed_digest(proposal, by, version)

    def test_p11_50_signature_carries_printed_name_time_and_meaning(self, at_bed):
        at_bed.both(STARTED, *NURSES, START)
        (deed,) = at_bed.deeds(CAST.dose, bedside.InfusionStarted)
        assert [signer.printed_name for signer in deed.signers] == [people()[nurse].printed_name for nurse in NURSES]
        assert [signer.at for signer in deed.signers] == [START, START + timedelta(seconds=1)]
        assert {signer.meaning for signer in deed.signers} == {Meaning.IDENTITY_CHECKED}

    def test_what_custody_writes_beside_an_act_is_not_signed(self, at_bed):
        outcome = at_bed.both(STARTED, *NURSES, START)
        assert at_bed.envelope(outcome.verdict_entry)["signature"] is None
        spiked = at_bed.entries(CAST.dose_bags[0])[-1]
        assert spiked.act.rule.name == "bag_spiked"
        assert spiked.by.meaning is None
        assert at_bed.envelope(spiked.digest)["signature"] is None


class TestStops:
    def scanned(self, **scans):
        return replace(STARTED, scans=replace(STARTED.scans, **scans))

    def test_go_is_kept_beside_the_act_it_let_pass(self, at_bed):
        outcome = at_bed.both(STARTED, *NURSES, START)
        assert (outcome.kind, outcome.verdict.word) == ("recorded", VerdictWord.GO)
        names = at_bed.acts(CAST.dose)
        assert names[-2:] == ["verdict_given", "countersigned"]
        verdict = at_bed.entries(CAST.dose)[-2]
        assert isinstance(verdict.act, VerdictGiven)
        assert (verdict.digest, verdict.act.word) == (outcome.verdict_entry, VerdictWord.GO)
        assert {head.split()[0] for head in verdict.act.heads} >= {CAST.dose.key, CAST.lot.key, CAST.donor.key}

    def test_stop_is_kept_and_leaves_the_proposal_waiting(self, at_bed):
        act = self.scanned(resuscitation_ready=Answer.NO)
        outcome = at_bed.both(act, *NURSES, START)
        assert (outcome.kind, outcome.verdict.codes) == ("stopped", ("BED-RESUS",))
        assert at_bed.acts(CAST.dose)[-2:] == ["proposed", "verdict_given"]
        with at_bed.store.reading() as connection:
            entry, signed = recording.find_proposal(connection, CAST.dose, outcome.proposal)
        assert entry.act.proposal == proposal_digest(act)
        assert [signer.account for signer in signed] == [account(NURSES[0])]

    def test_stop_that_holds_nothing_holds_nothing(self, at_bed):
        at_bed.both(self.scanned(physician_present=Answer.NO), *NURSES, START)
        assert not at_bed.deeds(CAST.dose_bags[0], HoldPlacedByCustody)

    def test_broken_container_holds_that_bag_once(self, at_bed):
        act = self.scanned(container_whole=Answer.NO)
        outcome = at_bed.both(act, *NURSES, START)
        assert outcome.verdict.codes == ("BED-INT",)
        (hold,) = at_bed.deeds(CAST.dose_bags[0], HoldPlacedByCustody)
        assert (hold.act.cause, hold.at, hold.recorded_at) == ("BED-INT", START + timedelta(seconds=1), START + timedelta(seconds=1))
        assert not at_bed.deeds(CAST.dose_bags[1], HoldPlacedByCustody)
        again = at_bed.countersign(act, NURSES[1], START + timedelta(seconds=9), answers=act)
        assert set(again.verdict.codes) == {"BED-INT", "BAG-HOLD"}
        assert len(at_bed.deeds(CAST.dose_bags[0], HoldPlacedByCustody)) == 1

    def test_bag_of_nobody_scanned_at_the_wrong_bed_is_not_held(self, at_bed):
        spare = CAST.bags[2]
        act = replace(self.scanned(bag=spare, container_whole=Answer.NO), bag=spare)
        outcome = at_bed.both(act, *NURSES, START)
        assert "BED-BAG" in outcome.verdict.codes
        assert not at_bed.deeds(spare, HoldPlacedByCustody)

    def test_cannot_check_holds_nothing_and_writes_nothing_by_a_wrong_clock(self, at_bed):
        at_bed.record(self.scanned(container_whole=Answer.NO), NURSES[0], START)
        before = at_bed.size()
        back = START - timedelta(hours=1)
        act = self.scanned(container_whole=Answer.NO)
        outcome = at_bed.countersign(act, NURSES[1], back, answers=act)
        assert (outcome.kind, outcome.verdict.codes) == ("cannot_check", ("SYS-CLOCK",))
        assert at_bed.size() == before

    def test_rule_that_cannot_run_is_kept_as_cannot_check(self, at_bed, monkeypatch):
        from custody.gates import registry

        def broken(case, now):
            raise ZeroDivisionError

        monkeypatch.setitem(registry.GATES, "BED-LINE", replace(registry.GATES["BED-LINE"], rule=broken))
        outcome = at_bed.both(STARTED, *NURSES, START)
        assert (outcome.kind, outcome.verdict.codes) == ("cannot_check", ("SYS-ERROR",))
        assert at_bed.entries(CAST.dose)[-1].act.word is VerdictWord.CANNOT_CHECK
        monkeypatch.undo()
        assert at_bed.countersign(STARTED, NURSES[1], START + timedelta(seconds=5), answers=STARTED).kind == "recorded"


class TestWhatItBringsAbout:
    def test_start_stands_in_the_streams_of_bag_participant_and_study(self, at_bed):
        at_bed.both(STARTED, *NURSES, START)
        assert at_bed.acts(CAST.dose_bags[0])[-1] == "bag_spiked"
        assert at_bed.acts(CAST.participant)[-1] == "participant_dose_started"
        assert at_bed.acts(STUDY)[-1] == "study_dose_started"

    def late(self, **changed):
        known = {"dose": CAST.dose, "participant": CAST.participant, "bags": CAST.dose_bags, "started_at": START}
        return bedside.InfusionRecordedLate(**{**known, "reason": "no network", "paper_form": "F-1", **changed})

    def test_late_start_counts_in_its_cohort_and_keeps_its_time_everywhere(self, at_bed):
        late = self.late()
        now = START + timedelta(hours=6)
        at_bed.record(late, NURSES[0], now, happened_at=START)
        at_bed.countersign(late, NURSES[1], now + timedelta(minutes=1))
        (counted,) = at_bed.deeds(STUDY, StudyDoseStarted)
        assert (counted.act.cohort.value, counted.act.dose, counted.act.started_at) == (CAST.cohort, CAST.dose, START)
        assert StudyFold(at_bed.dossier(STUDY), STUDY).doses_started(counted.act.cohort)
        for node in (STUDY, CAST.participant, *CAST.dose_bags):
            written = at_bed.entries(node)[-1]
            assert (written.happened_at, written.recorded_at) == (START, now + timedelta(minutes=1)), node

    def test_start_is_not_recorded_twice(self, at_bed):
        at_bed.both(STARTED, *NURSES, START)
        with pytest.raises(OutOfOrderError, match="recorded already"):
            at_bed.record(self.late(), NURSES[0], START + timedelta(hours=6))

    def test_late_start_of_another_participant_is_refused(self, at_bed):
        other = replace(CAST.participant, value="P-0002")
        with pytest.raises(InputError, match="was requested for P-0001, not for P-0002"):
            at_bed.record(self.late(participant=other), NURSES[0], START + timedelta(hours=6))

    def test_stopped_infusion_needs_its_reason(self, at_bed):
        at_bed.both(STARTED, *NURSES, START)
        ended = bedside.InfusionEnded(dose=CAST.dose, ended_at=START, completed=False)
        with pytest.raises(InputError, match="why the dose was not completed"):
            at_bed.record(ended, NURSES[0], START + timedelta(minutes=5))


class TestLateResults:
    """A result that fails after release holds what is left of the lot in the same transaction (rules section 9.3)."""

    def result(self, desk, test, result, unit, now):
        sample = SampleId("RETAIN-1")
        desk.record(SampleTaken(node=CAST.lot, sample=sample, taken_at=now - timedelta(days=30)), OPERATOR, now)
        recorded = ResultRecorded(
            node=CAST.lot, test=test, sample=sample, result=result, unit=unit, method="M", method_version="1", instrument="I", read_at=now
        )
        outcome = desk.record(recorded, "demo-analyst-one", now)
        return outcome, desk.deeds(CAST.lot, HoldPlacedByCustody)

    @pytest.mark.parametrize(
        ("test", "result", "unit", "held"),
        [
            ("STE", "growth", "", True),
            ("STE", "no growth", "", False),
            ("STE", "", "", False),
            ("END", "0.50", "EU/ml", False),
            ("END", "0.51", "EU/ml", True),
            ("END", "0.1", "furlongs", True),
            ("CNT", "120000000", "cells", False),
            ("CNT", "60000000", "cells", True),
            ("POT", "1", "%", False),
            ("NOT-A-TEST", "1", "%", True),
        ],
    )
    def test_failed_result_after_release_holds_the_lot(self, desk_at, test, result, unit, held):
        desk = desk_at(MADE)
        outcome, holds = self.result(desk, test, result, unit, START)
        assert outcome.kind == "recorded"
        assert [hold.act.cause for hold in holds] == [test] * held

    def test_two_bad_results_in_one_second_place_two_holds(self, desk_at):
        desk = desk_at(MADE)
        self.result(desk, "STE", "growth", "", START)
        _, holds = self.result(desk, "STE", "growth of bacteria", "", START)
        assert len({hold.act.hold for hold in holds}) == 2


class TestPairs:
    @pytest.mark.parametrize("name", sorted(name for name, rule in ACTS.items() if len(rule.slots) > 1))
    def test_two_signatures_of_one_person_are_refused_by_duty_or_by_a_gate(self, name):
        sample, rule = sample_of(name), ACTS[name]
        if recording._pair_has_code(sample):
            # Of the codes about pairs, these compare the signers of the act itself.
            assert {"RCV-DEC", "PRP-TWO", "BED-TWO"} & set(HOLD_POINTS[rule.hold_point])
            return
        nurse = people()[NURSES[0]]
        one = Signed(
            account=nurse.account,
            person=nurse.person,
            printed_name=nurse.printed_name,
            role=nurse.roles[0],
            site=nurse.site,
            meaning=Meaning.PERFORMED,
            at=START,
        )
        with pytest.raises(NotPermittedError, match="the same person cannot sign twice"):
            check_pair(rule, (one, replace(one, account=AccountId("another-account"))), gate_has_code=False)

    def test_duty_refuses_one_person_twice_where_no_gate_has_the_code(self, desk_at):
        desk = desk_at(CLOSED)
        weighed = step_of(road(), "weight_measured").act
        now = desk.last_at() + timedelta(minutes=1)
        desk.record(weighed, NURSES[0], now)
        with pytest.raises(NotPermittedError, match="the same person cannot sign twice"):
            desk.countersign(weighed, NURSES[0], now, answers=weighed)

    def test_gate_refuses_one_person_twice_with_its_own_code(self, at_bed):
        at_bed.record(STARTED, NURSES[0], START)
        outcome = at_bed.countersign(STARTED, NURSES[0], START, answers=STARTED)
        assert (outcome.kind, outcome.verdict.codes) == ("stopped", ("BED-TWO",))

    def test_second_who_reads_otherwise_stops_or_is_told_what_differs(self, desk_at):
        desk = desk_at(CLOSED)
        weighed = step_of(road(), "weight_measured").act
        now = desk.last_at() + timedelta(minutes=1)
        desk.record(weighed, NURSES[0], now)
        with pytest.raises(InputError, match="two readings differ in: weight_kg") as refused:
            desk.countersign(weighed, NURSES[1], now, answers=replace(weighed, weight_kg=weighed.weight_kg + 1))
        assert refused.value.values["fields"] == ("weight_kg",)
        with pytest.raises(InputError, match="must scan and read everything again"):
            desk.countersign(weighed, NURSES[1], now)
        with pytest.raises(InputError, match="another act"):
            desk.countersign(weighed, NURSES[1], now, answers=step_of(road(), "wristband_issued").act)
        assert desk.countersign(weighed, NURSES[1], now, answers=weighed).kind == "recorded"

    def test_second_reading_is_kept(self, at_bed):
        outcome = at_bed.both(STARTED, *NURSES, START)
        signed = next(each for each in at_bed.entries(CAST.dose) if each.digest == outcome.entry)
        assert isinstance(signed.act, Countersigned)
        assert "resuscitation_ready" in signed.act.answers


def test_p11_10i_lapsed_training_blocks_the_step(desk_at):
    desk = desk_at(MADE)
    step = step_of(road(), "lot_step_recorded").act
    outcome = desk.record(step, OPERATOR, START + timedelta(days=400))
    assert outcome.kind == "stopped"
    assert "MFG-TRAIN" in outcome.verdict.codes
