"""The independent model's rules about one bag: the standing gates and those asked bag by bag (rules section 4)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.journeys.model_cold import LIMITS, ColdLife
from tests.journeys.model_lots import Lots

FROZEN_DAYS, FRESH_HOURS, THAW_HOURS, SPIKE_TO_END = 730, 24, 3, 120
GAP_INTERNAL, GAP_COURIER, GAP_TRANSIT = 15, 30, 120
OUT_OF_SHIPPER_MINUTES = 10
DOCUMENTS = {"release_certificate", "packing_list", "instructions", "emergency_phone"}
ON_THE_BAG = {"APP": "conforms", "CCI": "no leak", "LAB": "100"}
OF_THE_LOT = ("VIA", "CNT", "GRAM")
"""Column X tests that a closed bag inherits from its lot and that a run may make fail late."""

STATE_NEEDED = {
    "G7": ("stored", "received"),
    "G9": ("arrived",),
    "G10": ("received",),
    "G11": ("prepared",),
    "G12": ("released",),
    "G12N": ("released",),
}
CONTAINER_ASKED = ("G9", "G10", "G12", "G12N")
"""Where a gate of its own (RCV-INT, PRP-INT, BED-INT) asks for a leak found earlier."""


def span(**parts):
    return timedelta(**parts)


class Bags(Lots):
    # -- the standing gates ---------------------------------------------------------------------------------------------------------

    def _standing(self, point, act, again, bag, now):
        nodes = [bag, *self.ancestors(bag)]
        dose = act.get("dose")
        if not self.is_released(nodes[1], dose, now):
            yield "BAG-REL"
        if not self._cold_enough(point, act, again, bag, now):
            yield "BAG-COLD"
        kits = [self.kit(d) for d in {dose, self.reserved_for(bag)} if d]
        if any(self.open_holds(node) for node in (*nodes, *self.shipments(bag), *(k for k in kits if k))):
            yield "BAG-HOLD"
        if any(self.of("recalled", node=node) for node in nodes):
            yield "BAG-RECALL"
        refused = any(self.of("eligibility_refused", donation=node) for node in nodes)
        if refused or any(self.of("consent_withdrawn", donor=node) for node in nodes):
            yield "BAG-DONOR"
        if not self._in_date(point, act, bag, now):
            yield "BAG-EXP"
        gap = any(self._is_gap(node, h, bag, now) for node in (bag, *self.shipments(bag)) for h in self.handovers(node))
        if gap or any(self._trip_has_gap(shipment, bag, now) for shipment in self.shipments(bag)):
            yield "BAG-GAP"
        if not self._state_allows(point, act, bag, now):
            yield "BAG-STATE"

    def form(self, bag):
        return self.made(self.lot_of(bag)["lot"])["form"]

    def _cold_enough(self, point, act, again, bag, now):
        if point == "G9" and any(read["bag"] == bag and read["no_sign_of_thaw"] == "no" for read in (act, again) if read):
            return False
        life = self.cold_life(bag, now)
        klass = life.klass()
        if klass < 2:
            return True
        return klass == 2 and not life.missing and life.is_released_by(self.of("cold_chain_decided", bag=bag, decision="release"))

    def cold_life(self, bag, now):
        stays, taken_out = [], None
        prepared = next(iter(self.of("bag_preparation_started", bag=bag)), None)
        over = prepared["_at"] if prepared else now
        for e in self.of("bag_stored", "bag_taken_out", "bag_packed", "bag_accepted", "bag_preparation_started", bag=bag):
            place, at = self._moved(e)
            if stays and stays[-1]["end"] is None:
                if place == stays[-1]["place"]:
                    continue
                stays[-1]["end"] = at
            if e["_act"] == "bag_preparation_started":
                break
            if place:
                stays.append({"place": place, "start": at, "end": None, "in_transit": e["_act"] == "bag_packed"})
            taken_out = None if place else taken_out or at
        # A shipper's loggers are read on arrival; until then nobody can say anything about the trip.
        stays = [s for s in stays if s["end"] or not s["in_transit"] or self.of("shipment_arrived", shipment=s["place"])]
        for stay in stays:
            stay["end"] = stay["end"] or max(over, stay["start"])
            stay["files"] = [f for logger in self._loggers(stay["place"]) for f in self._files(logger)]
        return ColdLife(stays, taken_out, over, now, LIMITS[self.form(bag)])

    @staticmethod
    def _moved(e):
        if e["_act"] == "bag_accepted":
            return e["equipment"], e["_began"]
        if e["_act"] == "bag_preparation_started":
            return None, e["_at"]
        at = next(e[name] for name in ("stored_at", "taken_at", "packed_at") if name in e)
        return e.get("equipment") or e.get("shipment"), at

    def _loggers(self, place):
        installed = [e["logger"] for e in self.of("logger_installed", equipment=place)]
        return installed or [logger for e in self.of("packing_started", shipment=place) for logger in e["loggers"]]

    def _files(self, logger):
        for e in self.of("logger_file_read", logger=logger):
            yield {"at": e["_at"], "interval": e["interval_minutes"], "readings": e["_readings"], "seen": e["_seen"]}

    def _in_date(self, point, act, bag, now):
        filled, is_fresh = self.lot_of(bag), self.form(bag) == "fresh"
        clocks = [filled["expires_at"], filled["filled_at"] + (span(hours=FRESH_HOURS) if is_fresh else span(days=FROZEN_DAYS))]
        prepared = next(iter(self.of("bag_preparation_started", bag=bag)), None)
        if not is_fresh and (prepared or (point == "G10" and act["bag"] == bag)):
            clocks.append((prepared["_at"] if prepared else now) + span(hours=THAW_HOURS))
        if self.begun(bag):
            clocks.append(self.begun(bag)["_at"] + span(minutes=SPIKE_TO_END))
        return now < min(clocks) and self._planned_end(act.get("dose"), now) <= min(clocks)

    def _planned_end(self, dose, now):
        prescribed = self.last("prescription_signed", dose=dose) if dose else None
        if prescribed is None:
            return now
        given = sum(e["given_ml"] for e in self.of("bag_finished", dose=dose))
        left = max(Decimal(0), prescribed["volume_ml"] - given) / prescribed["volume_ml"]
        return now + span(minutes=1) * float(prescribed["planned_minutes"] * left)

    # -- gaps in custody (rules section 10) --------------------------------------------------------------------------------------------

    def _is_gap(self, node, handover, bag, now):
        offer, end, _ = handover
        if (end or now) - offer["offered_at"] <= span(minutes=GAP_INTERNAL if node == bag else GAP_COURIER):
            return False
        return not self._disposed(bag, offer["offered_at"], end)

    def _trip_has_gap(self, shipment, bag, now):
        """Under way for more than the plan and two hours, or another number of bags came than left."""
        left = next((h[2]["_at"] for h in self.handovers(shipment) if h[2]), None)
        arrived = self.last("shipment_arrived", shipment=shipment)
        end = arrived["arrived_at"] if arrived else None
        if left is not None:
            late_after = left + span(minutes=self.last("shipment_planned", shipment=shipment)["planned_minutes"] + GAP_TRANSIT)
            if (end or now) > late_after and not self._disposed(bag, late_after, end):
                return True
        sealed = self.last("shipper_sealed", shipment=shipment)
        differs = arrived is not None and arrived["bags_counted"] != len(sealed["bags"])
        return differs and not self._disposed(bag, end, end)

    def _disposed(self, bag, start, end):
        """QA decided on the whole gap after it, with seals intact and a continuous trace."""
        decided = [d for d in self.of("gap_disposed") if d["node"] in (bag, *self.shipments(bag))]
        sound = [d for d in decided if d["seals_intact"] and d["trace_continuous"]]
        return end is not None and any(d["gap_started_at"] <= start and end <= d["gap_ended_at"] and end <= d["_at"] for d in sound)

    # -- where it is (rules section 2) ---------------------------------------------------------------------------------------------------

    def _state_allows(self, point, act, bag, now):
        if self.discarded(bag) or self.of("bag_refused_at_receipt", bag=bag, reject=True):
            return False
        if point not in CONTAINER_ASKED and self.of("bag_damaged", bag=bag):
            return False
        return self.state(bag) in STATE_NEEDED[point] and self._is_for(point, act, bag) and not self._in_handover(bag, now)

    def _is_for(self, point, act, bag):
        if point == "G9":
            return True
        return self.reserved_for(bag) in ((act["dose"], None) if point == "G7" else (act["dose"],))

    def _in_handover(self, bag, now):
        """Offered and not yet taken over; once that lasts too long it is a gap, which says more."""
        own, trips = self.handovers(bag), self.shipments(bag)
        if own and own[-1][1] is None:
            return now - own[-1][0]["offered_at"] <= span(minutes=GAP_INTERNAL)
        trip = self.handovers(trips[-1]) if trips else []
        return bool(trip) and trip[-1][1] is None and now - trip[-1][0]["offered_at"] <= span(minutes=GAP_COURIER)

    # -- receipt (rules section 11) ----------------------------------------------------------------------------------------------------

    def _receipt(self, act, again, signers, bag):
        """The RCV codes: what the receivers answer now, or, later, what they answered then."""
        now_received = act["_act"] == "bag_accepted"
        answers = [read for read in (act, again) if read] if now_received else self.of("bag_accepted", bag=bag)[-1:]
        shipment = self.shipments(bag)[-1]
        if not self._decided_by_two(act, again, signers, bag):
            yield "RCV-DEC"
        sealed, arrived = (self.last(what, shipment=shipment) for what in ("shipper_sealed", "shipment_arrived"))
        if arrived is None or (sorted(arrived["seals"]), arrived["shipper"]) != (sorted(sealed["seals"]), sealed["shipper"]):
            yield "RCV-SEAL"
        whole = answers and arrived and arrived["outside_undamaged"] == "yes" and not self.of("bag_damaged", bag=bag)
        if not whole or not all(self._came_whole(a) for a in answers):
            yield "RCV-INT"
        labelled = answers and all(a["label_readable"] == a["label_equals_order"] == "yes" and a["shipment"] == shipment for a in answers)
        if not labelled or bag not in sealed["bags"]:
            yield "RCV-LABEL"
        # What was written down last about the arrival counts, with whatever was sent after it.
        came = [arrived] if arrived else []
        here = {d for e in (*came, *self.of("documents_received", shipment=shipment)) for d in e["documents"]}
        if not here >= DOCUMENTS:
            yield "RCV-DOC"

    @staticmethod
    def _came_whole(answer):
        in_time = 0 <= answer["out_of_shipper_minutes"] <= OUT_OF_SHIPPER_MINUTES
        return answer["container_whole"] == answer["no_sign_of_thaw"] == "yes" and in_time

    def _decided_by_two(self, act, again, signers, bag):
        if self._refusal_stands(bag):
            return False
        if act["_act"] != "bag_accepted":
            return bool(self.of("bag_accepted", bag=bag)) and self.state(bag) not in ("arrived", "travelling", "stored")
        return len({s["person"] for s in signers}) == 2 and again is not None and again["bag"] == bag

    def _refusal_stands(self, bag):
        """A rejection is final; a quarantine stands until QA has decided something about this bag."""
        if self.of("bag_refused_at_receipt", bag=bag, reject=True):
            return True
        last = self.last("bag_accepted", "bag_refused_at_receipt", bag=bag)
        if last is None or last["_act"] == "bag_accepted":
            return False
        decided = self.of("cold_chain_decided", bag=bag) + self.of("hold_lifted", node=bag) + self.of("gap_disposed", node=bag)
        return not any(d["_n"] > last["_n"] and d.get("decision") != "reject" for d in decided)

    # -- gates that are asked bag by bag ---------------------------------------------------------------------------------------------

    def _of_bag(self, point, act, again, signers, bag, now):
        if point == "G7":
            return
        if point in ("G9", "G10"):
            yield from self._receipt(act, again, signers, bag)
        damaged = bool(self.of("bag_damaged", bag=bag))
        reads = [read for read in (act, again) if read and read["bag"] == bag]
        if point == "G10" and (damaged or any(read["container_whole"] != "yes" for read in reads)):
            yield "PRP-INT"
        if point == "G11":
            yield from () if self._covered(act["dose"], bag) else ("DOS-COVER",)
        if point in ("G12", "G12N") and not self._decided_by_two(act, again, signers, bag):
            yield "RCV-DEC"
        if point in ("G11", "G12", "G12N") and not self._tests_passed(act["dose"], bag, now):
            yield "DOS-TEST"
        if point not in ("G12", "G12N"):
            return
        scans = [s for s in self._scans(point, act, again, signers) if s["bag"] == bag]
        if damaged or any(s["container_whole"] != "yes" or s["nothing_unusual_seen"] != "yes" for s in scans):
            yield "BED-INT"

    def _covered(self, dose, bag):
        """In the blinded phase an unblinded pair has bound a cover label of its own to the prepared bag (rules section 13)."""
        if not self.is_blinded(dose):
            return True
        cover, prepared = self.last("cover_bound", bag=bag), self.last("bag_preparation_started", bag=bag)
        if not prepared or not cover or cover["_n"] < prepared["_n"]:
            return False
        others = [self.last("cover_bound", bag=other) for other in self.dose_bags(dose) if other != bag]
        return cover["cover_label"] not in [other["cover_label"] for other in others if other]

    def _tests_passed(self, dose, bag, now):
        for test, wanted in ON_THE_BAG.items():
            results = self.of("result_recorded", node=dose, bag=bag, test=test)
            if not results or any(r["result"] != wanted for r in results):
                return False
        lot = self.lot_of(bag)["lot"]
        return all(self.excepted(dose, lot, r, now) for r in self.failing(lot, *OF_THE_LOT))

    def _scans(self, point, act, again, signers):
        """Everything scanned for this act: by the one who proposes, by the one who repeats, and each one's own latest scans."""
        found = [read["scans"] for read in (act, again) if read]
        if point == "G12":
            own = (self._scan_of(act["dose"], s["person"]) for s in signers)
            found += [deed["scans"] for deed in own if deed]
        return found

    def _scan_of(self, dose, person):
        scanned = self.of("bedside_scanned", dose=dose)
        return next((e for e in reversed(scanned) if e["_by"][0]["person"] == person), None)
