"""One byte of any stored row, changed by an owner of the database who puts every trigger back, is found, and the place is named."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.counts import IN_FULL, count_of
from tests.tampering.places import PROVED, UNPROVED, Change, one_byte_changed, unprotected

SHARES = 10 if IN_FULL else 1
TRIES = 200


def drawn(owner, chance, place):
    """A change of one byte in some row of this place that the database does not refuse, and what verification says of it."""
    table, column = place
    for _ in range(TRIES):
        row = chance.choice(owner.rows[table.name])
        value = one_byte_changed(row[column], chance, text_only=owner.dialect == "postgresql")
        change = Change(table=table, column=column, row=row, value=value)
        report = after(owner, change)
        if report is not None:
            return change, report
    raise AssertionError(f"no byte of {table.name}.{column} can be changed")


def after(owner, change):
    """What verification says then; None where the database refuses the change."""
    with owner.connected() as connection:
        run = owner.runner(connection)
        try:
            with unprotected(run, owner.dialect, change.table.name):
                change.make(run)
        except owner.engine.dialect.loaded_dbapi.IntegrityError:
            return None
        return owner.verified(connection)


def places(chance):
    """Each column as often as any other, in an order by chance."""
    while True:
        yield from chance.sample(PROVED, len(PROVED))


@pytest.mark.parametrize("share", range(SHARES))
def test_every_changed_byte_is_found_and_its_place_named(owner, figure, share):
    chance = random.Random(share)
    full, reduced = (10_000, len(PROVED)) if owner.dialect == "sqlite" else (1_000, len(PROVED) // 2)
    count = count_of(full, reduced) // SHARES
    wrong, seen = [], Counter()
    for _, place in zip(range(count), places(chance), strict=False):
        change, report = drawn(owner, chance, place)
        seen[place] += 1
        if report.ok or not change.is_named_by(str(report.faults[0])):
            wrong.append(f"{change}: {report.faults[:1]}")
    assert not wrong, "\n".join(wrong[:40]) + f"\n{len(wrong)} of {count}"
    assert len(seen) == min(count, len(PROVED))
    figure(f"{count} single bytes changed in {len(seen)} columns: all found, first fault named [{owner.dialect}]")


def test_what_nothing_vouches_for_never_disturbs(owner):
    chance = random.Random(1)
    for place in chance.sample(UNPROVED, count_of(len(UNPROVED), 8)):
        change, report = drawn(owner, chance, place)
        assert report.ok, change
