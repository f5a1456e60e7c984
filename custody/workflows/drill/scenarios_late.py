"""Scenarios 31 and 32: an exceptional release of what is never excepted, and a result that fails after release."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from custody.domain.acts import release
from custody.domain.acts.quality import HoldPlacedByCustody, ResultRecorded, SampleTaken
from custody.domain.ids import SampleId
from custody.store import entries, lookups
from custody.workflows.drill.chains import Bench, Chain, asked, codes_at_hold_point
from custody.workflows.drill.roads import CAST, LIGHT, QA, START, another_participant, made, road
from custody.workflows.drill.scenarios_moving import BEDSIDE
from custody.workflows.rehearsal import bedside, downstream, whole
from custody.workflows.rehearsal.editing import Steps, dropped, in_order, inserted, step_of, until
from custody.workflows.rehearsal.places import KEPT, WARD_LOGGER
from custody.workflows.rehearsal.road import OPERATOR, QP, Cast, read_file
from custody.workflows.rehearsal.steps import Script

ANALYST = "demo-analyst-one"
GROWN_AFTER = timedelta(days=9)
SISTER = Cast(number=3, upstream=1, weight_kg=LIGHT.weight_kg)
"""Another lot of the same bank, and its participant."""
LEFT_OVER = Cast(number=2, batch=1, upstream=1, weight_kg=LIGHT.weight_kg, first_bag=2)
"""Somebody who is to have the bag of the first lot that is left."""
SISTER_START = START + timedelta(days=1, hours=1)
LEFT_OVER_START = START + timedelta(days=7, hours=2)


def positive_gram() -> tuple[Chain, ...]:
    """The lot is not released because of its Gram stain; the physician asks for it all the same, from the manufacturer's freezer."""
    steps = inserted(made(), _gram(), ANALYST, at=START + timedelta(days=downstream.FILL_DAY + 3, minutes=100))
    for name in ("results_concluded", "released"):
        steps = dropped(steps, name, where=lambda act: act.node == CAST.lot)
    rest = Script(START)
    downstream.store_until_packing(rest)
    criteria, _ = whole.study_of(CAST.form)
    bedside.open_cohort(rest, CAST, criteria)
    bedside.enrol(rest, CAST, criteria)
    bedside.allocate(rest, CAST)
    steps = in_order((*steps, *rest.steps, *_exception()))
    return (
        asked(steps, "released_exceptionally"),
        asked(dropped(steps, "released_exceptionally"), "dose_allocated"),
    )


def _gram() -> ResultRecorded:
    return ResultRecorded(
        node=CAST.lot,
        test="GRAM",
        sample=SampleId(f"Q-{CAST.lot.value}"),
        result="gram-positive cocci",
        unit="",
        method="M-GRAM",
        method_version="1",
        instrument="microscope",
        read_at=START + timedelta(days=downstream.FILL_DAY + 3, minutes=95),
    )


def _exception() -> Steps:
    """Every step of rules section 9.4, in order, between the request and the allocation of the dose."""
    script, minute, dose, lot = Script(START - timedelta(days=1)), 362, CAST.dose, CAST.lot
    script.do_late(
        "exception_requested",
        lambda seen: release.ExceptionRequested(
            dose=dose,
            participant=CAST.participant,
            lot=lot,
            test="GRAM",
            result=seen.result(lot, "GRAM"),
            hazard_if_not_treated="likely death of respiratory failure",
            alternatives_considered="none is left",
        ),
        bedside.PHYSICIAN,
        minutes=minute,
    )
    script.do(release.ExceptionRiskEvaluated(dose=dose, evaluation="risk of infection"), "demo-qc-reviewer-one", minutes=minute + 2)
    script.do(release.ExceptionNeverListConfirmed(dose=dose), QA, minutes=minute + 4)
    script.do(release.ExceptionAccepted(dose=dose), bedside.PHYSICIAN, minutes=minute + 6)
    script.do(release.ExceptionSponsorNotified(dose=dose, authority_notice="sent"), "demo-sponsor-one", minutes=minute + 8)
    script.do_late(
        "released_exceptionally",
        lambda seen: release.ReleasedExceptionally(dose=dose, lot=lot, test="GRAM", result=seen.result(lot, "GRAM")),
        QP,
        minutes=minute + 10,
    )
    return script.in_order()


