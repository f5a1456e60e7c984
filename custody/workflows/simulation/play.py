"""Plays a plan on a store: an agenda of processes, one for every donor, lot, delivery and participant, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from custody.errors import InputError
from custody.store.facts import ORIGIN, mark_demonstration, set_fact
from custody.store.log import size
from custody.workflows import people
from custody.workflows.demonstration import SECRET
from custody.workflows.door import Store, unit_of_work
from custody.workflows.rehearsal.places import FREEZER, FREEZER_LOGGER
from custody.workflows.rehearsal.player import open_ledger
from custody.workflows.simulation.agenda import Agenda, Way
from custody.workflows.simulation.cold import Freezer
from custody.workflows.simulation.draws import Draws
from custody.workflows.simulation.making import begins, donor, lot
from custody.workflows.simulation.opening import Opening, study_for
from custody.workflows.simulation.plan import BEGINS, LOTS_OF_A_BANK, Plan
from custody.workflows.simulation.report import Report, history_digest
from custody.workflows.simulation.staff import Staff
from custody.workflows.simulation.trial import Trial, Ward
from custody.workflows.simulation.truth import Truth

NAME = "custody.example.org/simulation"
OnStep = Callable[[int, int], None]


def simulate(store: Store, plan: Plan, *, on_step: OnStep | None = None) -> Report:
    """The whole trial of a plan, in a store without entries, which becomes a demonstration.

    `on_step` is told how many of all days have passed. Interrupted by Ctrl-C it ends between two transactions: what was recorded stays,
    and the report says so. Raises InputError when the store already holds entries: nothing is then changed.
    """
    _claim(store)
    trial = _trial(store, plan)
    open_ledger(store, BEGINS)
    trial.agenda.begin(_trial_begins(trial))
    interrupted = False
    try:
        trial.agenda.run(_telling(trial, on_step))
        if on_step is not None:
            on_step(1, 1)
    except KeyboardInterrupt:
        interrupted = True
    entries, digest = history_digest(store)
    return Report(
        plan=plan,
        tally=trial.tally,
        entries=entries,
        digest=digest,
        begun_at=BEGINS,
        ended_at=trial.now,
        interrupted=interrupted,
    )


def give_secrets(store: Store, report: Report) -> None:
    """Everybody of the trial gets the demonstration's secret, so that people can go on in it; not part of the history."""
    with unit_of_work(store) as connection:
        for person in Staff(report.plan.hospitals).people.values():
            people.choose_secret(connection, store, person.account, SECRET, report.ended_at + timedelta(minutes=1))


def _claim(store: Store) -> None:
    with store.reading() as connection:
        entries = size(connection)
    if entries:
        raise InputError(f"this store already holds {entries} entries; simulate in a new one", code="store_not_empty", seen=entries)
    with unit_of_work(store) as connection:
        mark_demonstration(connection)
        set_fact(connection, ORIGIN, NAME)


def _trial(store: Store, plan: Plan) -> Trial:
    criteria, content = study_for(plan)
    staff = Staff(plan.hospitals)
    wards = {
        each: Ward(hospital=each, team=staff.teams[each], freezer=Freezer(each.freezer, each.freezer_logger)) for each in plan.hospitals
    }
    return Trial(
        store=store,
        plan=plan,
        criteria=criteria,
        content=content,
        draws=Draws(plan.seed),
        agenda=Agenda(BEGINS + timedelta(minutes=1)),
        staff=staff,
        truth=Truth.of(plan),
        freezer=Freezer(FREEZER, FREEZER_LOGGER),
        wards=wards,
    )


def _trial_begins(trial: Trial) -> Way[None]:
    """Everything is made ready; then donors come and lots are made, each at its own time."""
    yield from Opening(trial).begin()
    for place, planned in enumerate(trial.plan.lots):
        if place % LOTS_OF_A_BANK == 0:
            trial.agenda.begin(donor(trial, planned), begins(planned))
        trial.agenda.begin(lot(trial, planned), planned.filled_at - timedelta(days=9))


def _telling(trial: Trial, on_step: OnStep | None) -> Callable[[object], None]:
    total = (trial.plan.over - BEGINS).days
    told = -1

    def tell(_now: object) -> None:
        nonlocal told
        day = min((trial.now - BEGINS).days, total)
        if on_step is not None and day != told:
            told = day
            on_step(day, total)

    return tell
