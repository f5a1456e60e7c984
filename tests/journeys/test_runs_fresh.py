"""The stateful machine: and half as many again with fresh product; a file of its own, so that every core is kept busy."""

from __future__ import annotations

from tests.journeys.machine import check_reached, in_words, run
from tests.journeys.scenes import fresh_product

NEEDED = (("start", "released conditionally"), ("X", "recorded"), ("X", "stopped"))


def test_no_infusion_of_fresh_product_starts_unless_every_rule_holds(bases, record_property):
    base = bases(fresh_product)
    reached = run(base, part=1, share=2)
    record_property("figure", in_words(base.scene.name, reached))
    check_reached(reached, *NEEDED)
