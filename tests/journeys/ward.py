"""What people do in the stateful test's world: the right next step for a dose, and everything that can come between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import allocation, donation, manufacturing, quality, release, shipping, study
from custody.domain.acts import bedside as acts
from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Corrected
from custody.domain.ids import Digest, SampleId, WristbandToken
from custody.domain.readings import Reading, Series
from custody.domain.terms import Answer, BagReadAs, ColdChainDecision, PartyKind, Sex
from custody.intake.loggers import read_logger_file
from custody.intake.twins import ALARMS_CRYO, TwinTrip, write_twin
from custody.ledger.canonical import canonical
from custody.workflows.proposing import possession_code
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS
from custody.workflows.rehearsal.files import KEY
from custody.workflows.rehearsal.places import WARD_FREEZER, WARD_LOGGER
from custody.workflows.rehearsal.road import QA, QP
from custody.workflows.rehearsal.steps import STUDY, people
from tests.journeys.world import T0, World

RECEIVER = "demo-receiver-one"
SPONSOR = "demo-sponsor-one"
WARD_SINCE = T0 + timedelta(days=-1, minutes=200)
EVERY = timedelta(minutes=10)
STEADY = Decimal("-190.0")
RIGHT_RESULTS = {"APP": ("conforms", ""), "CCI": ("no leak", ""), "LAB": ("100", "%")}


class Ward(World):
    """Every method signs one deed and gives back what became of it."""

    def __init__(self, store, model, now):
        super().__init__(store, model, now)
        self.spikes = []
        self.names = 0

    def name(self, prefix):
        self.names += 1
        return f"{prefix}-{self.names}"

    # -- the right next step ----------------------------------------------------------------------------------------------------------

    def next_step(self, cast):
        """What has to be done next for this dose, done by the right people with the right answers."""
        dose, done = cast.dose.key, self.model
        if done.of("infusion_ended", dose=dose):
            return None
        bag = next((b for b in cast.dose_bags if done.state(b.key) != "used"), None)
        if bag is None:
            return self.do(acts.InfusionEnded(dose=cast.dose, ended_at=self.now, completed=True), NURSES[0])
        return getattr(self, f"_from_{done.state(bag.key)}")(cast, bag)

    def _from_received(self, cast, bag):
        last_file = self.model.last("logger_file_read", logger=WARD_LOGGER.key)
        if last_file is None or self.now - last_file["_at"] > timedelta(minutes=30):
            return self.read_ward_file()
        ready = self.model.last("ready_confirmed", dose=cast.dose.key)
        if ready is None or self.now - ready["_at"] > timedelta(minutes=20):
            return self.ready(cast)
        if self.model.last("bag_taken_out", "bag_stored", bag=bag.key)["_act"] != "bag_taken_out":
            return self.take_out(bag)
        return self.prepare(cast, bag)

    def _from_prepared(self, cast, bag):
        sample = SampleId(f"D-{bag.value}")
        if not self.model.of("sample_taken", node=cast.dose.key, sample=sample.value):
            return self.do(quality.SampleTaken(node=cast.dose, sample=sample, taken_at=self.now), PREPARERS[0])
        for test in RIGHT_RESULTS:
            if not self.model.of("result_recorded", node=cast.dose.key, bag=bag.key, test=test):
                return self.result(cast, bag, test)
        return self.release_bag(cast, bag)

    def _from_released(self, cast, bag):
        handovers = self.model.handovers(bag.key)
        if not handovers:
            return self.offer(bag, PREPARERS[0], NURSES[0])
        if handovers[-1][1] is None:
            return self.accept(bag, NURSES[0])
        if self.model.started(cast.dose.key):
            return self.start_next(cast, bag)
        return self._at_the_bed(cast, bag)

    def _at_the_bed(self, cast, bag):
        dose = cast.dose.key
        if not self.model.of("premedication_given", dose=dose):
            return self.premedicate(cast)
        vitals = self.model.last("vitals_recorded", dose=dose)
        if vitals is None or self.now - vitals["_at"] > timedelta(minutes=8):
            return self.vitals(cast)
        fit = self.model.last("fit_to_infuse_signed", dose=dose)
        if fit is None or self.now - fit["_at"] > timedelta(minutes=20):
            return self.fit(cast)
        for nurse in NURSES:
            scanned = self.model._scan_of(dose, people()[nurse].person.value)
            if scanned is None or self.now - scanned["_at"] > timedelta(minutes=5) or scanned["scans"]["bag"] != bag.key:
                return self.scan(cast, nurse, self.scans(cast, bag))
        return self.start(cast, bag, *NURSES)

    def _from_running(self, cast, bag):
        begun = self.model.begun(bag.key)["_at"]
        self.now = max(self.now, begun + timedelta(minutes=30))
        return self.finish(cast, bag)

    # -- deeds of one dose --------------------------------------------------------------------------------------------------------------

    def ready(self, cast):
        return self.do(acts.ReadyConfirmed(dose=cast.dose), PHYSICIAN)

    def take_out(self, bag):
        return self.do(manufacturing.BagTakenOut(bag=bag, taken_at=self.now), *PREPARERS)

    def put_back(self, bag):
        return self.do(manufacturing.BagStored(bag=bag, equipment=WARD_FREEZER, position="H-99", stored_at=self.now), RECEIVER)

    def prepare(self, cast, bag, by=PREPARERS, *, whole=Answer.YES, other_bag=None, other_whole=Answer.YES):
        act = acts.BagPreparationStarted(dose=cast.dose, bag=bag, container_whole=whole)
        return self.do(act, *by, again=replace(act, bag=other_bag or bag, container_whole=other_whole))

    def result(self, cast, bag, test, result=None, unit=None):
        right, right_unit = RIGHT_RESULTS[test]
        recorded = quality.ResultRecorded(
            node=cast.dose,
            test=test,
            sample=SampleId(f"D-{bag.value}"),
            result=right if result is None else result,
            unit=right_unit if unit is None else unit,
            method=f"M-{test}",
            method_version="1",
            instrument="by eye",
            read_at=self.now,
            bag=bag,
        )
        return self.do(recorded, PREPARERS[0])

    def release_bag(self, cast, bag):
        return self.do(acts.DoseBagReleased(dose=cast.dose, bag=bag), PREPARERS[0])

    def offer(self, bag, giver, receiver):
        offered = shipping.HandoffOffered(
            node=bag,
            to_kind=PartyKind.PERSON,
            to_organisation="Demo University Hospital",
            to_person=people()[receiver].person,
            seals=(),
            code=possession_code(bag, "C-771035"),
            offered_at=self.now,
        )
        return self.do(offered, giver)

    def accept(self, bag, receiver, *, code="C-771035"):
        return self.do(shipping.HandoffAccepted(node=bag, seals=(), code=possession_code(bag, code)), receiver)

    def withdraw_offer(self, bag):
        return self.do(shipping.HandoffWithdrawn(node=bag, reason="nobody came"), PREPARERS[0])

    def premedicate(self, cast):
        return self.do(acts.PremedicationGiven(dose=cast.dose, drugs=("chlorphenamine",), given_at=self.now), NURSES[0])

    def vitals(self, cast, *, minutes_ago=0):
        recorded = acts.VitalsRecorded(
            dose=cast.dose,
            measured_at=self.now - timedelta(minutes=minutes_ago),
            heart_rate=96,
            mean_arterial_pressure_mmhg=74,
            oxygen_saturation_percent=93,
            temperature_celsius=Decimal("37.4"),
        )
        return self.do(recorded, NURSES[0])

    def fit(self, cast, **answers):
        given = {"alive": Answer.YES, "still_eligible": Answer.YES, "stable": Answer.YES, **answers}
        return self.do(acts.FitToInfuseSigned(dose=cast.dose, **given), PHYSICIAN)

    def scans(self, cast, bag, **wrong):
        band = self.model.last("wristband_issued", participant=cast.participant.key)
        right = replace(bedside.scans(cast, bag), wristband=WristbandToken(band["wristband"]))
        return replace(right, **wrong)

    def scan(self, cast, nurse, scans):
        return self.do(acts.BedsideScanned(dose=cast.dose, scans=scans), nurse)

    def start(self, cast, bag, *by, scans=None, second_scans=None):
        """Each of the two submits the start with scans of their own."""
        mine = scans or self.scans(cast, bag)
        start = acts.InfusionStarted(
            dose=cast.dose,
            participant=cast.participant,
            cohort=bedside.CohortId(cast.cohort),
            bag=bag,
            scans=mine,
            started_at=self.now,
        )
        theirs = second_scans or mine
        return self.do(start, *by, again=replace(start, bag=theirs.bag, scans=theirs))

    def start_next(self, cast, bag, first=NURSES[0], second=NURSES[1], **wrong):
        band = self.model.last("wristband_issued", participant=cast.participant.key)["wristband"]
        right = acts.NextBagScans(
            wristband=WristbandToken(band),
            bag=bag,
            bag_read_as=BagReadAs.OWN_LABEL,
            container_whole=Answer.YES,
            nothing_unusual_seen=Answer.YES,
        )
        start = acts.NextBagStarted(dose=cast.dose, bag=bag, scans=right)
        return self.do(start, first, second, again=replace(start, scans=replace(right, **wrong)))

    def finish(self, cast, bag):
        ml = min(Decimal(30), cast.dose_volume_ml - 30 * cast.dose_bags.index(bag))
        none = Decimal(0)
        volumes = {"given_ml": ml, "residual_ml": 30 - ml, "line_ml": none, "samples_ml": none, "spill_ml": none}
        return self.do(acts.BagFinished(dose=cast.dose, bag=bag, **volumes, reason_if_partial="no more is needed"), *NURSES)

    # -- what comes between ---------------------------------------------------------------------------------------------------------------

    def hold(self, node):
        return self.do(quality.HoldPlaced(node=node, hold=self.name("HOLD"), reason="under investigation", owner="QA"), QA)

    def lift(self, node, hold):
        return self.do(quality.HoldLifted(node=node, hold=hold, reason="resolved"), QA)

    def recall(self, node):
        return self.do(quality.Recalled(node=node, recall=self.name("RC"), reason="sister lot contaminated"), QP)

    def reject_lot(self, lot):
        return self.do(release.Rejected(node=lot, reason_code="other", reason="found late"), QP)

    def withdraw_donor_consent(self, cast):
        return self.do(donation.ConsentWithdrawn(donor=cast.donor, withdrawn_at=self.now), "demo-coordinator-one")

    def refuse_donor(self, cast):
        return self.do(donation.EligibilityRefused(donation=cast.donation, reason="late seroconversion"), QP)

    def participant_leaves(self, cast):
        left = allocation.ParticipantLeft(participant=cast.participant, reason="withdrawn", left_at=self.now)
        return self.do(left, PHYSICIAN)

    def reissue_wristband(self, cast):
        band = WristbandToken(f"WB{self.now:%d%H%M%S}N{len(self.model.of('wristband_issued')):04d}")
        issued = allocation.WristbandIssued(participant=cast.participant, wristband=band, second_identifier=bedside.second_identifier(cast))
        return self.do(issued, *NURSES)

    def weigh(self, cast, weight_kg):
        weighed = allocation.WeightMeasured(participant=cast.participant, weight_kg=weight_kg, height_cm=Decimal(172), sex=Sex.MALE)
        return self.do(weighed, *NURSES)

    def set_study(self, what):
        """`halted`, `resumed`, `closed` or `opened` (the cohort)."""
        cohort = bedside.CohortId("P1-1M")
        deed = {
            "halted": study.StudyHalted(study=STUDY, reason="a signal"),
            "resumed": study.StudyResumed(study=STUDY, reason="explained"),
            "closed": study.CohortClosed(study=STUDY, cohort=cohort),
            "opened": study.CohortOpened(study=STUDY, cohort=cohort),
        }[what]
        return self.do(deed, SPONSOR)

    def damage(self, bag):
        return self.do(shipping.BagDamaged(bag=bag, description="a drop at the port"), NURSES[0])

    def late_lot_result(self, cast, test, result, unit):
        """A result on the released lot: a bad one holds it."""
        node = cast.lot
        recorded = quality.ResultRecorded(
            node=node,
            test=test,
            sample=SampleId(f"Q-{node.value}"),
            result=result,
            unit=unit,
            method=f"M-{test}",
            method_version="1",
            instrument="on file",
            read_at=self.now,
        )
        return self.do(recorded, "demo-analyst-one")

    def decide_cold(self, bag, *, minutes_ago=0):
        until = self.now - timedelta(minutes=minutes_ago)
        decided = quality.ColdChainDecided(bag=bag, decision=ColdChainDecision.RELEASE, covers_until=until, reason="short and mild")
        return self.do(decided, QA)

    def dispose_gap(self, bag):
        disposed = quality.GapDisposed(
            node=bag,
            gap_started_at=self.now - timedelta(days=2),
            gap_ended_at=self.now,
            seals_intact=True,
            trace_continuous=True,
            reason="bag was seen in the locked hatch",
        )
        return self.do(disposed, QA)

    def read_ward_file(self):
        """The ward freezer's own record up to now, with every warm time there was."""
        count = (self.now - WARD_SINCE) // EVERY + 1
        readings = [(at, self._celsius(at)) for at in (WARD_SINCE + n * EVERY for n in range(count))]
        series = Series(readings=tuple(Reading(at, celsius) for at, celsius in readings), interval_minutes=Decimal(10))
        data = write_twin(TwinTrip(serial=WARD_LOGGER.value, series=series, alarms=ALARMS_CRYO), KEY)
        act = bedside_file(data)
        return self.do(act, PREPARERS[0], readings=readings, file=data)

    def _celsius(self, at):
        return max((celsius for start, end, celsius in self.spikes if start <= at <= end), default=STEADY)

    def correct(self, deed, **fields):
        """A signed correction of an act of this run, by those who signed it."""
        signed, entry, by = deed
        right = replace(signed, **fields)
        corrected = Corrected(
            node=signed.subject,
            entry=Digest(entry),
            reason="typed wrongly",
            act=signed.rule.name,
            act_version=signed.rule.version,
            replacement=canonical(body_of(right)).decode(),
        )
        return self.do(corrected, *by)


def bedside_file(data):
    from custody.workflows.temperature import act_from_file

    return act_from_file(WARD_LOGGER, read_logger_file(data))
