"""The stateful machine: a run takes a scene and does anything at all in it, while `World` compares every verdict with the model."""

from __future__ import annotations

import math
import os
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from custody.domain.acts import bedside as acts
from custody.workflows.rehearsal.bedside import NURSES, PREPARERS
from tests.journeys.bench import doses
from tests.journeys.mistakes import CORRECTIONS
from tests.journeys.rules_of_the_bed import Bed
from tests.journeys.rules_of_the_days import Days
from tests.journeys.rules_of_the_product import Product

STEPS = {"test": 30, "prove": 60}[os.environ.get("CUSTODY_TEST_PROFILE", "test")]


class Machine(Days, Product, Bed):
    """All of it, with corrections and retries."""

    @rule(data=st.data())
    def an_act_is_corrected(self, data):
        found = [deed for deed in self.ward.deeds if type(deed[0]) in CORRECTIONS]
        if found:
            deed = data.draw(st.sampled_from(found[-14:]), label="deed")
            self.ward.correct(deed, **CORRECTIONS[type(deed[0])](deed[0], data))

    @precondition(lambda self: self.ward.last_request is not None)
    @rule()
    def a_request_comes_again(self):
        self.ward.retry()

    @precondition(lambda self: self.ward.last_request is not None)
    @rule(cast=doses)
    def a_key_comes_with_another_body(self, cast):
        self.ward.other_body(acts.InfusionTakenOver(dose=self.cast(cast).dose))

    @precondition(lambda self: self.ward.completed)
    @rule(account=st.sampled_from([*NURSES, *PREPARERS]))
    def somebody_signs_what_is_done(self, account):
        self.ward.sign_twice(account)


def run(base, part, *, share):
    """A part, one in `share`, of the runs that the profile asks for; returns what was reached, as a count of starts and verdicts.

    `part` makes it another sequence of runs. All parts together must be the whole (see the parts in `test_runs_*.py`).
    """
    reached = []
    machine = type(f"Part{part}Of{base.scene.name.title().replace(' ', '')}", (Machine,), {"base": base, "reached": reached})
    runs = math.ceil(settings().max_examples / share)
    run_state_machine_as_test(machine, settings=settings(settings(), stateful_step_count=STEPS, max_examples=runs))
    total = Counter()
    for judged in reached:
        total.update(judged)
    total["runs"] = len(reached)
    return total


def in_words(scene, reached):
    """The figures of a run in one line."""
    points = [(key, count) for key, count in reached.items() if isinstance(key, tuple)]
    starts = ", ".join(f"{way} {count}" for (point, way), count in sorted(points) if point == "start")
    go = ", ".join(f"{point} {count}" for (point, kind), count in sorted(points) if kind == "recorded")
    stop = ", ".join(f"{point} {count}" for (point, kind), count in sorted(points) if kind == "stopped")
    return f"{scene}: {reached['runs']} runs of {STEPS} steps; infusions started: {starts}; GO: {go}; STOP: {stop}"


ENOUGH_RUNS = 100
"""From here on every way must have been gone by some run; fewer cannot be expected to."""


def check_reached(reached, *needed):
    """Nothing is proved where no run ever came."""
    wanted = [("start", "first bag")]
    if reached["runs"] >= ENOUGH_RUNS:
        both = [(hold_point, kind) for hold_point in ("G7", "G10", "G11", "G12") for kind in ("recorded", "stopped")]
        wanted += [*both, ("start", "next bag"), *needed]
    missing = [key for key in wanted if not reached[key]]
    assert not missing, f"no run reached {missing}"
