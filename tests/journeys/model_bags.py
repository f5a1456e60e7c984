"""The independent model's rules about one bag: the standing gates and those asked bag by bag (rules section 4)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.journeys.model_cold import ColdLife
from tests.journeys.model_facts import Facts

FROZEN_DAYS, THAW_HOURS, SPIKE_TO_END = 730, 3, 120
GAP_INTERNAL, GAP_COURIER = 15, 30
ON_THE_BAG = {"APP": "conforms", "CCI": "no leak", "LAB": "100"}
OF_THE_LOT = {"VIA": 80, "CNT": 80}
"""Column X tests that a closed thaw inherits from its lot and that the machine may make fail late, with their lower limits."""

STATE_NEEDED = {"G10": "received", "G11": "prepared", "G12": "released", "G12N": "released"}


def span(**parts):
    return timedelta(**parts)


class Bags(Facts):
    # -- the standing gates ---------------------------------------------------------------------------------------------------------

    def _standing(self, point, act, bag, now):
        nodes = [bag, *self.ancestors(bag)]
        lot = nodes[1]
        if not self.of("released", node=lot) or self.of("recalled", node=lot) or self.of("rejected", node=lot):
            yield "BAG-REL"
        if not self._cold_enough(bag, now):
            yield "BAG-COLD"
        if any(self.open_holds(node) for node in (*nodes, *self.shipments(bag))):
            yield "BAG-HOLD"
        if any(self.of("recalled", node=node) for node in nodes):
            yield "BAG-RECALL"
        refused = any(self.of("eligibility_refused", donation=node) for node in nodes)
        if refused or any(self.of("consent_withdrawn", donor=node) for node in nodes):
            yield "BAG-DONOR"
        if not self._in_date(point, act, bag, now):
            yield "BAG-EXP"
        gap = any(self._is_gap(node, h, bag, now) for node in (bag, *self.shipments(bag)) for h in self.handovers(node))
        if gap:
            yield "BAG-GAP"
        if not self._state_allows(point, act, bag, now):
            yield "BAG-STATE"

    def _cold_enough(self, bag, now):
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
            taken_out = None if place else at
        for stay in stays:
            stay["end"] = stay["end"] or max(over, stay["start"])
            stay["files"] = [f for logger in self._loggers(stay["place"]) for f in self._files(logger)]
        return ColdLife(stays, taken_out, over, now)

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
        filled = self.lot_of(bag)
        clocks = [filled["expires_at"], filled["filled_at"] + span(days=FROZEN_DAYS)]
        prepared = next(iter(self.of("bag_preparation_started", bag=bag)), None)
        if prepared or (point == "G10" and act["bag"] == bag):
            clocks.append((prepared["_at"] if prepared else now) + span(hours=THAW_HOURS))
        if self.begun(bag):
            clocks.append(self.begun(bag)["_at"] + span(minutes=SPIKE_TO_END))
        prescribed = self.last("prescription_signed", dose=act["dose"])
        given = sum(e["given_ml"] for e in self.of("bag_finished", dose=act["dose"]))
        left = max(Decimal(0), prescribed["volume_ml"] - given) / prescribed["volume_ml"]
        ends = now + span(minutes=1) * float(prescribed["planned_minutes"] * left)
        return now < min(clocks) and ends <= min(clocks)

    def _is_gap(self, node, handover, bag, now):
        offer, end, _ = handover
        if (end or now) - offer["offered_at"] <= span(minutes=GAP_INTERNAL if node == bag else GAP_COURIER):
            return False
        if end is None:
            return True
        for d in self.of("gap_disposed"):
            on_it = d["node"] in (bag, *self.shipments(bag)) and d["seals_intact"] and d["trace_continuous"]
            if on_it and d["gap_started_at"] <= offer["offered_at"] and end <= d["gap_ended_at"] and end <= d["_at"]:
                return False
        return True

    def _state_allows(self, point, act, bag, now):
        if point == "G11" and self.of("bag_damaged", bag=bag):
            return False
        handovers = self.handovers(bag)
        waiting = handovers and handovers[-1][1] is None and now - handovers[-1][0]["offered_at"] <= span(minutes=GAP_INTERNAL)
        return self.state(bag) == STATE_NEEDED[point] and bag in self.dose_bags(act["dose"]) and not waiting

    # -- gates that are asked bag by bag ---------------------------------------------------------------------------------------------

    def _of_bag(self, point, act, again, signers, bag):
        damaged = bool(self.of("bag_damaged", bag=bag))
        if point == "G10":
            if damaged:
                yield "RCV-INT"
            if damaged or any(read["bag"] == bag and read["container_whole"] != "yes" for read in (act, again) if read):
                yield "PRP-INT"
            return
        if not self._tests_passed(act["dose"], bag):
            yield "DOS-TEST"
        if point == "G11":
            return
        scans = [s for s in self._scans(point, act, again, signers) if s["bag"] == bag]
        if damaged or any(s["container_whole"] != "yes" or s["nothing_unusual_seen"] != "yes" for s in scans):
            yield "BED-INT"

    def _tests_passed(self, dose, bag):
        for test, wanted in ON_THE_BAG.items():
            results = self.of("result_recorded", node=dose, bag=bag, test=test)
            if not results or any(r["result"] != wanted for r in results):
                return False
        lot = self.lot_of(bag)["lot"]
        return all(Decimal(r["result"]) >= low for test, low in OF_THE_LOT.items() for r in self.of("result_recorded", node=lot, test=test))

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
