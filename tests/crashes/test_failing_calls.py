"""A disk that fails at any call of SQLite's while a bag is checked and its infusion started: no page says what the record does not hold."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter

import pytest

from tests.counts import IN_FULL
from tests.crashes import failing
from tests.crashes.bed import go_through, prepare
from tests.crashes.failing import FailingDisk

pytestmark = pytest.mark.usefixtures("listening")
LEAST = 300
REDUCED = {failing.ONE_CALL: (7, 340), failing.BROKEN: (480,), failing.FULL: (60,), failing.READ_ONLY: (20,)}


@pytest.mark.parametrize("kind", REDUCED, ids=lambda kind: kind.name)
def test_disk_that_fails_is_never_acknowledged(at_the_bed, tmp_path, figure, kind):
    """At full counts at each call, until there is none left of that number; a disk that breaks for good does so at each of the first."""
    prepared, refused, failed, tried = prepare(at_the_bed, at_the_bed.cast), 0, Counter(), 0
    for at in itertools.count(1) if IN_FULL else REDUCED[kind]:
        with failing.on(FailingDisk(kind, at)) as disk:
            bed = prepared.at(tmp_path / str(at))
            refused += go_through(bed, disk)
            bed.web.store.close()
        shutil.rmtree(tmp_path / str(at))
        if not disk.failed:
            break
        failed, tried = failed + disk.failed, tried + 1
        if kind is failing.BROKEN and tried == LEAST:
            break
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(failed.items()))
    figure(f"{kind.name}, at {tried} calls one after the other: 0 false acknowledgements, {refused:,} pages refused; failed {said}")
    assert refused
    assert tried >= LEAST or kind.calls is not None or not IN_FULL
