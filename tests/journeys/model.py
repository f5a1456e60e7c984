"""An independent model of the rules page: which codes a hold point must give, worked out anew from the acts that were accepted.

It shares no code with custody: every number is copied by hand from `gmp-rules.md` or from the demonstration study.
"""

from __future__ import annotations

from tests.journeys.model_bags import GAP_COURIER, GAP_INTERNAL, span
from tests.journeys.model_dose import Doses

READY_MINUTES, VITALS_BEFORE, FIT_MINUTES = 30, 15, 30
ENROL_WINDOW_H = 72

STANDING = ("BAG-REL", "BAG-COLD", "BAG-HOLD", "BAG-RECALL", "BAG-DONOR", "BAG-EXP", "BAG-GAP", "BAG-STATE")
HOLDING = {"BED-INT", "PRP-INT", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "BAG-COLD", "BAG-GAP"}
PER_BAG = {
    "G7": STANDING,
    "G10": (*STANDING, "RCV-DEC", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "RCV-DOC", "PRP-INT"),
    "G11": (*STANDING, "DOS-TEST", "DOS-COVER"),
    "G12": (*STANDING, "RCV-DEC", "DOS-TEST", "BED-INT"),
    "G12N": (*STANDING, "RCV-DEC", "DOS-TEST", "BED-INT"),
}
AT_THE_BED = {"line_and_filter_right": "BED-LINE", "no_other_drug_on_line": "BED-LINE"}
AT_THE_BED |= {"resuscitation_ready": "BED-RESUS", "physician_present": "BED-RESUS"}


class Model(Doses):
    """`faults` gives the codes that must block, each with the bag it is about (None: none)."""

    def faults(self, point, act, again, signers, now):
        """`act` and `again`: the proposed act as each of two people submits it; `signers` as in `accept`."""
        if point == "H":
            return {(code, None) for code in self._handoff(act, signers, now)}
        found = {(code, None) for code in getattr(self, f"_at_{point.lower()}")(act, again, signers, now)}
        if point == "X":
            return found
        bags = self._judged(point, act)
        if not bags:
            return found | {(code, None) for code in PER_BAG[point]}
        for bag in bags:
            found |= {(code, bag) for code in self._standing(point, act, again, bag, now)}
            found |= {(code, bag) for code in self._of_bag(point, act, again, signers, bag, now)}
        return found

    def holds_after(self, faults):
        """{(bag, code)}: what a STOP with these faults must put on hold, once a cause."""
        causes = {bag: {h.get("cause") for h in self.open_holds(bag)} for _, bag in faults if bag}
        return {(bag, code) for code, bag in faults if bag and code in HOLDING and code not in causes[bag]}

    def _judged(self, point, act):
        if point in ("G7", "G9", "G11"):
            return act.get("bags") or [act["bag"]]
        dose, bag = act["dose"], act["bag"]
        own = self.dose_bags(dose)
        usable = [b for b in own if not self.is_over(b)]
        ready = self.ready_for_the_bed(dose)
        if point == "G12":
            return list(dict.fromkeys([*([bag] if bag in own else []), *ready])) or usable
        if bag in own:
            return [bag]
        first = [b for b in usable if b not in self.opened(dose)] if point == "G10" else ready
        return (first or usable)[:1]

    # -- hold points ----------------------------------------------------------------------------------------------------------------

    def _at_g7(self, act, again, signers, now):
        del again, signers
        dose, added = act["dose"], act.get("bags") or [act["bag"]]
        yield from (code for code in self._may_have_the_dose(dose, now, added) if code.startswith("ALO"))
        if self._volume_faults(dose, added):
            yield "DOS-VOL"

    def _at_g9(self, act, again, signers, now):
        del act, again, signers, now
        yield from ()

    def _at_g10(self, act, again, signers, now):
        dose = act["dose"]
        yield from self._may_have_the_dose(dose, now, thaw=True)
        if self._volume_faults(dose):
            yield "DOS-VOL"
        if not self._prescription_fits(dose):
            yield "BED-RX"
        if self.has_changed_weight(dose):
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

    def _may_have_the_dose(self, dose, now, added=(), *, thaw=False):
        yield from self._cohort_faults(dose, now, thaw=thaw)
        if not self._consent_stands(dose):
            yield from ("ALO-PART", "BED-CONS")
        eligible = self.last("participant_eligibility_recorded", participant=self.request(dose)["participant"])
        begun = self.started(dose)
        until = begun["started_at"] if begun else now
        if not eligible["diagnosed_at"] <= until <= eligible["diagnosed_at"] + span(hours=ENROL_WINDOW_H):
            yield "ALO-WINDOW"
        if self._dosed_otherwise(dose):
            yield from ("ALO-DUP", "BED-DUP")
        bags = [*self.dose_bags(dose), *added]
        if len({self.lot_of(bag)["lot"] for bag in bags}) > 1:
            yield "ALO-MIX"
        if self.is_blinded(dose) and not self._kit_is_randomised(dose, bags):
            yield "ALO-RAND"
        if self._halted():
            yield "BED-STUDY"

    def _at_g11(self, act, again, signers, now):
        del again, signers
        dose = act["dose"]
        if self._volume_faults(dose):
            yield "DOS-VOL"
        if not self._cells_fit(dose, now):
            yield "DOS-CELLS"
        if len(self.usable(dose)) < self.plan(dose)[0]:
            yield from ("DOS-ENDO", "DOS-DMSO")

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
        if not self._cells_fit(dose, now):
            yield "DOS-CELLS"
        ready = self.ready_for_the_bed(dose)
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
        if self.has_changed_weight(dose):
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
        if not self._consent_stands(dose):
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
        if self.custodian(act["node"]) not in (None, giver) or not self._gives_at_the_right_site(act["node"], offer):
            yield "HOF-GIVER"
        if receiver == giver or receiver != offer["to_person"]:
            yield "HOF-RECEIVER"
        sealed = self.last("shipper_sealed", shipment=act["node"])
        right = sorted(sealed["seals"]) if sealed else []
        if sorted(act["seals"]) != right or sorted(offer["seals"]) != right:
            yield "HOF-SEAL"
        if act["code"] != offer["code"]:
            yield "HOF-CODE"
        if now - offer["offered_at"] > span(minutes=GAP_COURIER if sealed else GAP_INTERNAL):
            yield "HOF-TIME"

    def _gives_at_the_right_site(self, node, offer):
        """Once a shipper has arrived the hospital has it, and nobody else can hand it over."""
        arrived = self.last("shipment_arrived", shipment=node)
        return arrived is None or arrived["_by"][0]["site"] == offer["_by"][0]["site"]
