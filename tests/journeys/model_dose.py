"""The independent model's rules about one dose: cohort, participant, prescription, order of the bags, cells, and the pair at the bed."""

from __future__ import annotations

from decimal import Decimal

from tests.journeys.model_bags import Bags, span
from tests.journeys.model_facts import BAG_ML, CELLS_PER_BAG

BEDSIDE_PAIR, STAGGER_H, LONGEST_MINUTES = 10, 24, 120
WEIGHT_RECHECK_PCT, DOSE_TOLERANCE_PCT = 10, 20
MOST_ML, FASTEST_ML_PER_MIN, MOST_BAGS = 300, 6, 10
CONSENT_FORMS = {"P-1.2"}
COMMITTEES = {"P1-1M": (), "P2": ("data_safety", "ethics")}
"""Who must have said that a cohort may be used."""


class Doses(Bags):
    def _band(self, dose):
        return self.last("wristband_issued", participant=self.request(dose)["participant"])

    def _consent_stands(self, dose):
        participant = self.request(dose)["participant"]
        consent = self.last("participant_consented", participant=participant)
        return not self.of("participant_left", participant=participant) and consent["form_version"] in CONSENT_FORMS

    def _halted(self):
        last = self.last("study_halted", "study_resumed")
        return last is not None and last["_act"] == "study_halted"

    def _cohort_faults(self, dose, now, *, thaw):
        """Open, by both committees where the cohort needs them; the stagger counts from the thaw on."""
        cohort = self.request(dose)["cohort"]
        last = self.last("cohort_opened", "cohort_closed", cohort=cohort)
        decided = [self.last("committee_decided", committee=committee, cohort=cohort) for committee in COMMITTEES[cohort]]
        allowed = all(d is not None and d["decision"] == "open" for d in decided)
        if last is None or last["_act"] == "cohort_closed" or not allowed or (thaw and self._too_early(dose, now)):
            yield "ALO-COHORT"

    def _too_early(self, dose, now):
        """Another participant of the cohort was started within the stagger; a dose that runs already is not held up."""
        asked = self.request(dose)
        others = [e for e in self.of("infusion_started", cohort=asked["cohort"]) if e["participant"] != asked["participant"]]
        return not self.started(dose) and any(now < e["started_at"] + span(hours=STAGGER_H) for e in others)

    def _dosed_otherwise(self, dose):
        begun = self.of("infusion_started", participant=self.request(dose)["participant"])
        return any(e["dose"] != dose for e in begun)

    def _prescription_fits(self, dose):
        prescribed = self.last("prescription_signed", dose=dose)
        _, ml, _ = self.plan(dose)
        minutes, rate, last_digit = prescribed["planned_minutes"], prescribed["rate_ml_per_min"], Decimal("0.01")
        rate_fits = (rate - last_digit) * minutes < ml < (rate + last_digit) * minutes
        return prescribed["volume_ml"] == ml and 0 < minutes <= LONGEST_MINUTES and rate_fits and prescribed["notice_acknowledged"]

    def has_changed_weight(self, dose):
        basis = self.weight(dose)["weight_kg"]
        latest = self.last("weight_measured", participant=self.request(dose)["participant"])["weight_kg"]
        return abs(latest - basis) * 100 > WEIGHT_RECHECK_PCT * basis

    def _in_order(self, dose, bag):
        """One bag after the other, no more than planned; before the first, every reserved bag is on site and whole."""
        if self.of("infusion_ended", dose=dose):
            return False
        others = [b for b in self.opened(dose) if b != bag]
        used = [b for b in others if not self.discarded(b)]
        if any(not self.is_over(b) for b in others) or len(used) >= self.plan(dose)[0]:
            return False
        return bool(self.opened(dose)) or all(self._on_site(b) for b in self.dose_bags(dose))

    def _on_site(self, bag):
        gone = self.of("bag_damaged", "bag_destroyed", "bag_refused_at_receipt", bag=bag)
        accepted = self.last("bag_accepted", bag=bag)
        return accepted is not None and not any(e["_n"] > accepted["_n"] for e in gone)

    def _cells_fit(self, dose, now):
        """Label strength times the worst count of the lot, in the planned volume, within the tolerance of the target."""
        count, ml, target = self.plan(dose)
        if len(self.usable(dose)) < count:
            return False
        bag = self.usable(dose)[0]
        if self.is_placebo(bag):
            return True
        lot = self.lot_of(bag)["lot"]
        counts = [Decimal(r["result"]) for r in self.of("result_recorded", node=lot, test="CNT")]
        cells = min(counts) / 100 * CELLS_PER_BAG * ml / BAG_ML
        failing = self.failing(lot, "CNT")
        excepted = bool(failing) and all(self.excepted(dose, lot, r, now) for r in failing)
        return excepted or abs(cells - target) * 100 <= DOSE_TOLERANCE_PCT * target

    def _two_in_time(self, dose, act, again, signers, now):
        if len({s["person"] for s in signers}) < 2 or again is None:
            return False
        times = [s["at"] for s in signers]
        if act["_act"] == "infusion_started":
            own = [self._scan_of(dose, s["person"]) for s in signers]
            if None in own:
                return False
            times += [e["_at"] for e in own]
        checker = signers[1]
        if now - min(times) > span(minutes=BEDSIDE_PAIR) or checker["person"] in self.preparers(dose):
            return False
        log = self.of("delegation_recorded", account=checker["account"], duty="second_check")
        return checker["role"] == "bedside_nurse" or any(e["valid_from"] <= now.date() <= e["valid_until"] for e in log)

    def _kit_is_randomised(self, dose, bags):
        assigned = self.last("kit_assigned", kit=self.kit(dose))
        return assigned is not None and assigned["participant"] == self.request(dose)["participant"] and set(bags) <= set(assigned["bags"])

    def _volume_faults(self, dose, added=()):
        """Rules section 8: volume, rate and bags within limits, and no fewer usable bags than the plan opens."""
        count, ml, _ = self.plan(dose)
        usable = set(self.usable(dose)) | {bag for bag in added if not self.discarded(bag)}
        prescribed = self.last("prescription_signed", dose=dose)
        rate = max(prescribed["rate_ml_per_min"], ml / prescribed["planned_minutes"])
        return ml > MOST_ML or count > MOST_BAGS or len(usable) < count or rate > FASTEST_ML_PER_MIN
