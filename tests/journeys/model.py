"""An independent model of the rules page: which codes a hold point must give, worked out anew from the acts that were accepted.

It shares no code with custody: every number is copied by hand from `gmp-rules.md` or from the demonstration study.
"""

from __future__ import annotations

from decimal import Decimal

from tests.journeys.model_bags import Bags, span
from tests.journeys.model_facts import BAG_ML, CELLS_PER_BAG

READY_MINUTES, VITALS_BEFORE, BEDSIDE_PAIR, FIT_MINUTES, HANDOVER_MINUTES = 30, 15, 10, 30, 15
ENROL_WINDOW_H, STAGGER_H, LONGEST_MINUTES = 72, 24, 120
WEIGHT_RECHECK_PCT, DOSE_TOLERANCE_PCT = 10, 20

STANDING = ("BAG-REL", "BAG-COLD", "BAG-HOLD", "BAG-RECALL", "BAG-DONOR", "BAG-EXP", "BAG-GAP", "BAG-STATE")
HOLDING = {"BED-INT", "PRP-INT", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "BAG-COLD", "BAG-GAP"}
PER_BAG = {
    "G10": (*STANDING, "RCV-DEC", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "RCV-DOC", "PRP-INT"),
    "G11": (*STANDING, "DOS-TEST", "DOS-COVER"),
    "G12": (*STANDING, "RCV-DEC", "DOS-TEST", "BED-INT"),
    "G12N": (*STANDING, "RCV-DEC", "DOS-TEST", "BED-INT"),
}
AT_THE_BED = {"line_and_filter_right": "BED-LINE", "no_other_drug_on_line": "BED-LINE"}
AT_THE_BED |= {"resuscitation_ready": "BED-RESUS", "physician_present": "BED-RESUS"}


