"""What the independent model keeps: the acts that were accepted, as plain dicts, and what simply follows from them.

It shares no code with custody. Ids are texts, `kind:value` where a thing has a stream.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

BAG_ML, CELLS_PER_BAG, BAG_ROUNDING_PCT = 30, 120_000_000, 5
CELLS_PER_KG = {"P1-1M": 1_000_000, "P2": 5_000_000}
BLINDED_COHORTS = {"P2"}
"""Of the demonstration study; the rest of rules section 8 is copied below."""

STEPS_OF_A_BAG = (("dose_bag_released", "released"), ("bag_preparation_started", "prepared"))


class Facts:
    """What was accepted, in order, and what simply follows from it."""

    def __init__(self):
        self.events = defaultdict(list)
        self.count = 0

    def copy(self):
        """Readings, and what was once worked out from them, are shared: nothing ever changes them."""
        shared = {id(thing): thing for events in self.events.values() for e in events for thing in (e["_readings"], e["_seen"])}
        return copy.deepcopy(self, shared)

    def accept(self, act, fields, *, by, at, began=None, entry=None, readings=None):
        """`by`: dicts with person, account, role, site, at; `at` when the last of them signed, `began` when the first did."""
        self.count += 1
        kept = {
            "_act": act,
            "_by": by,
            "_at": at,
            "_began": began or at,
            "_n": self.count,
            "_changed": self.count,
            "_entry": entry,
            "_readings": readings,
            "_seen": {},
        }
        self.events[act].append({**fields, **kept})

    def correct(self, entry, fields, *, by):
        """What stands there reads otherwise from now on; `_changed` says since when."""
        self.count += 1
        (wrong,) = [e for events in self.events.values() for e in events if e["_entry"] == entry]
        wrong.update(fields, _by=by, _changed=self.count)

    def without(self, entry):
        """What would be known if the act of this entry had never been done: so a correction of it is judged."""
        other = copy.copy(self)
        other.events = defaultdict(list, {act: [e for e in events if e["_entry"] != entry] for act, events in self.events.items()})
        return other

    def of(self, *acts, **match):
        found = [e for act in acts for e in self.events[act] if all(e.get(k) == v for k, v in match.items())]
        return sorted(found, key=lambda e: e["_n"]) if len(acts) > 1 else found

    def last(self, *acts, **match):
        return next(reversed(self.of(*acts, **match)), None)

    # -- where a bag comes from ---------------------------------------------------------------------------------------------------

    def lot_of(self, bag):
        return next(e for e in self.of("bags_filled") if bag in e["bags"])

    def made(self, lot):
        """How the lot was started: product, form, banks."""
        return self.last("lot_started", lot=lot)

    def is_placebo(self, bag):
        return self.made(self.lot_of(bag)["lot"])["product"] == "placebo"

    def ancestors(self, bag):
        lot = self.lot_of(bag)["lot"]
        return [lot, *self.ancestors_of_lot(lot)]

    def ancestors_of_lot(self, lot):
        found, ring = [], list(self.made(lot)["banks"])
        while ring:
            node = ring.pop()
            found.append(node)
            for started in self.of("bank_started", bank=node):
                ring += started["parents"]
            ring += [e["donation"] for e in self.of("tissue_packed", tissue=node)]
            ring += [e["donor"] for e in self.of("cord_collected", donation=node)]
        return found

    def shipments(self, bag):
        return [e["shipment"] for e in self.of("bag_packed", bag=bag)]

    def open_holds(self, node):
        lifted = {(e["hold"], e["_n"]) for e in self.of("hold_lifted", node=node)}
        return [h for h in self.of("hold_placed", node=node) if not any(name == h["hold"] and n > h["_n"] for name, n in lifted)]

    # -- how far a bag has come ---------------------------------------------------------------------------------------------------

    def begun(self, bag):
        return self.last("infusion_started", "next_bag_started", bag=bag)

    def state(self, bag):
        if self.last("bag_finished", bag=bag):
            return "used"
        if self.last("bag_destroyed", bag=bag):
            return "destroyed"
        if self.begun(bag):
            return "running"
        for act, word in STEPS_OF_A_BAG:
            if self.last(act, bag=bag):
                return word
        return self._place(bag)

    def _place(self, bag):
        """Before its preparation: stored, on the way, waiting for the receivers' decision, or received."""
        last = self.last("bag_packed", "bag_accepted", "bag_refused_at_receipt", bag=bag)
        if last is None:
            return "stored"
        if last["_act"] == "bag_packed":
            return "arrived" if self.last("shipment_arrived", shipment=last["shipment"]) else "travelling"
        return "received" if last["_act"] == "bag_accepted" else "arrived"

    def discarded(self, bag):
        return bool(self.of("bag_discarded", bag=bag))

    def is_over(self, bag):
        return bool(self.of("bag_finished", bag=bag)) or self.discarded(bag)

    def handovers(self, node):
        """[offer, end or None, accepted or None], oldest first; a new offer, or the arrival of the shipper, ends the one before."""
        found = []
        deeds = self.of("handoff_offered", "handoff_accepted", "handoff_withdrawn", node=node) + self.of("shipment_arrived", shipment=node)
        for e in sorted(deeds, key=lambda deed: deed["_n"]):
            if found and found[-1][1] is None:
                found[-1][1] = e.get("offered_at") or e.get("arrived_at") or e["_at"]
                found[-1][2] = e if e["_act"] == "handoff_accepted" else None
            if e["_act"] == "handoff_offered":
                found.append([e, None, None])
        return found

    def custodian(self, node):
        """The person who took the thing over last, or None when the staff of the hospital have it."""
        handled = self.of("bag_accepted", "bag_taken_out", "bag_preparation_started", "dose_bag_released", bag=node)
        handled += self.of("bag_stored", "infusion_started", "next_bag_started", bag=node)
        taken = [(accepted["_n"], accepted["_by"][0]["person"]) for _, _, accepted in self.handovers(node) if accepted]
        last_handled = max((e["_n"] for e in handled), default=0)
        return taken[-1][1] if taken and taken[-1][0] > last_handled else None

    # -- a dose -------------------------------------------------------------------------------------------------------------------

    def dose_bags(self, dose):
        """In the order in which they are to be given: those of the allocation, then every spare."""
        own = [bag for e in self.of("dose_allocated", dose=dose) for bag in e["bags"]]
        return list(dict.fromkeys([*own, *(e["bag"] for e in self.of("spare_allocated", dose=dose))]))

    def usable(self, dose):
        return [bag for bag in self.dose_bags(dose) if not self.discarded(bag)]

    def reserved_for(self, bag):
        spared = self.last("spare_allocated", bag=bag)
        if spared:
            return spared["dose"]
        return next((e["dose"] for e in self.of("dose_allocated") if bag in e["bags"]), None)

    def kit(self, dose):
        allocated = self.last("dose_allocated", dose=dose)
        return allocated["kit"] if allocated else None

    def is_blinded(self, dose):
        return self.request(dose)["cohort"] in BLINDED_COHORTS

    def request(self, dose):
        return self.last("dose_requested", dose=dose)

    def opened(self, dose):
        prepared = self.of("bag_preparation_started", "infusion_started", "next_bag_started", dose=dose)
        return list(dict.fromkeys(e["bag"] for e in prepared))

    def ready_for_the_bed(self, dose):
        """Released for this dose, neither begun nor over."""
        released = {e["bag"] for e in self.of("dose_bag_released", dose=dose)}
        return [b for b in self.dose_bags(dose) if b in released and not self.is_over(b) and not self.begun(b)]

    def weight(self, dose):
        """The weighing the dose was computed from: the last one before its bags were reserved."""
        allocated = self.last("dose_allocated", dose=dose)
        weighed = self.of("weight_measured", participant=self.request(dose)["participant"])
        return next(e for e in reversed(weighed) if e["_at"] <= allocated["_at"])

    def plan(self, dose):
        """(bags, ml, target cells) by rules section 8."""
        weight = self.weight(dose)["weight_kg"].quantize(Decimal("0.1"), ROUND_HALF_UP)
        target = CELLS_PER_KG[self.request(dose)["cohort"]] * weight
        bags = math.ceil(target / CELLS_PER_BAG)
        if bags > 1 and (target - (bags - 1) * CELLS_PER_BAG) * 100 < BAG_ROUNDING_PCT * target:
            bags -= 1
        return bags, BAG_ML * min(target, bags * CELLS_PER_BAG) / CELLS_PER_BAG, target

    def started(self, dose):
        return self.last("infusion_started", dose=dose)

    def preparers(self, dose):
        return {s["person"] for e in self.of("bag_preparation_started", "dose_bag_released", dose=dose) for s in e["_by"]}
