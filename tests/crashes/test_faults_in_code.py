"""A fault at any line of custody's own while a bag is checked and its infusion started: no page says what the record does not hold."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.counts import count_of
from tests.crashes.bed import go_through, prepare
from tests.crashes.raising import HOME, Raising, Seen


class UnexpectedError(Exception):
    """What no line of custody expects."""


def test_fault_at_any_line_of_the_verdict_path_is_never_acknowledged(at_the_bed, tmp_path, figure):
    prepared, chance = prepare(at_the_bed, at_the_bed.cast), random.Random(20261123)
    seen = Seen()
    bed = prepared.at(tmp_path / "clean")
    assert go_through(bed, seen) == 0
    bed.web.store.close()
    wanted = count_of(300, 3)
    places, refused = chance.sample(sorted(seen.lines), wanted), 0
    for number, line in enumerate(places):
        error = MemoryError() if number % 2 else UnexpectedError()
        fault = Raising(line, chance.randint(1, seen.lines[line]), error)
        bed = prepared.at(tmp_path / str(number))
        try:
            refused += go_through(bed, fault)
        except BaseException as failed:
            failed.add_note(f"the fault was {error!r} at {Path(line[0]).relative_to(HOME)}:{line[1]}")
            raise
        bed.web.store.close()
        shutil.rmtree(tmp_path / str(number))
    figure(f"faults at {wanted} of {len(seen.lines):,} lines that run: 0 false acknowledgements, {refused} pages refused")
