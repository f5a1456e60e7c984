"""Donors and lots: from the mother's consent to a released, rejected or recalled lot, by the rehearsed road with what goes wrong on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from custody.domain.acts import donation, quality, release
from custody.domain.ids import LotId, SampleId
from custody.workflows.rehearsal import downstream, upstream
from custody.workflows.rehearsal.editing import changed
from custody.workflows.rehearsal.placebo import make_placebo
from custody.workflows.rehearsal.player import Past
from custody.workflows.rehearsal.road import QA, QP, Cast
from custody.workflows.rehearsal.steps import Script, Step
from custody.workflows.rehearsal.upstream import COORDINATOR
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Fault, Slip
from custody.workflows.simulation.moving import deliver
from custody.workflows.simulation.plan import LotPlan
from custody.workflows.simulation.trial import Trial
from custody.workflows.simulation.wards import destroy_stock

ANALYST, REVIEWER = "demo-analyst-one", "demo-qc-reviewer-one"
BANKED_BEFORE_FILL = timedelta(days=12)
"""The working bank is released four days before the first lot is begun from it."""
BANKED, LOT_BEGUN, LOT_TESTED = timedelta(days=-59), timedelta(days=-8), timedelta(days=31)
"""When the rehearsed road has its bank released, counted from its own start; when a lot is begun and tested, from its fill."""
TOO_LOW = "75.0"
"""Viability in %; the specification of a frozen lot asks for 80.0 (rules section 7)."""


# ── donors ──


def donor(trial: Trial, first: LotPlan) -> Way[None]:
    """A cord given, tested and banked, in time for the first lot made from it; later the donor may change her mind."""
    hands, cast = Hands(trial, "donor", first.cast.source), first.cast
    script = Script(donated_from(first))
    upstream.give(script, cast, trial.criteria)
    upstream.bring_tissue(script, cast)
    upstream.make_banks(script, cast, trial.criteria)
    ended = yield from hands.play(script.in_order())
    if ended is not None:
        raise AssertionError(f"donor {cast.donor}: {ended.words}: {ended.error}")
    if hands.breaks(Fault.DONOR_WITHDRAWS):
        yield hands.takes(30 * 24 * 60, 80 * 24 * 60)
        withdrawn = donation.ConsentWithdrawn(donor=cast.donor, withdrawn_at=trial.now, reason="changed her mind")
        yield from hands.must(withdrawn, COORDINATOR)
        trial.truth.breaks(cast.donor, Fault.DONOR_WITHDRAWS)


def donated_from(first: LotPlan) -> datetime:
    """The start of the rehearsed road by which the bank is ready for this lot."""
    return first.filled_at - BANKED_BEFORE_FILL - BANKED


def begins(first: LotPlan) -> datetime:
    """When the donor is registered: 180 days before the start of the rehearsed road."""
    return donated_from(first) - timedelta(days=180)


# ── lots ──


def lot(trial: Trial, plan: LotPlan) -> Way[None]:
    """Made, tested, concluded, released; then its bags go to the hospitals, and its last results may still come."""
    hands, cast = Hands(trial, "lot", plan.number), plan.cast
    trial.freezer.begins(plan.filled_at - timedelta(hours=1))
    fails = not plan.placebo and hands.breaks(Fault.QC_FAILED)
    ended = yield from hands.play(_road(trial, plan, fails=fails))
    if fails:
        trial.truth.breaks(cast.lot, Fault.QC_FAILED)
    if ended is not None:
        trial.tally.done[f"lot not made ({ended.words})"] += 1
    else:
        for bag in cast.bags:
            hands.typed(bag)
        if (yield from _released(hands, cast)):
            trial.tally.done["lots released"] += 1
            for delivery in plan.deliveries:
                trial.agenda.begin(deliver(trial, delivery), trial.now + hands.takes(60, 2 * 24 * 60))
            if hands.breaks(Fault.STERILITY_LATE):
                trial.agenda.begin(_grows_late(trial, cast), trial.now + hands.takes(12 * 60, 9 * 24 * 60))
    trial.lots_over += 1


def _road(trial: Trial, plan: LotPlan, *, fails: bool) -> tuple[Step, ...]:
    script = Script(plan.filled_at)
    make = make_placebo if plan.placebo else downstream.make_lot
    make(script, plan.cast, trial.criteria, fill_day=0)
    steps = script.in_order()
    return changed(steps, "result_recorded", where=lambda act: act.test == "VIA", result=TOO_LOW) if fails else steps


def _released(hands: Hands, cast: Cast) -> Way[bool]:
    """Whether the lot is released; where its results fail it is rejected."""
    trial, node = hands.trial, cast.lot
    if hands.errs(Slip.RELEASED_TOO_EARLY):
        hands.slip(Slip.RELEASED_TOO_EARLY, hands.one(release.Released(node=node), QP), node.key)
    yield hands.takes(30, 26 * 60)
    concluded = yield from hands.sign(release.ResultsConcluded(node=node), REVIEWER)
    if not concluded.is_done:
        yield hands.takes(30, 300)
        hurried = yield from hands.sign(release.Released(node=node), QP)
        trial.tally.led_to[Fault.QC_FAILED][f"{concluded.words}; then {hurried.words}"] += 1
        rejected = release.Rejected(node=node, reason_code="VIA", reason="viability below its limit")
        yield from hands.must(rejected, QP)
        trial.tally.done["lots rejected"] += 1
        return False
    yield hands.takes(20, 240)
    yield from hands.sign(release.BatchRecordReviewed(node=node), QA)
    yield hands.takes(5, 30)
    yield from hands.sign(release.AuditTrailReviewed(node=node, up_to_position=_last_position(trial, node)), QA)
    yield hands.takes(5, 120)
    answer = yield from hands.sign(release.Released(node=node), QP)
    if not answer.is_done:
        trial.tally.done["lots never released"] += 1
        fault = trial.truth.unfit.get(cast.donor)
        if fault is not None:
            trial.tally.led_to[fault][f"release: {answer.words}"] += 1
    return answer.is_done


def _last_position(trial: Trial, node: LotId) -> int:
    with trial.store.reading() as connection:
        return Past(connection).last_position(node)


def _grows_late(trial: Trial, cast: Cast) -> Way[None]:
    """A retain sample of a released lot grows: held in the same moment, recalled by the qualified person within hours."""
    hands = Hands(trial, "late growth", cast.made_as)
    grown = quality.ResultRecorded(
        node=cast.lot,
        test="STE",
        sample=SampleId(f"Q-{cast.lot.value}"),
        result="growth",
        unit="",
        method="M-STE",
        method_version="1",
        instrument="on file",
        read_at=trial.now,
    )
    trial.truth.breaks(cast.lot, Fault.STERILITY_LATE)
    yield from hands.must(grown, ANALYST)
    trial.tally.led_to[Fault.STERILITY_LATE]["lot held at once" if hands.holds_on(cast.lot) else "LOT NOT HELD"] += 1
    yield hands.takes(30, 300)
    recalled = quality.Recalled(node=cast.lot, recall=f"RC-{cast.made_as:04d}", reason="growth in a retain sample")
    yield from hands.must(recalled, QP)
    trial.recalled.add(cast.lot)
    trial.tally.led_to[Fault.STERILITY_LATE]["recalled"] += 1
    yield hands.takes(60, 24 * 60)
    for ward in trial.wards.values():
        yield from destroy_stock(trial, ward, cast.lot, "recalled")
