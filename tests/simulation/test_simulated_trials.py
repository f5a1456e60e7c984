"""Whole trials from a seed: the same seed the same history, every infusion judged again, and everything that goes wrong is caught."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from custody.domain.acts.quality import HoldLifted, HoldPlaced, HoldPlacedByCustody
from custody.domain.dossier import Signed
from custody.domain.verdict import Passed
from custody.errors import InputError, OutOfOrderError
from custody.gates.registry import GATES
from custody.store.entries import NewEntry, append
from custody.store.verification import verify
from custody.workflows.checks import check
from custody.workflows.door import unit_of_work
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal.road import QA
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.simulation import plan_of, simulate
from custody.workflows.simulation.kinds import Delay, Fault, Slip
from custody.workflows.simulation.plan import BEGINS
from tests.counts import IN_FULL
from tests.simulation.conftest import SEED, played
from tests.simulation.rejudged import rejudged

OTHER, IN_PHASE_2 = 7, 4
SEEDS, PARTS = (200, 8) if IN_FULL else (1, 1)


def proven(store):
    with store.reading() as connection:
        report = verify(connection, checkpoint=None)
    assert report.ok, report.faults
    return report.entries


# ── the same seed, the same history ──


@pytest.mark.on_both
def test_the_same_seed_gives_the_same_history_on_every_database(store, told, record_property):
    """As the command said of it, played by another process of the tests or on another kind of database."""
    again = simulate(store, plan_of(1, 1, SEED, faults=True))
    assert again.digest == told.said["history"]
    assert again.as_json() == {key: value for key, value in told.said.items() if not key.startswith(("seconds", "entries_per"))}
    assert proven(store) == again.entries
    kind = store.url.partition(":")[0]
    record_property("figure", f"one seed, one history on SQLite and {kind}: {again.entries} entries, {again.digest[:16]}")


def test_another_seed_gives_another_history(tmp_path):
    """Its first days are enough to tell; and those of one seed are the same as often as they are played."""
    digests = []
    for place, seed in enumerate((SEED, SEED, OTHER)):
        with played(tmp_path / str(place), seed, on_step=stop_at(1)) as (store, report):
            assert report.interrupted
            assert proven(store) == report.entries > 100
            digests.append(report.digest)
    assert digests[0] == digests[1] != digests[2]
    assert plan_of(3, 9, SEED, faults=True).lots != plan_of(3, 9, OTHER, faults=True).lots


def stop_at(day):
    """Somebody presses Ctrl-C on that day, or on the first day after it on which anything happens."""

    def tell(now, _total):
        if now >= day:
            raise KeyboardInterrupt

    return tell


# ── nothing unsafe ──


@pytest.mark.parametrize("part", range(PARTS))
def test_every_infusion_of_every_trial_is_safe_for_the_independent_model(part, tmp_path, record_property):
    counted = Counter()
    for seed in range(part, SEEDS, PARTS):
        sites, lots = (seed % 3 + 1, seed % 4 + 1) if IN_FULL else (2, 1)
        with played(tmp_path / "store", seed, sites=sites, lots=lots) as (store, report):
            found = rejudged(store)
            assert report.tally.unsafe == [], f"seed {seed}"
            assert found.unsafe == [], f"seed {seed}"
            assert found.infusions == report.tally.done["infusion_started"] + report.tally.done["next_bag_started"]
            assert proven(store) == report.entries
        counted.update(trials=1, entries=report.entries, infusions=found.infusions, judged=found.judged.total(), stops=found.stopped)
        counted.update(mistakes=sum(each.made for each in report.tally.slips.values()), faults=report.tally.faults.total())
    assert counted["infusions"] > 0
    record_property("figure", f"simulated trials, part {part + 1} of {PARTS}: " + ", ".join(f"{n} {what}" for what, n in counted.items()))


REMOVED = {
    "BAG-COLD": (Fault.TRIP_HOT,),
    "RCV-SEAL": (Fault.SEAL_BROKEN,),
    "BAG-GAP": (Delay.COURIER_LATE,),
    "HOF-TIME": (Delay.HANDOVER_STALE,),
    "HOF-CODE": (Slip.CODE_NOT_KNOWN,),
    "HOF-SEAL": (Slip.SEAL_MISREAD,),
    "RCV-DEC": (Slip.ONE_PERSON_TWICE,),
    "DOS-TEST": (Fault.THAW_LEAK,),
    "DOS-COVER": (Slip.COVER_FORGOTTEN,),
    "BED-PID": (Slip.WRONG_WRISTBAND,),
    "BED-ID2": (Slip.WRONG_IDENTIFIER,),
    "BED-BAG": (Slip.WRONG_BAG_AT_BED,),
    "BED-RX": (Slip.WRONG_RATE,),
    "BED-LINE": (Slip.LINE_NOT_CHECKED,),
    "BED-VIT": (Slip.VITALS_FORGOTTEN,),
    "BED-CONS": (Fault.PARTICIPANT_LEAVES,),
    "BAG-HOLD": (Fault.HOLD_AT_LAST,),
    "BAG-EXP": (Delay.PREPARATION_WAITED,),
    "BAG-DONOR": (Fault.DONOR_WITHDRAWS,),
}
"""A gate that is taken away, and what then gets through. Without PRP-BAG nothing would: a bag that was never reserved cannot be thawed."""
EACH = [*Slip, *Delay, *Fault]


@pytest.mark.parametrize("code", REMOVED if IN_FULL else ["BED-PID"])
def test_a_gate_that_was_taken_away_is_found_out(code, only, monkeypatch, tmp_path):
    only(*REMOVED[code])
    monkeypatch.setitem(GATES, code, replace(GATES[code], rule=lambda case, now: Passed()))
    with played(tmp_path / "store", seed_for(REMOVED[code][0])) as (store, report):
        found = rejudged(store)
    assert any(code in codes for *_, codes in found.unsafe), f"the model found {found.unsafe}"
    if not isinstance(REMOVED[code][0], Delay):
        assert report.tally.unsafe


def seed_for(kind):
    """Bags are covered in the blinded phase only."""
    return IN_PHASE_2 if kind is Slip.COVER_FORGOTTEN else SEED


# ── everything that goes wrong ──


@pytest.mark.parametrize("kind", EACH if IN_FULL else [Fault.QC_FAILED], ids=lambda kind: kind.name)
def test_each_kind_happens_and_is_caught(kind, only, tmp_path):
    only(kind)
    with played(tmp_path / "store", seed_for(kind)) as (store, report):
        tally, found = report.tally, rejudged(store)
    assert tally.unsafe == []
    assert found.unsafe == []
    if isinstance(kind, Slip):
        assert tally.slips[kind].made == tally.slips[kind].caught > 0
    elif isinstance(kind, Delay):
        assert tally.delays[kind] > 0
    else:
        assert tally.faults[kind] > 0
        assert any("STOP" in word or "held" in word for word in tally.led_to[kind]), tally.led_to


def test_a_hold_under_the_name_of_one_that_custody_placed_is_refused(store):
    """Found by simulated trials: under the name of a hold that was lifted the new one would never stand."""
    bag, by = plan_of(1, 1, SEED, faults=False).lots[0].cast.bags[0], people()[QA]
    placed = HoldPlacedByCustody(node=bag, hold="BAG-COLD-20250712093000", cause="BAG-COLD")
    signed = Signed(
        account=by.account, person=by.person, printed_name=by.printed_name, role=by.roles[0], site=by.site, meaning=None, at=BEGINS
    )
    with unit_of_work(store) as connection:
        for act in (placed, HoldLifted(node=bag, hold=placed.hold, reason="judged by quality")):
            append(connection, [NewEntry(act=act, happened_at=BEGINS, by=signed, study=STUDY, station="")], recorded_at=BEGINS)
        dossier = dossier_of(connection, [bag])
    again = HoldPlaced(node=bag, hold=placed.hold, reason="another question", owner="QA")
    with pytest.raises(OutOfOrderError, match="was placed here before"):
        check(again, dossier)


# ── bad input ──


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0, 1, 1), "--sites is 0"),
        ((1, 0, 1), "--lots is 0"),
        ((1, -4, 1), "--lots is -4"),
        ((1, 10**9, 1), "--lots is"),
        ((1, 1, -1), "--seed"),
    ],
)
def test_numbers_that_no_trial_has_are_refused(numbers, said):
    with pytest.raises(InputError, match=said):
        plan_of(*numbers, faults=False)
