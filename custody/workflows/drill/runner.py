"""Runs the drill: builds the chains, plays them, and compares what was seen with the table."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from custody.workflows.drill import scenarios_bedside as at_bed
from custody.workflows.drill import scenarios_late as late
from custody.workflows.drill import scenarios_making as making
from custody.workflows.drill import scenarios_moving as moving
from custody.workflows.drill import scenarios_record as record
from custody.workflows.drill.chains import Chain
from custody.workflows.drill.table import TABLE, Row
from custody.workflows.drill.tree import Branch, play

SCENARIOS: dict[int, Callable[[], tuple[Chain, ...]]] = {
    1: making.late_consent,
    2: moving.withdrawn_consent,
    3: making.late_sample,
    4: making.reactive_core_antibody,
    5: making.late_processing,
    6: making.expired_medium,
    7: making.passage_seven,
    8: making.bad_phenotype,
    9: making.low_viability,
    10: making.high_endotoxin,
    11: making.strange_unit,
    12: making.no_mycoplasma_result,
    13: making.reviewer_releases,
    14: moving.held_bank,
    15: moving.lapsed_logger,
    16: moving.other_seal,
    17: moving.cryo_excursion,
    18: moving.warm_hour,
    19: moving.no_custodian,
    20: moving.one_receiver,
    21: at_bed.neighbours_wristband,
    22: at_bed.wrong_bag,
    23: at_bed.one_person_twice,
    24: at_bed.ends_after_expiry,
    25: at_bed.lot_held_at_last,
    26: at_bed.one_committee_only,
    27: at_bed.second_dose,
    28: record.hidden_lot,
    29: record.edited_record,
    30: record.changed_audit_row,
    31: late.positive_gram,
    32: late.late_growth,
    33: record.clock_set_back,
    34: record.no_network,
}
NO_TRUNK = frozenset({7, 8, 9, 10, 11, 12, 13, 18, 24, 31})
"""Scenarios that play long roads of their own: with two processes, one plays these and the other everything else."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One scenario: what the table expects, what was seen, and whether they are the same."""

    scenario: int
    title: str
    expected: str
    seen: str
    ok: bool


def run_drill(
    folder: Path,
    *,
    numbers: Collection[int] | None = None,
    on_done: Callable[[Result], None] | None = None,
    processes: int = 1,
) -> tuple[Result, ...]:
    """The scenarios with these numbers (None: all), on stores made in `folder` (which must exist); in the order of the table.

    `on_done` is told each result as it comes. `processes=2` plays in two processes at once. Raises LookupError for an unknown number.
    """
    chosen = frozenset(numbers) if numbers is not None else frozenset(SCENARIOS)
    if not chosen <= SCENARIOS.keys():
        raise LookupError(f"there is no scenario {', '.join(map(str, sorted(chosen - SCENARIOS.keys())))}; they are 1 to {len(TABLE)}")
    results = []
    for result in _results(folder, chosen, processes):
        results.append(result)
        if on_done is not None:
            on_done(result)
    return tuple(sorted(results, key=lambda result: result.scenario))


def _results(folder: Path, chosen: frozenset[int], processes: int) -> Iterator[Result]:
    parts = [part for part in (chosen & NO_TRUNK, chosen - NO_TRUNK) if part]
    if processes < 2 or len(parts) < 2:
        yield from _of_one_process(folder / "drill", chosen)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        started = [pool.submit(_part, folder / f"drill-{n}", part) for n, part in enumerate(parts)]
        for done in as_completed(started):
            yield from done.result()


def _part(folder: Path, chosen: frozenset[int]) -> list[Result]:
    return list(_of_one_process(folder, chosen))


def _of_one_process(folder: Path, chosen: frozenset[int]) -> Iterator[Result]:
    rows = {row.number: row for row in TABLE if row.number in chosen}
    branches = [Branch(number, place, chain) for number in rows for place, chain in enumerate(SCENARIOS[number]())]
    left = {number: sum(branch.scenario == number for branch in branches) for number in rows}
    seen: dict[int, dict[int, str]] = {number: {} for number in rows}
    for branch, answer in play(branches, folder):
        seen[branch.scenario][branch.place] = answer
        if len(seen[branch.scenario]) == left[branch.scenario]:
            yield _result(rows[branch.scenario], seen[branch.scenario])


def _result(row: Row, answers: dict[int, str]) -> Result:
    """Chains of one scenario that answer alike are said once, as the table does."""
    seen = "; ".join(dict.fromkeys(answers[place] for place in sorted(answers)))
    return Result(scenario=row.number, title=row.title, expected=row.expected, seen=seen, ok=seen == row.expected)
