"""What a dossier works out once gives, along a whole road, exactly what working it out anew gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from custody.domain.dossier import Deeds, Dossier
from custody.domain.terms import HoldPoint
from custody.gates import Case, evaluate
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.workflows import judging
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import roots_of
from custody.workflows.rehearsal.player import Player, open_ledger
from custody.workflows.rehearsal.road import Cast
from tests.chain import BEDSIDE_AT, standard_road

RECENT = 3


def anew(dossier: Dossier) -> Dossier:
    """The same deeds, of which nothing is remembered."""
    return replace(dossier, streams={key: Deeds(tuple(deeds)) for key, deeds in dossier.streams.items()})


@pytest.fixture
def judged(monkeypatch) -> dict[HoldPoint, Case]:
    """The latest case of each hold point, the one judged last at the end; each verdict is compared as it is given."""
    latest: dict[HoldPoint, Case] = {}

    def compared(point, case, now):
        verdict = evaluate(point, case, now)
        assert verdict == evaluate(point, replace(case, dossier=anew(case.dossier)), now)
        latest.pop(point, None)
        latest[point] = case
        return verdict

    monkeypatch.setattr(judging, "evaluate", compared)
    return latest


@pytest.mark.slow
def test_verdicts_along_the_whole_road_are_those_of_dossiers_that_remember_nothing(tmp_path, judged):
    """After every step the cases of the hold points before are judged again, on what has grown since."""
    store = open_store(f"sqlite:///{tmp_path / 'road.db'}")
    upgrade(store)
    steps = standard_road(Cast())
    open_ledger(store, steps[0].at)
    player = Player(store)
    differences = 0
    for step in steps:
        player.play(step)
        for point, case in list(judged.items())[-RECENT:]:
            with store.reading() as connection:
                dossier = dossier_of(connection, roots_of(case.proposed, case.study_id, *(signer.account for signer in case.signers)))
            again = replace(case, dossier=dossier)
            verdict = evaluate(point, again, step.at)
            assert verdict == evaluate(point, replace(again, dossier=anew(dossier)), step.at)
            differences += not verdict.is_go
    store.close()
    assert set(judged) >= {HoldPoint.RELEASE, HoldPoint.RECEIPT, HoldPoint.BEDSIDE, HoldPoint.CLOSE}
    # Most of what was done cannot be done twice: judged again, it is stopped, so the comparison saw both kinds of verdict.
    assert differences > len(steps) / 2
    assert steps[-1].at > BEDSIDE_AT
