"""The stateful machine: the other half in an open-label trial; a file of its own, so that every core is kept busy."""

from __future__ import annotations

from tests.journeys.machine import check_reached, in_words, run
from tests.journeys.scenes import open_label

NEEDED = (("G9", "recorded"), ("G9", "stopped"), ("X", "recorded"), ("X", "stopped"))


def test_no_infusion_of_an_open_label_trial_starts_unless_every_rule_holds(bases, record_property):
    base = bases(open_label)
    reached = run(base, part=2, share=2)
    record_property("figure", in_words(base.scene.name, reached))
    check_reached(reached, *NEEDED)
