"""Two people scan at a bed over HTTP, most of the time something else than they should: GO if and only if both scanned what is right.

What is right is known from the demonstration; what was scanned is read by `right.py`, not by custody.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from decimal import Decimal, InvalidOperation

import pytest

from custody.domain.acts.record import VerdictGiven
from custody.domain.terms import HoldPoint
from custody.store import entries
from custody.workflows.rehearsal.bedside import rate_ml_per_min, second_identifier, wristband
from tests.contracts.test_route_people import token_of
from tests.counts import IN_FULL
from tests.fuzz.mutants import mutated, sendable
from tests.fuzz.right import named
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO

CHUNKS = 16 if IN_FULL else 1
EACH = 2_500 if IN_FULL else 120
A_COPY = 350
"""Requests, a second each, before a new copy of the store: vital signs grow old. A bag found damaged stays so."""
LOOKS = (
    *("container_whole", "nothing_unusual_seen", "line_and_filter_right"),
    *("no_other_drug_on_line", "resuscitation_ready", "physician_present"),
)
HOLDING = LOOKS[:2]
KEPT = re.compile(r'name="kept\.(\w+)" value="([^"]*)"')


class Bed:
    """One copy of the store with two nurses at it, and what each of them has scanned that no verdict has used up."""

    def __init__(self, web, rnd):
        self.web, self.rnd = web, rnd
        self.url = f"/bedside/{web.cast.dose}"
        self.nurses = {name: web.browser(name) for name in (NURSE_ONE, NURSE_TWO)}
        self.right = self._right()
        self.scanned, self.sent = {}, {}
        self.requests = self.seen = 0
        self.held = False

    def _right(self):
        cast = self.web.cast
        return {
            "wristband": wristband(cast).value,
            "second_identifier": second_identifier(cast).value,
            "second_identifier_method": "hospital_record",
            "bag": cast.dose_bags[0].value,
            "bag_read_as": "own_label",
            **dict.fromkeys(LOOKS, "yes"),
            "volume_ml": str(cast.dose_volume_ml),
            "rate_ml_per_min": str(rate_ml_per_min(cast)),
        }

    def post(self, nurse, values):
        self.requests += 1
        self.web.clock.advance(seconds=1)
        page = nurse.post(f"{self.url}/scan", {"csrf_token": token_of(nurse), **values})
        assert page.code < 500, (page.code, values)
        return page

    def scans(self, name):
        """What this person scans now: by text through its own step, or all at once at the last; mostly something is wrong."""
        nurse, values, is_right = self.nurses[name], dict(self.right), True
        step = self.rnd.choice(("wristband", "bag", None, None, "right"))
        if step in ("wristband", "bag"):
            is_right = self._by_its_label(nurse, step, values)
            if is_right is None:
                return
        elif step is None:
            for field in self.rnd.sample(sorted(values), self.rnd.choice((1, 1, 2))):
                values[field] = self._other(field, values[field])
            is_right = all(same(field, values[field], right) for field, right in self.right.items())
        pump = {f"scans.{field}": values.pop(field) for field in ("volume_ml", "rate_ml_per_min")}
        sent = {f"kept.{field}": value for field, value in values.items()}
        page = self.post(nurse, {"step": "pump", "idempotency_key": f"{self.rnd.random()}", **pump, **sent})
        if page.code == 303:
            self.scanned.pop(name, None)
            self.scanned[name] = is_right
            self.sent[name] = {**values, **pump}
            self.held |= any(values[field] != "yes" for field in HOLDING)

    def _by_its_label(self, nurse, step, values):
        """The text of a label through the step that reads it; what it led to goes on to the last step. None: refused."""
        text = self._other(step, self.rnd.choice((f"CU1:{step}:{values[step]}", values[step])))
        before = {f"kept.{field}": values[field] for field in ("wristband", "second_identifier", "second_identifier_method")}
        page = self.post(nurse, {"step": step, f"scans.{step}": text, **(before if step == "bag" else {})})
        meant = named(step, text)
        assert page.code in ({200} if is_read(step, meant, values[step]) else {413, 422}), (page.code, text[:200])
        if page.code != 200:
            return None
        values[step] = dict(KEPT.findall(page.html))[step]
        assert values[step] == meant, text[:200]
        return meant == self.right[step]

    def _other(self, field, value):
        if field in LOOKS and self.rnd.random() < 0.8:
            return self.rnd.choice(("no", "not_checked", "yes", "YES", "maybe"))
        if field in HOLDING:
            return value
        other = sendable(mutated(value, self.rnd))
        return value if "CU1:command:" in other else other  # a command is carried out, and the form is not

    def judged(self):
        """The words of the verdicts given since this was asked last: one, as soon as both have scanned."""
        if len(self.scanned) < 2:
            return []
        with self.web.store.reading() as connection:
            found = [entry.act for entry in entries.load_evidence(connection, self.web.cast.dose.key)]
        new = [act for act in found if isinstance(act, VerdictGiven) and act.hold_point is HoldPoint.BEDSIDE][self.seen :]
        assert len(new) == 1, (len(new), self.sent)
        verdict = new[0]
        assert (verdict.word.value == "GO") is all(self.scanned.values()), (self.scanned, self.sent, verdict)
        self.seen += 1
        self.scanned = {}
        return [verdict.word.value]


def is_read(step, meant, right):
    """Any wristband that can be one is read, and judged later; a bag must be of this dose."""
    return meant == right if step == "bag" else meant is not None


def same(field, value, right):
    """Whether this says the same as what is right; numbers may be written otherwise, and a thing may be named with its kind."""
    if field in ("second_identifier_method", "bag_read_as"):
        return True  # how it was read, not who it is
    if field not in ("volume_ml", "rate_ml_per_min"):
        return value in (right, f"{field}:{right}")
    try:
        return Decimal(value.strip()) == Decimal(right)
    except InvalidOperation:
        return False


@pytest.mark.usefixtures("no_faults_logged")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_go_is_given_only_when_both_scanned_what_is_right(chunk, copy_of_the_bed, record_property):
    rnd, words, requests, checks = random.Random(f"bed {chunk}"), Counter(), 0, 0
    while checks < EACH:
        with copy_of_the_bed() as web:
            bed = Bed(web, rnd)
            while checks < EACH and bed.requests < A_COPY and not bed.held:
                checks += 1
                for name in rnd.sample((NURSE_ONE, NURSE_TWO), 2):
                    bed.scans(name)
                    words.update(bed.judged())
            requests += bed.requests
    text = f"fuzzed checks at the bed, part {chunk + 1} of {CHUNKS}: {checks:,} checks in {requests:,} requests, {dict(words)}"
    text += "; 0 wrong GO, 0 wrong STOP"
    record_property("figure", text)
    assert words["GO"]
    assert words["STOP"]
