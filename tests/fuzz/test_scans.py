"""Mutated scans through all that reads at the bed: what is read is what an independent reader says, or it is refused in a sentence."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from custody.codes.scan import read_scan
from custody.domain.ids import BagId, CohortId, DoseId, ParticipantId, SiteId, WristbandToken
from custody.errors import InputError
from custody.workflows.at_the_bed import DoseAtBed, require_bag_of
from custody.workflows.scans import scanned
from tests.counts import IN_FULL
from tests.fuzz.mutants import SCANS, mutated
from tests.fuzz.right import checks, named

CHUNKS = 8
EACH = 100_000 if IN_FULL else 800
BAG, SPARE = BagId.from_random("DEMO0001B001"), BagId.from_random("DEMO0001B002")
OTHERS = BagId.from_random("DEMO0002B001")
BAND = WristbandToken("WB0001X7K2M9Q4")
COVER = "COVER-0815"
BED = DoseAtBed(
    dose=DoseId("DOSE-0001"),
    site=SiteId("A9992"),
    participant=ParticipantId("P-0001"),
    cohort=CohortId("P1-1M"),
    wristband=BAND,
    bags=(BAG,),
    all_bags=(BAG, SPARE),
    covers={COVER: BAG},
    volume_ml=None,
    rate_ml_per_min=None,
    started_at=datetime(2026, 6, 1),  # noqa: DTZ001 - nobody looks at it
    ended=False,
)
RIGHT = tuple(
    form.format(kind=kind, value=value)
    for kind, value in (("bag", BAG), ("bag", SPARE), ("bag", OTHERS), ("wristband", BAND))
    for form in ("CU1:{kind}:{value}", "]Q1CU1:{kind}:{value}", "]C0CU1:{kind}:{value}", "{value}", " {value} ")
)


def bag_read(text):
    """As the step of the bag reads it."""
    bag = BagId(scanned(BagId, BED.bag_under(text)).value)
    require_bag_of(BED, bag)
    return bag.value


def band_read(text):
    return scanned(WristbandToken, text).value


def bag_named(text):
    """What should be read; only bags of this dose are."""
    found = BAG.value if text.strip() == COVER else named("bag", text)
    return found if found in {BAG.value, SPARE.value} else None


def read_or_refused(read, text):
    """What was read; None where it is refused in a sentence. Any other error is a fault."""
    try:
        return read(text)
    except InputError as refused:  # an unreadable code is one, too
        return None if str(refused) else "refused without a word"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_mutated_is_read_as_what_it_does_not_name(chunk, record_property):
    rnd, right = random.Random(chunk), 0
    for _ in range(EACH):
        text = mutated(rnd.choice((*RIGHT, *RIGHT, COVER, *SCANS)), rnd)
        bag, band = read_or_refused(bag_read, text.strip()), read_or_refused(band_read, text.strip())
        assert bag == bag_named(text), repr(text[:200])
        assert band == named("wristband", text), repr(text[:200])
        right += bag == BAG.value or band == BAND.value
        read_or_refused(lambda seen: read_scan(seen, bare_digits_are_gs1=True), text)
    record_property(
        "figure", f"mutated scans, part {chunk + 1} of {CHUNKS}: {EACH:,}, of which {right:,} still named the right thing; 0 wrong"
    )
    assert right


@pytest.mark.parametrize("text", RIGHT)
def test_right_scan_is_read(text):
    read = band_read if "WB0001" in text else bag_read
    kind = "wristband" if "WB0001" in text else "bag"
    if OTHERS.value in text:
        with pytest.raises(InputError, match="is not a bag of dose"):
            read(text.strip())
    else:
        assert read(text.strip()) == named(kind, text) is not None


def test_the_check_character_is_that_of_the_standard():
    """ISO/IEC 7064 gives A12425GABC1234002M as its example of MOD 37,36."""
    assert checks("A12425GABC1234002M")
    assert not checks("A12425GABC1234002N")
