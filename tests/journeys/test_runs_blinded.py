"""The stateful machine: half as many again in the blinded phase; a file of its own, so that every core is kept busy."""

from __future__ import annotations

from tests.journeys.machine import check_reached, in_words, run
from tests.journeys.scenes import blinded

NEEDED = (("start", "of a kit"), ("start", "of placebo"), ("X", "stopped"))


def test_no_infusion_of_a_blinded_kit_starts_unless_every_rule_holds(bases, record_property):
    base = bases(blinded)
    reached = run(base, part=1, share=2)
    record_property("figure", in_words(base.scene.name, reached))
    check_reached(reached, *NEEDED)