class Model(Bags):
    """`faults` gives the codes that must block, each with the bag it is about (None: none)."""

    def faults(self, point, act, again, signers, now):
        """`act` and `again`: the proposed act as each of two people submits it; `signers` as in `accept`."""
        if point == "H":
            return {(code, None) for code in self._handoff(act, signers, now)}
        found = {(code, None) for code in getattr(self, f"_at_{point.lower()}")(act, again, signers, now)}
        bags = self._judged(point, act)
        if not bags:
            return found | {(code, None) for code in PER_BAG[point]}
        for bag in bags:
            found |= {(code, bag) for code in self._standing(point, act, bag, now)}
            found |= {(code, bag) for code in self._of_bag(point, act, again, signers, bag)}
        return found

    def holds_after(self, faults):
        """{(bag, code)}: what a STOP with these faults must put on hold, once a cause."""
        causes = {bag: {h.get("cause") for h in self.open_holds(bag)} for _, bag in faults if bag}
        return {(bag, code) for code, bag in faults if bag and code in HOLDING and code not in causes[bag]}

    def _judged(self, point, act):
        dose, bag = act["dose"], act["bag"]
        own = self.dose_bags(dose)
        usable = [b for b in own if self.state(b) != "used"]
        ready = [b for b in usable if self.state(b) == "released"]
        if point == "G11":
            return [bag]
        if point == "G12":
            return list(dict.fromkeys([*([bag] if bag in own else []), *ready])) or usable
        if bag in own:
            return [bag]
        first = [b for b in usable if b not in self.opened(dose)] if point == "G10" else ready
        return (first or usable)[:1]

    # -- hold points ----------------------------------------------------------------------------------------------------------------

    def _at_g10(self, act, again, signers, now):
        dose = act["dose"]
        yield from self._may_have_the_dose(dose, now)
        if not self._prescription_fits(dose):
            yield "BED-RX"
        if self._weight_changed(dose):
            yield "BED-WT"
        ready = self.last("ready_confirmed", dose=dose)
        if ready is None or now - ready["_at"] > span(minutes=READY_MINUTES):
            yield "PRP-READY"
        if not self._in_order(dose, act["bag"]):
            yield "PRP-ORDER"
        if any(read["bag"] not in self.dose_bags(dose) or read["bag"] != act["bag"] for read in (act, again) if read):
            yield "PRP-BAG"
        if len({s["person"] for s in signers}) < 2 or again is None:
            yield "PRP-TWO"

    def _may_have_the_dose(self, dose, now):
        yield from self._cohort_faults(dose, now)
        if self._left(dose):
            yield from ("ALO-PART", "BED-CONS")
        eligible = self.last("participant_eligibility_recorded", participant=self.request(dose)["participant"])
        begun = self.started(dose)
        if (begun["started_at"] if begun else now) - eligible["diagnosed_at"] > span(hours=ENROL_WINDOW_H):
            yield "ALO-WINDOW"
        if self._dosed_otherwise(dose):
            yield from ("ALO-DUP", "BED-DUP")
        if self._halted():
            yield "BED-STUDY"

    def _at_g11(self, act, again, signers, now):
        del again, signers, now
        if not self._cells_fit(act["dose"]):
            yield "DOS-CELLS"

    def _at_g12(self, act, again, signers, now):
        dose = act["dose"]
        scans = self._scans("G12", act, again, signers)
        yield from self._at_any_bag(dose, act, again, signers, scans, now)
        asked, band, prescribed = self.request(dose), self._band(dose), self.last("prescription_signed", dose=dose)
        if act["participant"] != asked["participant"]:
            yield "BED-PID"
        if any(s["second_identifier"] != band["second_identifier"] for s in scans):
            yield "BED-ID2"
        early = self._too_early(dose, now)
        if early or act["cohort"] != asked["cohort"]:
            yield "BED-STUDY"
        if self._dosed_otherwise(dose):
            yield "BED-DUP"
        if not self._cells_fit(dose):
            yield "DOS-CELLS"
        ready = [b for b in self.dose_bags(dose) if self.state(b) == "released"]
        if self.started(dose) or not ready or (act["bag"] in self.dose_bags(dose) and act["bag"] not in ready):
            yield "BED-DOSE"
        pumped = {(s["volume_ml"], s["rate_ml_per_min"]) for s in scans}
        if not self._prescription_fits(dose) or pumped != {(prescribed["volume_ml"], prescribed["rate_ml_per_min"])}:
            yield "BED-RX"
        yield from (code for field, code in AT_THE_BED.items() if any(s[field] != "yes" for s in scans))
        yield from self._not_ready(dose, prescribed, now)

    def _not_ready(self, dose, prescribed, now):
        given = {drug for e in self.of("premedication_given", dose=dose) if e["given_at"] <= now for drug in e["drugs"]}
        if not set(prescribed["premedication"]) <= given:
            yield "BED-PREMED"
        if self._weight_changed(dose):
            yield "BED-WT"
        taken = [e["measured_at"] for e in self.of("vitals_recorded", dose=dose) if e["measured_at"] <= now]
        if not taken or now - max(taken) > span(minutes=VITALS_BEFORE):
            yield "BED-VIT"
        fit = self.last("fit_to_infuse_signed", dose=dose)
        fine = fit and all(fit[what] == "yes" for what in ("alive", "still_eligible", "stable"))
        if not fine or now - fit["_at"] > span(minutes=FIT_MINUTES):
            yield "BED-FIT"

    def _at_g12n(self, act, again, signers, now):
        yield from self._at_any_bag(act["dose"], act, again, signers, self._scans("G12N", act, again, signers), now)

    def _at_any_bag(self, dose, act, again, signers, scans, now):
        """What the full check and the short check ask alike."""
        if any(s["wristband"] != self._band(dose)["wristband"] for s in scans):
            yield "BED-PID"
        seen = [act["bag"], *(s["bag"] for s in scans)]
        if set(seen) != {act["bag"]} or act["bag"] not in self.dose_bags(dose) or self.of("infusion_ended", dose=dose):
            yield "BED-BAG"
        if self._left(dose):
            yield "BED-CONS"
        if self._halted():
            yield "BED-STUDY"
        if not self._two_in_time(dose, act, again, signers, now):
            yield "BED-TWO"

    def _handoff(self, act, signers, now):
        found = self.handovers(act["node"])
        if not found or found[-1][1] is not None:
            yield from ("HOF-GIVER", "HOF-RECEIVER", "HOF-SEAL", "HOF-CODE", "HOF-TIME")
            return
        offer, receiver = found[-1][0], signers[0]["person"]
        giver = offer["_by"][0]["person"]
        if self.custodian(act["node"]) not in (None, giver):
            yield "HOF-GIVER"
        if receiver == giver or receiver != offer["to_person"]:
            yield "HOF-RECEIVER"
        if act["seals"] or offer["seals"]:
            yield "HOF-SEAL"
        if act["code"] != offer["code"]:
            yield "HOF-CODE"
        if now - offer["offered_at"] > span(minutes=HANDOVER_MINUTES):
            yield "HOF-TIME"

    # -- parts of the rules ---------------------------------------------------------------------------------------------------------

    def _band(self, dose):
        return self.last("wristband_issued", participant=self.request(dose)["participant"])

    def _left(self, dose):
        return bool(self.of("participant_left", participant=self.request(dose)["participant"]))

    def _halted(self):
        last = self.last("study_halted", "study_resumed")
        return last is not None and last["_act"] == "study_halted"

    def _cohort_faults(self, dose, now):
        cohort = self.request(dose)["cohort"]
        last = self.last("cohort_opened", "cohort_closed", cohort=cohort)
        if last is None or last["_act"] == "cohort_closed" or self._too_early(dose, now):
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

    def _weight_changed(self, dose):
        basis = self.weight(dose)["weight_kg"]
        latest = self.last("weight_measured", participant=self.request(dose)["participant"])["weight_kg"]
        return abs(latest - basis) * 100 > WEIGHT_RECHECK_PCT * basis

    def _in_order(self, dose, bag):
        if self.of("infusion_ended", dose=dose):
            return False
        others = [b for b in self.opened(dose) if b != bag]
        if any(self.state(b) != "used" for b in others) or len(others) >= self.plan(dose)[0]:
            return False
        return bool(self.opened(dose)) or not any(self.of("bag_damaged", bag=b) for b in self.dose_bags(dose))

    def _cells_fit(self, dose):
        """Label strength times the worst count of the lot, in the planned volume, within the tolerance of the target."""
        _, ml, target = self.plan(dose)
        counts = [Decimal(r["result"]) for r in self.of("result_recorded", node=self.lot_of(self.dose_bags(dose)[0])["lot"], test="CNT")]
        cells = min(counts) / 100 * CELLS_PER_BAG * ml / BAG_ML
        return abs(cells - target) * 100 <= DOSE_TOLERANCE_PCT * target

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