def late_growth() -> tuple[Chain, ...]:
    """One dose of the lot was given, one of a sister lot too, and a third waits at the bed when the retain sample grows."""
    steps = in_order((*road(), *_sister_lot(), *_ward_freezer(), *another_participant(LEFT_OVER, LEFT_OVER_START)))
    sample, grown_at = SampleId(f"RETAIN-{CAST.lot.value}"), LEFT_OVER_START - timedelta(minutes=10)
    taken_at = grown_at - GROWN_AFTER
    steps = inserted(steps, SampleTaken(node=CAST.lot, sample=sample, taken_at=taken_at), OPERATOR, at=taken_at)
    grown = ResultRecorded(
        node=CAST.lot,
        test="STE",
        sample=sample,
        result="growth",
        unit="",
        method="M-STE",
        method_version="1",
        instrument="incubator",
        read_at=grown_at,
    )
    steps = inserted(steps, grown, ANALYST, at=grown_at)
    start = step_of(steps, BEDSIDE, where=lambda act: act.dose == LEFT_OVER.dose)

    def ask(bench: Bench) -> str:
        with bench.store.reading() as connection:
            held, listed = _held_at_once(connection), _recipients_listed(connection)
        verdict = codes_at_hold_point(bench, start)
        return f"{verdict}, {'held in the same transaction' if held else 'not held'}, {listed}"

    return (Chain(until(steps, BEDSIDE, where=lambda act: act.dose == LEFT_OVER.dose), ask),)


def _sister_lot() -> Steps:
    """Made, released and shipped beside the first; one dose of it is given."""
    script = Script(START)
    criteria, _ = whole.study_of(SISTER.form)
    whole.make_lot(script, SISTER, criteria)
    bags = SISTER.bags[:2]
    for stage in (downstream.pack, downstream.seal):
        stage(script, SISTER, bags)
    downstream.travel(script, SISTER)
    downstream.accept(script, SISTER, bags)
    return in_order((*script.steps, *another_participant(SISTER, SISTER_START)))


def _ward_freezer() -> Steps:
    """The hospital freezer's record of the days between the doses."""
    script, kept = Script(START), KEPT[CAST.form]
    read = partial(read_file, script, WARD_LOGGER, START, celsius=kept.celsius, by=bedside.PREPARERS[0])
    allocated = LEFT_OVER_START - timedelta(days=1) + timedelta(minutes=350)
    for end in (START + timedelta(hours=8), allocated, LEFT_OVER_START - timedelta(hours=3)):
        read(end=end, at=end)
    return script.in_order()


def _held_at_once(connection: Connection) -> bool:
    """The hold is the entry after the result, and was recorded at the same instant: they are one transaction."""
    result, hold = entries.load_streams(connection, [CAST.lot.key])[CAST.lot.key][-2:]
    together = hold.position == result.position + 1 and hold.recorded_at == result.recorded_at
    return together and isinstance(result.act, ResultRecorded) and isinstance(hold.act, HoldPlacedByCustody) and hold.act.cause == "STE"


def _recipients_listed(connection: Connection) -> str:
    """Forward from the lot, and from the banks behind it."""
    of_lot = _reached(connection, CAST.lot.key, "participant")
    banks = {stream for stream, _ in lookups.trace(connection, CAST.lot.key, forward=False) if stream.startswith("bank:")}
    sisters = {lot for bank in banks for lot in _reached(connection, bank, "lot")} - {CAST.lot.key}
    of_sisters = {participant for lot in sisters for participant in _reached(connection, lot, "participant")}
    expected = ({CAST.participant.key, LEFT_OVER.participant.key}, {SISTER.lot.key}, {SISTER.participant.key})
    if (of_lot, sisters, of_sisters) == expected:
        return "every recipient of the lot and sister lots listed"
    return f"listed: {sorted(of_lot)}, {sorted(sisters)}, {sorted(of_sisters)}"


def _reached(connection: Connection, stream: str, kind: str) -> set[str]:
    return {found for found, _ in lookups.trace(connection, stream, forward=True) if found.startswith(f"{kind}:")}
