"""What the independent model keeps: the acts that were accepted, as plain dicts, and what simply follows from them.

It shares no code with custody. Ids are texts, `kind:value` where a thing has a stream.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

BAG_ML, CELLS_PER_BAG, BAG_ROUNDING_PCT = 30, 120_000_000, 5
CELLS_PER_KG = {"P1-1M": 1_000_000}
"""Of the demonstration study; the rest of rules section 8 is copied below."""


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
            "_entry": entry,
            "_readings": readings,
            "_seen": {},
        }
        self.events[act].append({**fields, **kept})

    def correct(self, entry, fields, *, by):
        (wrong,) = [e for events in self.events.values() for e in events if e["_entry"] == entry]
        wrong.update(fields, _by=by)

    def of(self, *acts, **match):
        found = [e for act in acts for e in self.events[act] if all(e.get(k) == v for k, v in match.items())]
        return sorted(found, key=lambda e: e["_n"]) if len(acts) > 1 else found

    def last(self, *acts, **match):
        return next(reversed(self.of(*acts, **match)), None)

    # -- where a bag comes from ---------------------------------------------------------------------------------------------------

    def lot_of(self, bag):
        return next(e for e in self.of("bags_filled") if bag in e["bags"])

    def ancestors(self, bag):
        lot = self.lot_of(bag)["lot"]
        found, ring = [lot], list(self.last("lot_started", lot=lot)["banks"])
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
        if self.begun(bag):
            return "running"
        for act, word in (("dose_bag_released", "released"), ("bag_preparation_started", "prepared"), ("bag_accepted", "received")):
            if self.last(act, bag=bag):
                return word
        return "stored"

    def handovers(self, node):
        """[offer, end or None, accepted or None], oldest first; a new offer ends the one before."""
        found = []
        for e in self.of("handoff_offered", "handoff_accepted", "handoff_withdrawn", node=node):
            if found and found[-1][1] is None:
                found[-1][1] = e["offered_at"] if e["_act"] == "handoff_offered" else e["_at"]
                found[-1][2] = e if e["_act"] == "handoff_accepted" else None
            if e["_act"] == "handoff_offered":
                found.append([e, None, None])
        return found

    def custodian(self, bag):
        """The person who took the bag over last, or None when the staff of the hospital have it."""
        handled = self.of("bag_accepted", "bag_taken_out", "bag_preparation_started", "dose_bag_released", bag=bag)
        handled += self.of("bag_stored", "infusion_started", "next_bag_started", bag=bag)
        taken = [(accepted["_n"], accepted["_by"][0]["person"]) for _, _, accepted in self.handovers(bag) if accepted]
        last_handled = max((e["_n"] for e in handled), default=0)
        return taken[-1][1] if taken and taken[-1][0] > last_handled else None

    # -- a dose -------------------------------------------------------------------------------------------------------------------

    def dose_bags(self, dose):
        return [bag for e in self.of("dose_allocated", dose=dose) for bag in e["bags"]]

    def request(self, dose):
        return self.last("dose_requested", dose=dose)

    def opened(self, dose):
        prepared = self.of("bag_preparation_started", "infusion_started", "next_bag_started", dose=dose)
        return list(dict.fromkeys(e["bag"] for e in prepared))

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
