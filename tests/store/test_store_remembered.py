"""What a process remembers of the ledger is bounded, however many things it is asked for; what it is asked for again is the same."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict
from dataclasses import dataclass

import pytest

from custody.domain.ids import DonorId
from custody.store import proven
from custody.workflows import dossiers
from custody.workflows.dossiers import dossier_of
from tests.store.ledger import consent, registered

DONORS = tuple(DonorId.parse(f"D-{number}") for number in range(1, 41))
ROOM = 10


@dataclass(frozen=True)
class Answer:
    """Worked out from a stream, and kept with it: it is there as long as that is."""

    deeds: int


@pytest.fixture
def remembered(ledger, monkeypatch):
    """Forty donors with two entries each, and room for those of five; gives what was worked out from each."""
    for donor in DONORS:
        ledger.record(registered(donor), consent(donor))
    monkeypatch.setattr(proven, "ROWS_REMEMBERED_MAX", ROOM)
    # What is used again within a second is not asked for again.
    monkeypatch.setattr("custody.store.watch.READ_AGAIN_AFTER_S", 0.0)
    monkeypatch.setattr(dossiers, "_made", OrderedDict())
    gc.disable()  # a server seldom looks for circles
    yield {}
    gc.enable()


def ask_for(ledger, donors, remembered):
    for donor in donors:
        with ledger.store.reading() as connection:
            found = dossier_of(connection, [donor])
            answer = found.once(donor, "how many", lambda dossier, donor=donor: Answer(len(dossier.deeds(donor))))
            assert answer.deeds == 2
            remembered[donor] = weakref.ref(answer)
    del found, answer
    return [donor for donor in DONORS if donor in remembered and remembered[donor]() is not None]


def test_what_was_asked_for_last_stays_and_nothing_else(ledger, remembered):
    assert ask_for(ledger, DONORS, remembered) == list(DONORS[-ROOM // 2 :])
    assert [start[1] for start in dossiers._made] == [(donor,) for donor in DONORS[-ROOM // 2 :]]


def test_what_is_asked_for_again_and_again_stays_beside_all_others(ledger, remembered):
    first = DONORS[0]
    ask_for(ledger, [first], remembered)
    was = remembered[first]
    for donor in DONORS[1:]:
        ask_for(ledger, [donor, first], remembered)
        assert remembered[first] == was


def test_what_was_forgotten_comes_back_as_it_was(ledger, remembered):
    with ledger.store.reading() as connection:
        before = dossier_of(connection, [DONORS[0]]).streams
    ask_for(ledger, DONORS, remembered)
    with ledger.store.reading() as connection:
        assert dossier_of(connection, [DONORS[0]]).streams == before
