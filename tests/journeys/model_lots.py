"""The independent model's rules about a lot: results, quality's decision, and the exceptional release of one result (rules 7, 9)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.journeys.model_facts import Facts

EXCEPTION_HOURS, STERILITY_DAYS = 24, 14
LIMITS = {
    "VIA": {"frozen": (Decimal("80.0"), None), "fresh": (Decimal("85.0"), None)},
    "CNT": {"frozen": (Decimal(80), Decimal(120)), "fresh": (Decimal(80), Decimal(120))},
    "CD34": {"frozen": (None, Decimal("2.0")), "fresh": (None, Decimal("2.0"))},
}
WORDS = {"STE": "no growth", "GRAM": "none seen"}
"""Rules section 7, the tests of a lot that a run may record late; cell rows do not apply to a placebo."""

EXCEPTABLE = {"VIA": (Decimal(70), None), "CNT": (Decimal(70), Decimal(120)), "CD34": (None, Decimal("7.0"))}
"""Rules section 4: viability and count to 70 %, a marker off by at most 5 points."""

PENDING = {"fresh": ("CD34", "STE"), "frozen": ()}
"""Column C of these tests: only a fresh lot may wait for them (rules section 9.2)."""

STEPS = (
    "exception_requested",
    "exception_risk_evaluated",
    "exception_never_list_confirmed",
    "exception_accepted",
    "exception_sponsor_notified",
)


class Lots(Facts):
    # -- results --------------------------------------------------------------------------------------------------------------------

    def fails(self, lot, test, result):
        """Whether this result of a lot is out of its limits, of a test that binds this lot."""
        made = self.made(lot)
        if test in WORDS:
            return result != WORDS[test]
        if test not in LIMITS or made["product"] == "placebo":
            return False
        low, high = LIMITS[test][made["form"]]
        return (low is not None and Decimal(result) < low) or (high is not None and Decimal(result) > high)

    def failing(self, lot, *tests):
        """Results of the lot that stand failed: every one counts, a later good one puts nothing right."""
        found = [r for r in self.of("result_recorded", node=lot) if not tests or r["test"] in tests]
        return [r for r in found if self.fails(lot, r["test"], r["result"])]

    def holds_of_a_result(self, act):
        """{(test, lot)} that a result holds at once: it fails after its lot was released (rules section 9.3)."""
        lot = act["node"]
        released = self.of("released", node=lot) + self.of("released_conditionally", lot=lot)
        out_of_use = self.of("recalled", node=lot) + self.of("rejected", node=lot)
        if not lot.startswith("lot:") or not released or out_of_use:
            return set()
        return {(act["test"], lot)} if self.fails(lot, act["test"], act["result"]) else set()

    # -- quality's decision ------------------------------------------------------------------------------------------------------------

    def is_released(self, lot, dose, now):
        """BAG-REL of a bag of this lot; `dose` is None where no dose is judged."""
        if self.of("recalled", node=lot):
            return False
        rejected = self.of("rejected", node=lot)
        last = self.last("released", node=lot) or self.last("released_conditionally", lot=lot)
        waiting = self._pending(lot, last) if last and not rejected else []
        overdue = any(now > p["due_at"] for p in waiting)
        failed = self.failing(lot, *PENDING[self.made(lot)["form"]]) if waiting or self._is_conditional(last) else []
        if last and not rejected and not overdue and not failed:
            return True
        return dose is not None and not overdue and self._excepted_lot(dose, lot, now)

    @staticmethod
    def _is_conditional(decided):
        return decided is not None and decided["_act"] == "released_conditionally"

    def _pending(self, lot, decided):
        if not self._is_conditional(decided):
            return []
        return [p for p in decided["pending"] if not self._has_passed(lot, p["test"])]

    def _has_passed(self, lot, test):
        read = [r for r in self.of("result_recorded", node=lot, test=test) if self._old_enough(r)]
        return bool(read) and not self.failing(lot, test)

    def _old_enough(self, result):
        """No growth says something after 14 days only."""
        taken = self.last("sample_taken", node=result["node"], sample=result["sample"])["taken_at"]
        return result["test"] != "STE" or result["read_at"] >= taken + timedelta(days=STERILITY_DAYS)

    # -- exceptional release -------------------------------------------------------------------------------------------------------------

    def _excepted_lot(self, dose, lot, now):
        """The one failed result of the lot is excepted for this dose."""
        return any(self.excepted(dose, lot, r, now) for r in self.failing(lot))

    def excepted(self, dose, lot, result, now):
        """Whether an exceptional release of this dose, valid now, covers exactly this result, which may still be excepted."""
        valid = [
            e
            for e in self.of("released_exceptionally", dose=dose, lot=lot, test=result["test"], result=result["_entry"])
            if now < e["_at"] + timedelta(hours=EXCEPTION_HOURS)
        ]
        return bool(valid) and self._may_be_excepted(lot, result["test"], result["_entry"])

    def _may_be_excepted(self, lot, test, entry):
        """Of a kind that may be, failed, not too far out, and the only failure of the lot."""
        failing = self.failing(lot)
        if test not in EXCEPTABLE or [r["_entry"] for r in failing] != [entry] or failing[0]["test"] != test:
            return False
        low, high = EXCEPTABLE[test]
        value = Decimal(failing[0]["result"])
        return (low is None or value >= low) and (high is None or value <= high)

    def _at_x(self, act, again, signers, now):
        del again
        dose, lot, test = act["dose"], act["lot"], act["test"]
        steps = [self.last(step, dose=dose) for step in STEPS]
        request = steps[0]
        in_order = None not in steps and [e["_n"] for e in steps] == sorted(e["_n"] for e in steps)
        if not in_order or any(request[what] != act[what] for what in ("lot", "test", "result")):
            yield "EXC-ORDER"
        if not self._may_be_excepted(lot, test, act["result"]) or self._on_the_never_list(lot, test, now):
            yield "EXC-NEVER"
        if None in steps or not self._signed_by_five(steps, signers):
            yield "EXC-SIGN"
        if self.is_blinded(dose):
            yield "EXC-BLIND"

    def _on_the_never_list(self, lot, test, now):
        """Held, recalled, expired, ineligible donor, withdrawn consent, rejected for anything else, or a signature missing."""
        nodes = [lot, *self.ancestors_of_lot(lot)]
        if any(self.open_holds(node) or self.of("recalled", node=node) for node in nodes):
            return True
        if any(self.of("eligibility_refused", donation=node) or self.of("consent_withdrawn", donor=node) for node in nodes):
            return True
        if any(e["reason_code"] != test for e in self.of("rejected", node=lot)):
            return True
        return now >= self.last("bags_filled", lot=lot)["expires_at"] or not self._all_reviewed(lot)

    def _all_reviewed(self, lot):
        """A second person reviewed every result, and QA the audit trail up to that."""
        late = [r for r in self.of("result_recorded", node=lot) if r["_entry"] is not None]
        reviews = self.of("result_reviewed", node=lot)
        if any(not any(r["_entry"] in v["results"] and v["_n"] > r["_changed"] for v in reviews) for r in late):
            return False
        critical = max((e["_changed"] for e in (*late, *reviews)), default=0)
        read = self.last("audit_trail_reviewed", node=lot)
        return critical == 0 or (read is not None and read["_n"] > critical)

    @staticmethod
    def _signed_by_five(steps, signers):
        """Request and acceptance of one physician; evaluator, QA, sponsor and releaser four more people."""
        requested, evaluated, confirmed, accepted, notified = ({s["person"] for s in e["_by"]} for e in steps)
        parties = [requested, evaluated, confirmed, notified, {s["person"] for s in signers}]
        return requested == accepted and len(set().union(*parties)) == len(parties)
