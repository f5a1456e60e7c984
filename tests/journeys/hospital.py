"""What people do in the stateful test beside the right way: spares, discarded bags, a parcel that arrives, exceptions, covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from custody.domain.acts import allocation, manufacturing, quality, release, shipping, study
from custody.domain.acts import bedside as acts
from custody.domain.ids import Digest, SealNumber
from custody.domain.readings import Reading, Series
from custody.domain.terms import Answer, Committee, CommitteeDecision, PartyKind
from custody.intake.loggers import read_logger_file
from custody.intake.twins import ALARMS_2_8, ALARMS_CRYO, TwinTrip, write_twin
from custody.store import entries
from custody.workflows.proposing import possession_code
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN, PREPARERS
from custody.workflows.rehearsal.downstream import COURIER, DOCUMENTS, RECEIVERS
from custody.workflows.rehearsal.files import KEY
from custody.workflows.rehearsal.road import QA, QP
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.temperature import act_from_file
from tests.journeys.scenes import COHORT_OF, T0
from tests.journeys.ward import RECEIVER, SPONSOR, Ward

ALLOCATOR, EVALUATOR, WITNESS = "demo-iwrs-one", "demo-qc-reviewer-one", "demo-receiver-one"
FRESH_SINCE = T0 - timedelta(hours=10)


class Hospital(Ward):
    goes_on = False
    """Whether the next act is done on the right way, where people take up what waits instead of proposing it twice."""

    def do(self, act, *by, again=None, **more):
        waiting = next((job for job in self.waiting if job["act"] == act), None) if self.goes_on else None
        if waiting is None:
            return super().do(act, *by, again=again, **more)
        if isinstance(act, acts.NextBagStarted):  # both sign at the bed, within minutes
            self.withdraw(waiting, by[0])
            return super().do(act, *by, again=again, **more)
        self.waiting.remove(waiting)
        return self.join(waiting, by[1], again)

    # -- the right next step -----------------------------------------------------------------------------------------------------

    def next_step(self, cast):
        """What has to be done next for this dose: bag after bag as planned, and a spare where too few are left."""
        self.goes_on = True
        try:
            return self._next_step(cast)
        finally:
            self.goes_on = False

    def _next_step(self, cast):
        dose, done = cast.dose.key, self.model
        if done.of("infusion_ended", dose=dose):
            return None
        count, ml, _ = done.plan(dose)
        given = sum(e["given_ml"] for e in done.of("bag_finished", dose=dose))
        if given >= ml:
            return self.do(acts.InfusionEnded(dose=cast.dose, ended_at=self.now, completed=True), NURSES[0])
        usable = done.usable(dose)
        if len(usable) < count:
            spare = self.any_spare(cast)
            return self.spare(cast, spare) if spare is not None else None
        bag = next((self.bag_of(b) for b in usable if not done.is_over(b)), None)
        step = getattr(self, f"_from_{done.state(bag.key)}", None) if bag is not None else None
        return step(cast, bag) if step is not None else None

    def bag_of(self, key):
        return next(bag for bag in self.scene.bags if bag.key == key)

    def is_ready_for_the_scans(self, cast):
        """Whether the next right step is the first nurse's scan."""
        dose, done = cast.dose.key, self.model
        ready = done.ready_for_the_bed(dose)
        handovers = done.handovers(ready[0]) if ready else []
        if not handovers or handovers[-1][1] is None or done.started(dose) or not done.of("premedication_given", dose=dose):
            return False
        vitals, fit = done.last("vitals_recorded", dose=dose), done.last("fit_to_infuse_signed", dose=dose)
        in_time = vitals and self.now - vitals["_at"] <= timedelta(minutes=8)
        return bool(in_time and fit and self.now - fit["_at"] <= timedelta(minutes=20))

    def any_spare(self, cast):
        free = [bag for bag in self.scene.bags if self.model.reserved_for(bag.key) is None and self.model.state(bag.key) == "received"]
        same = [bag for bag in free if self.model.lot_of(bag.key)["lot"] == cast.lot.key]
        return next(iter((*same, *free)), None)

    def _from_received(self, cast, bag):
        last_file = self.model.last("logger_file_read", logger=cast.kept.ward_logger.key)
        if last_file is None or self.now - last_file["_at"] > timedelta(minutes=30):
            return self.read_ward_file()
        ready = self.model.last("ready_confirmed", dose=cast.dose.key)
        if ready is None or self.now - ready["_at"] > timedelta(minutes=20):
            return self.ready(cast)
        if self.model.last("bag_taken_out", "bag_stored", bag=bag.key)["_act"] != "bag_taken_out":
            return self.take_out(bag)
        return self.prepare(cast, bag)

    def _from_prepared(self, cast, bag):
        if self.model.is_blinded(cast.dose.key) and not self.model.of("cover_bound", bag=bag.key):
            return self.cover(bag)
        return super()._from_prepared(cast, bag)

    def finish(self, cast, bag):
        given = sum(e["given_ml"] for e in self.model.of("bag_finished", dose=cast.dose.key))
        ml, none = min(Decimal(30), cast.dose_volume_ml - given), Decimal(0)
        volumes = {"given_ml": ml, "residual_ml": 30 - ml, "line_ml": none, "samples_ml": none, "spill_ml": none}
        return self.do(acts.BagFinished(dose=cast.dose, bag=bag, **volumes, reason_if_partial="no more is needed"), *NURSES)

    # -- spares, covers, and bags given up ---------------------------------------------------------------------------------------

    def spare(self, cast, bag):
        return self.do(allocation.SpareAllocated(dose=cast.dose, bag=bag), ALLOCATOR)

    def discard(self, cast, bag):
        return self.do(acts.BagDiscarded(dose=cast.dose, bag=bag, reason="a leak at the port after the thaw"), *PREPARERS)

    def destroy(self, bag):
        return self.do(shipping.BagDestroyed(bag=bag, method="incineration", reason="leaked"), PREPARERS[0], WITNESS)

    def cover(self, bag, label=None):
        return self.do(acts.CoverBound(bag=bag, cover_label=label or f"COVER-{bag}"), *PREPARERS)

    def take_out(self, bag):
        """No bag is taken out and put back in the same moment."""
        self.tick(seconds=1)
        return super().take_out(bag)

    def put_back(self, bag):
        self.tick(seconds=1)
        stored = manufacturing.BagStored(bag=bag, equipment=self.scene.first.kept.ward_store, position="H-99", stored_at=self.now)
        return self.do(stored, RECEIVER)

    # -- a parcel ----------------------------------------------------------------------------------------------------------------

    def hand_in(self, parcel, *, seals=None, code="B-118204"):
        """The courier hands the shipper over; `seals` is what the receiver reads on it."""
        if not self.model.of("handoff_offered", node=parcel.shipment.key)[1:]:
            offered = shipping.HandoffOffered(
                node=parcel.shipment,
                to_kind=PartyKind.PERSON,
                to_organisation="Demo University Hospital",
                to_person=people()[RECEIVERS[0]].person,
                seals=parcel.seals,
                code=possession_code(parcel.shipment, "B-118204"),
                offered_at=self.now,
            )
            return self.do(offered, COURIER)
        seen = parcel.seals if seals is None else seals
        accepted = shipping.HandoffAccepted(node=parcel.shipment, seals=seen, code=possession_code(parcel.shipment, code))
        return self.do(accepted, RECEIVERS[0])

    def arrive(self, parcel, bags, **wrong):
        right = shipping.ShipmentArrived(
            shipment=parcel.shipment,
            shipper=parcel.shipper,
            seals=parcel.seals,
            arrived_at=self.now,
            outside_undamaged=Answer.YES,
            shock_and_tilt_marks_clear=Answer.YES,
            logger_present_and_running=Answer.YES,
            bags_counted=len(bags),
            documents=DOCUMENTS,
            liquid_nitrogen_kg=Decimal("4.2"),
        )
        return self.do(replace(right, **wrong), RECEIVERS[0])

    def bring_documents(self, parcel):
        return self.do(shipping.DocumentsReceived(shipment=parcel.shipment, documents=DOCUMENTS), RECEIVERS[0])

    def read_trip_file(self, parcel):
        charged = self.model.last("logger_started", logger=parcel.trip_logger.key)["started_at"]
        return self._read(parcel.trip_logger, charged, timedelta(minutes=10), lambda _: Decimal("-190.0"), RECEIVERS[0])

    def receive(self, parcel, bag, *, by=RECEIVERS, second_bag=None, second=None, **wrong):
        right = shipping.BagAccepted(
            bag=bag,
            shipment=parcel.shipment,
            container_whole=Answer.YES,
            no_sign_of_thaw=Answer.YES,
            label_readable=Answer.YES,
            label_equals_order=Answer.YES,
            out_of_shipper_minutes=2,
            equipment=parcel.kept.ward_store,
            position="H9-01",
        )
        mine = replace(right, **wrong)
        return self.do(mine, *by, again=replace(mine, bag=second_bag or bag, **(second or {})))

    def refuse_at_receipt(self, parcel, bag, *, reject):
        refused = shipping.BagRefusedAtReceipt(bag=bag, shipment=parcel.shipment, reject=reject, reason="a drop at the port")
        return self.do(refused, *RECEIVERS)

    @staticmethod
    def other_seal(parcel):
        return (SealNumber(f"{parcel.seals[0].value[:-1]}9"),)

    # -- the ward's own record ---------------------------------------------------------------------------------------------------

    def read_ward_file(self):
        kept = self.scene.first.kept
        if kept.interval == 10:
            return super().read_ward_file()
        return self._read(kept.ward_logger, FRESH_SINCE, timedelta(minutes=kept.interval), self._celsius_fresh, PREPARERS[0])

    def _celsius_fresh(self, at):
        return next((celsius for start, end, celsius in reversed(self.spikes) if start <= at <= end), Decimal("5.0"))

    def _read(self, logger, since, every, celsius, by):
        count = (self.now - since) // every + 1
        readings = [(at, celsius(at)) for at in (since + n * every for n in range(count))]
        series = Series(readings=tuple(Reading(at, c) for at, c in readings), interval_minutes=Decimal(every // timedelta(minutes=1)))
        alarms = ALARMS_CRYO if readings[0][1] < -60 else ALARMS_2_8
        data = write_twin(TwinTrip(serial=logger.value, series=series, alarms=alarms), KEY)
        return self.do(act_from_file(logger, read_logger_file(data)), by, readings=readings, file=data)

    # -- committees --------------------------------------------------------------------------------------------------------------

    def set_study(self, what):
        cohort = COHORT_OF[self.scene.first.cohort]
        deed = {
            "halted": study.StudyHalted(study=STUDY, reason="a signal"),
            "resumed": study.StudyResumed(study=STUDY, reason="explained"),
            "closed": study.CohortClosed(study=STUDY, cohort=cohort),
            "opened": study.CohortOpened(study=STUDY, cohort=cohort),
        }[what]
        return self.do(deed, SPONSOR)

    def decide_cohort(self, committee, decision):
        decided = study.CommitteeDecided(
            study=STUDY,
            committee=Committee(committee),
            cohort=COHORT_OF[self.scene.first.cohort],
            decision=CommitteeDecision(decision),
            document="minutes",
        )
        return self.do(decided, SPONSOR)

    # -- an exceptional release --------------------------------------------------------------------------------------------------

    def review_results(self, lot):
        """A second person reviews what was recorded late, and QA reads the audit trail up to there."""
        late = tuple(Digest(e["_entry"]) for e in self.model.of("result_recorded", node=lot.key) if e["_entry"] is not None)
        self.do(quality.ResultReviewed(node=lot, results=late), EVALUATOR)
        with self.store.reading() as connection:
            position = entries.heads(connection, [lot.key])[lot.key].position
        return self.do(release.AuditTrailReviewed(node=lot, up_to_position=position), QA)

    def exception_steps(self, cast, failed, *, evaluator=EVALUATOR):
        """Each step of rules section 9.4 as something to call, in the right order; `failed` is the result as the model keeps it."""
        result = Digest(failed["_entry"])
        request = release.ExceptionRequested(
            dose=cast.dose,
            participant=cast.participant,
            lot=cast.lot,
            test=failed["test"],
            result=result,
            hazard_if_not_treated="dying of respiratory failure",
            alternatives_considered="none left",
        )
        evaluated = release.ExceptionRiskEvaluated(dose=cast.dose, evaluation="lower potency, no new hazard")
        return [
            lambda: self.do(request, PHYSICIAN),
            lambda: self.do(evaluated, evaluator),
            lambda: self.do(release.ExceptionNeverListConfirmed(dose=cast.dose), QA),
            lambda: self.do(release.ExceptionAccepted(dose=cast.dose), PHYSICIAN),
            lambda: self.do(release.ExceptionSponsorNotified(dose=cast.dose, authority_notice="sent"), SPONSOR),
            lambda: self.do(release.ReleasedExceptionally(dose=cast.dose, lot=cast.lot, test=failed["test"], result=result), QP),
        ]

    def lift_all(self, *nodes):
        for node in nodes:
            for hold in self.model.open_holds(node.key):
                self.lift(node, hold["hold"])
