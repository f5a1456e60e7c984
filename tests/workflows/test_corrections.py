"""A correction puts another content in the place of a wrong one; the first stays visible and everything is judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.base import ACTS
from custody.domain.acts.bedside import InfusionRecordedLate
from custody.domain.acts.codec import body_of
from custody.domain.acts.donation import ConsentSigned, DonorRegistered
from custody.domain.acts.manufacturing import BagFilled, BagsFilled, LotStepRecorded
from custody.domain.acts.people import AccountCreated, RoleGranted, TrainingRecorded
from custody.domain.acts.quality import HoldLifted, HoldPlaced, HoldPlacedByCustody, ResultRecorded
from custody.domain.acts.record import Corrected
from custody.domain.acts.study import StudyApproved, StudyDoseStarted, StudyProposed
from custody.domain.folds.bag import BagFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DonorId
from custody.domain.lineage import open_holds
from custody.domain.terms import Role
from custody.errors import InputError, NotFoundError, NotPermittedError, OutOfOrderError
from custody.ledger.canonical import canonical
from custody.store import lookups
from custody.store.verification import verify
from custody.workflows import recording
from custody.workflows.drill.roads import CAST, QA, START, road
from custody.workflows.order import judged_act
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.road import ADMIN, OPERATOR, QP, VERIFIER
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer
from tests.workflows.desk import BEDSIDE, CLOSED, MADE, OPEN, account

COORDINATOR = "demo-coordinator-one"
ANALYST = "demo-analyst-one"


def corrected(deed, reason="written down wrongly", **fields):
    right = replace(deed.act, **fields)
    return Corrected(
        node=right.subject,
        entry=deed.digest,
        reason=reason,
        act=right.rule.name,
        act_version=right.rule.version,
        replacement=canonical(body_of(right)).decode(),
    )


@pytest.fixture
def made(desk_at):
    desk = desk_at(MADE)
    desk.now = START - timedelta(days=2)
    return desk


def test_a11_8_first_entry_stays_and_the_dossier_reads_the_replacement(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    act = corrected(deed, form_version="C-9.9")
    outcome = made.record(act, COORDINATOR, made.now)
    assert outcome.kind in {"recorded", "waiting"}
    first, last = made.entries(CAST.donor)[deed.began.position - 1], made.entries(CAST.donor)[-1]
    assert first.act == deed.act
    assert (last.act, last.by.account) == (act, account(COORDINATOR))
    (read,) = made.deeds(CAST.donor, ConsentSigned)
    assert (read.act.form_version, read.corrected, read.digest) == ("C-9.9", True, deed.digest)
    assert read.at == deed.at


def test_p11_10e_correction_needs_a_reason(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    with pytest.raises(InputError, match="needs its reason"):
        made.record(corrected(deed, " ", form_version="C-9.9"), COORDINATOR, made.now)


def test_correction_that_changes_nothing_is_refused(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    with pytest.raises(InputError, match="changes nothing"):
        made.record(corrected(deed), COORDINATOR, made.now)


def test_correction_is_signed_by_the_roles_of_the_act(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    act = corrected(deed, form_version="C-9.9")
    with pytest.raises(NotPermittedError, match="may not do this"):
        made.record(act, COORDINATOR, made.now, account=account(QA), role=Role.QA_REVIEWER, site=people()[QA].site)


def test_correction_names_an_entry_of_its_own_stream(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    wrong = replace(corrected(deed, form_version="C-9.9"), entry=made.entries(CAST.lot)[0].digest)
    with pytest.raises(NotFoundError, match="does not stand in this stream"):
        made.record(wrong, COORDINATOR, made.now)


def test_correction_keeps_the_kind_of_act_and_what_it_is_about(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    other = replace(deed, act=DonorRegistered(donor=CAST.donor))
    for act in (corrected(other), corrected(deed, donor=DonorId("DN-0002"))):
        with pytest.raises((OutOfOrderError, NotFoundError)):
            made.record(replace(act, node=CAST.donor), COORDINATOR, made.now)


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"donor":"DN-0001"}', '{"nothing":1}', "NaN"])
def test_unreadable_replacement_is_an_error_of_the_input(made, text):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    with pytest.raises(InputError):
        made.record(replace(corrected(deed, form_version="C-9.9"), replacement=text), COORDINATOR, made.now)


def test_companion_is_not_corrected_by_itself(made):
    deed = made.deeds(CAST.bags[0], BagFilled)[0]
    operator = people()[OPERATOR]
    signer = Signer(account=operator.account, role=Role.OPERATOR, site=operator.site, study=STUDY, method="secret")
    with made.store.writing() as connection, pytest.raises(NotPermittedError, match="the role operator may not do this"):
        recording.record(connection, corrected(deed, volume_ml=deed.act.volume_ml + 1), signer, made.now)


def test_act_corrected_twice_names_the_first_entry_each_time(made):
    (deed,) = made.deeds(CAST.donor, ConsentSigned)
    made.record(corrected(deed, form_version="C-9.8"), COORDINATOR, made.now)
    made.record(corrected(deed, form_version="C-9.9"), COORDINATOR, made.now)
    (read,) = made.deeds(CAST.donor, ConsentSigned)
    assert read.act.form_version == "C-9.9"
    with pytest.raises(InputError, match="changes nothing"):
        made.record(corrected(deed, form_version="C-9.9"), COORDINATOR, made.now)


class TestNeverInPlace:
    @pytest.mark.parametrize("kind", [StudyProposed, StudyApproved])
    def test_limits_are_never_edited_in_place(self, desk_at, kind):
        desk = desk_at(OPEN)
        (deed,) = desk.deeds(STUDY, kind)
        by = "demo-sponsor-one" if kind is StudyProposed else QP
        change = {"study_version": 7}
        with pytest.raises(OutOfOrderError, match="is not corrected in place"):
            desk.record(corrected(deed, **change), by, desk.last_at() + timedelta(minutes=1))

    @pytest.mark.parametrize(("kind", "change"), [(AccountCreated, {"printed_name": "X"}), (RoleGranted, {"role": Role.QP})])
    def test_accounts_and_grants_are_never_edited_in_place(self, desk_at, kind, change):
        desk = desk_at(OPEN)
        deed = desk.deeds(account(QA), kind)[0]
        with pytest.raises(OutOfOrderError, match="is not corrected in place"):
            desk.record(corrected(deed, **change), ADMIN, desk.last_at() + timedelta(minutes=1))

    def test_own_training_is_not_corrected_by_oneself(self, desk_at):
        desk = desk_at(OPEN)
        (deed,) = desk.deeds(account(QA), TrainingRecorded)
        with pytest.raises(NotPermittedError, match="somebody else signs it"):
            desk.record(corrected(deed, procedure="release"), QA, desk.last_at() + timedelta(minutes=1))


class TestHoldPoint:
    def test_correction_passes_the_hold_point_of_the_act_it_corrects(self, made):
        (deed,) = made.deeds(CAST.lot, LotStepRecorded)
        later = corrected(deed, culture=replace(deed.act.culture, passage=deed.act.culture.passage - 1))
        outcome = made.record(later, OPERATOR, made.now)
        assert (outcome.kind, outcome.verdict.hold_point) == ("recorded", ACTS["lot_step_recorded"].hold_point)

    def test_replacement_that_the_rules_do_not_allow_stops(self, made):
        (deed,) = made.deeds(CAST.lot, LotStepRecorded)
        outcome = made.record(corrected(deed, culture=replace(deed.act.culture, passage=7)), OPERATOR, made.now)
        assert outcome.kind == "stopped"
        assert "MFG-PASS" in outcome.verdict.codes
        assert made.deeds(CAST.lot, LotStepRecorded)[0].act == deed.act

    def test_hold_is_lifted_by_its_corrected_name(self, made):
        """The wrong lifting is left out, so the hold it lifted stands again when the correction is judged."""
        for name in ("H1", "H2"):
            made.record(HoldPlaced(node=CAST.lot, hold=name, reason="asked for", owner="QA"), QA, made.now)
        made.record(HoldLifted(node=CAST.lot, hold="H1", reason="done"), QA, made.now)
        (deed,) = made.deeds(CAST.lot, HoldLifted)
        with pytest.raises(OutOfOrderError, match="no open hold H3"):
            made.record(corrected(deed, hold="H3"), QA, made.now)
        made.record(corrected(deed, hold="H2"), QA, made.now)
        assert [hold.act.hold for hold in open_holds(made.dossier(CAST.lot), CAST.lot)] == ["H1"]

    def test_result_corrected_to_a_failure_after_release_holds_the_lot(self, made):
        deed = next(d for d in made.deeds(CAST.lot, ResultRecorded) if d.act.test == "STE")
        made.record(corrected(deed, result="growth"), ANALYST, made.now)
        (hold,) = made.deeds(CAST.lot, HoldPlacedByCustody)
        assert hold.act.cause == "STE"

    def test_dependants_are_judged_by_what_was_corrected(self, desk_at):
        """The lot was released; its sterility turns out to have been read wrongly, and the bedside stops."""
        desk = desk_at(BEDSIDE)
        deed = next(d for d in desk.deeds(CAST.lot, ResultRecorded) if d.act.test == "STE")
        desk.record(corrected(deed, result="growth"), ANALYST, START - timedelta(seconds=1))
        outcome = desk.both(step_of(road(), "infusion_started").act, *NURSES, START)
        assert outcome.kind == "stopped"
        assert "BAG-HOLD" in outcome.verdict.codes


class TestTwoPeople:
    def filled(self, desk):
        return desk.deeds(CAST.lot, BagsFilled)[0]

    def test_correction_needs_as_many_signatures_as_the_act(self, made):
        deed = self.filled(made)
        act = corrected(deed, expires_at=deed.act.expires_at - timedelta(days=1))
        assert made.record(act, OPERATOR, made.now).kind == "waiting"
        assert self.filled(made).act == deed.act
        with pytest.raises(NotPermittedError, match="may do this; expected verifier"):
            made.countersign(act, OPERATOR, made.now)
        assert made.countersign(act, VERIFIER, made.now).kind == "recorded"
        assert self.filled(made).act == judged_act(act)

    def test_what_stands_in_other_streams_is_corrected_with_it(self, made):
        deed = self.filled(made)
        earlier = deed.act.expires_at - timedelta(days=1)
        made.both(corrected(deed, expires_at=earlier), OPERATOR, VERIFIER, made.now)
        for bag in CAST.bags:
            (fact,) = made.deeds(bag, BagFilled)
            assert (fact.act.expires_at, fact.corrected) == (earlier, True)
            assert made.entries(bag)[0].act.expires_at == deed.act.expires_at
            dossier = made.dossier(bag)
            assert BagFold(dossier, bag, StudyFold(dossier, STUDY)).earliest_expiry().expires_at == earlier

    def test_correction_leaves_other_streams_alone_where_nothing_changes_there(self, made):
        deed = self.filled(made)
        before = made.acts(CAST.bags[0])
        made.both(corrected(deed, viable_cells_label=deed.act.viable_cells_label + 1), OPERATOR, VERIFIER, made.now)
        assert made.acts(CAST.bags[0]) == before

    @pytest.mark.parametrize("bags", [CAST.bags[:3], (*CAST.bags, BagId.from_random("DEMO0001B009"))], ids=["one less", "one more"])
    def test_correction_that_would_make_or_unmake_things_is_refused(self, made, bags):
        with pytest.raises(OutOfOrderError, match="would change what stands about other things"):
            made.record(corrected(self.filled(made), bags=bags), OPERATOR, made.now)

    def test_second_of_a_correction_signs_and_does_not_repeat(self, desk_at):
        """The thing itself can often no longer be read."""
        from custody.domain.acts.allocation import WeightMeasured

        desk = desk_at(CLOSED)
        (deed,) = desk.deeds(CAST.participant, WeightMeasured)
        now = desk.last_at() + timedelta(minutes=1)
        desk.both(corrected(deed, weight_kg=deed.act.weight_kg - 1), *NURSES, now)
        (read,) = desk.deeds(CAST.participant, WeightMeasured)
        assert read.act.weight_kg == deed.act.weight_kg - 1
        assert [signer.account for signer in read.signers] == [account(nurse) for nurse in NURSES]

    def test_late_start_corrected_moves_its_time_in_the_cohort(self, desk_at):
        desk = desk_at(BEDSIDE)
        now = START + timedelta(hours=6)
        late = InfusionRecordedLate(
            dose=CAST.dose, participant=CAST.participant, bags=CAST.dose_bags, started_at=START, reason="no network", paper_form="F-1"
        )
        desk.record(late, NURSES[0], now, happened_at=START)
        desk.countersign(late, NURSES[1], now)
        (deed,) = desk.deeds(CAST.dose, InfusionRecordedLate)
        desk.both(corrected(deed, started_at=START - timedelta(minutes=9)), *NURSES, now + timedelta(minutes=1))
        (counted,) = desk.deeds(STUDY, StudyDoseStarted)
        assert counted.act.started_at == START - timedelta(minutes=9)


def test_corrected_record_still_proves_itself_and_its_lookups(made):
    deed = made.deeds(CAST.lot, BagsFilled)[0]
    made.both(corrected(deed, expires_at=deed.act.expires_at - timedelta(days=1)), OPERATOR, VERIFIER, made.now)
    with made.store.reading() as connection:
        report = verify(connection, checkpoint=None)
        assert report.faults == ()
        assert list(lookups.differences(connection)) == []
