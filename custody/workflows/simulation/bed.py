"""The bed: two nurses scan alone, the server decides, both sign; what is stopped is put right, waited for, or given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from custody.domain.acts import bedside, quality
from custody.domain.acts.bedside import BedsideScanned, BedsideScans
from custody.domain.ids import BagId, Digest, LotId
from custody.domain.terms import Answer as Said
from custody.domain.terms import BagReadAs
from custody.workflows import bedside as bedside_check
from custody.workflows.outcome import Outcome
from custody.workflows.recording import record
from custody.workflows.rehearsal import bedside as road
from custody.workflows.rehearsal.road import QA, Cast
from custody.workflows.simulation import wards
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.closing import finished, vitals, watch
from custody.workflows.simulation.dose import Dosing, Fate
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Delay, Fault, Slip
from custody.workflows.simulation.preparing import discarded, participant_leaves
from custody.workflows.simulation.tally import Answer

TRIES = 8
ALREADY = Answer(kind="refused", codes=("signed_already",))
OVER = ("BED-CONS", "BAG-RECALL", "BAG-DONOR", "BAG-REL", "BED-DUP", "ALO-DUP")


def at_the_bed(dosing: Dosing, bag: BagId) -> Way[Fate]:
    """Given to its end ("ready": go on with the next), lost, or the dose is over."""
    if dosing.started_at is not None:
        return (yield from _next_bag(dosing, bag))
    yield from _made_ready(dosing)
    yield from participant_leaves(dosing)
    for _ in range(TRIES):
        answer = yield from _attempt(dosing, bag)
        if answer.is_done:
            return (yield from _runs(dosing, bag))
        dosing.stopped("bed", answer, bag)
        if answer.has(*OVER):
            yield from discarded(dosing, bag, "the dose will not be given")
            return "over"
        if answer.has("BAG-EXP"):
            return (yield from discarded(dosing, bag, "waited too long after the thaw"))
        yield from _settled(dosing, bag, answer)
    yield from discarded(dosing, bag, "could not be given in time")
    return "over"


def _made_ready(dosing: Dosing) -> Way[None]:
    hands = dosing.hands
    yield from _premedicated(dosing)
    yield hands.takes(1, 3)
    if not hands.errs(Slip.VITALS_FORGOTTEN):
        vitals(dosing)
        yield hands.takes(1, 3)
    yield from _fit(dosing)


def _premedicated(dosing: Dosing) -> Way[None]:
    given = bedside.PremedicationGiven(dose=dosing.dose, drugs=("chlorphenamine",), given_at=dosing.now)
    yield from dosing.hands.sign(given, dosing.nurses[0])


def _fit(dosing: Dosing) -> Way[None]:
    fit = bedside.FitToInfuseSigned(dose=dosing.dose, alive=Said.YES, still_eligible=Said.YES, stable=Said.YES)
    dosing.fit_at = dosing.now
    yield from dosing.hands.sign(fit, dosing.physician)
    yield dosing.hands.takes(0.5, 2)


# ── scans and signatures ──


def _attempt(dosing: Dosing, bag: BagId) -> Way[Answer]:
    """Both scan and both sign; first, now and then, one of them scans something wrong."""
    hands, right = dosing.hands, dosing.scans(bag)
    if dosing.vitals_at is None:
        answer = yield from _mistaken(dosing, Slip.VITALS_FORGOTTEN, right, right)
        if answer.is_done:
            return answer
        vitals(dosing)
        yield hands.takes(0.5, 2)
    for slip, wrong in _wrong_scans(dosing, right):
        if hands.errs(slip):
            # One of them, or both: they read the same chart, or look at each other's screen.
            pair = hands.draw.choice(((wrong, right), (right, wrong), (wrong, wrong)))
            answer = yield from _mistaken(dosing, slip, *pair)
            if answer.is_done:
                return answer
            yield hands.takes(0.5, 1.5)
    answer = yield from _checked(dosing, right, right)
    return (yield from _signed(dosing, right, right)) if answer.is_done else answer


def _mistaken(dosing: Dosing, slip: Slip, first: BedsideScans, second: BedsideScans) -> Way[Answer]:
    """A mistake at the scans; where the server lets it pass, the two go on as people do: they trust it."""
    answer = yield from _checked(dosing, first, second)
    dosing.hands.slip(slip, answer, dosing.dose.key)
    return (yield from _signed(dosing, first, second)) if answer.is_done else answer


def _wrong_scans(dosing: Dosing, right: BedsideScans) -> tuple[tuple[Slip, BedsideScans], ...]:
    """What can be got wrong at the bed, with the neighbour's wristband, another bag, another rate."""
    neighbour = Cast(number=dosing.comer.number + 1)
    others = [bag for bag in (*dosing.ward.stock, *dosing.bags) if bag != right.bag]
    wrong = [
        (Slip.WRONG_WRISTBAND, replace(right, wristband=road.wristband(neighbour))),
        (Slip.WRONG_IDENTIFIER, replace(right, second_identifier=road.second_identifier(neighbour))),
        (Slip.WRONG_RATE, replace(right, rate_ml_per_min=right.rate_ml_per_min * 2)),
        (Slip.LINE_NOT_CHECKED, replace(right, line_and_filter_right=Said.NOT_CHECKED)),
    ]
    if others:
        wrong.append((Slip.WRONG_BAG_AT_BED, replace(right, bag=others[0])))
    return tuple(wrong)


def _checked(dosing: Dosing, first: BedsideScans, second: BedsideScans) -> Way[Answer]:
    """The verdict from the scans of two."""
    hands = dosing.hands
    _scan(dosing, dosing.nurses[0], first)
    yield hands.takes(0.3, 1)
    answer = _scan(dosing, dosing.nurses[1], second)
    yield hands.takes(0.1, 0.4)
    return answer


def _scan(dosing: Dosing, nurse: str, scans: BedsideScans) -> Answer:
    """One nurse scans; who scans second brings about the verdict, in the same transaction."""
    scanned = BedsideScanned(dose=dosing.dose, scans=scans)
    signer, now = dosing.trial.staff.signer(nurse, scanned, 0), dosing.now

    def work(connection: Connection) -> Outcome:
        outcome = record(connection, scanned, signer, now)
        checked = bedside_check.check(connection, dosing.dose, signer, now)
        if checked is None:
            return replace(outcome, kind="waiting")
        if checked.entry is None:
            return replace(outcome, kind="cannot_check", verdict=checked.verdict)
        return replace(outcome, kind="recorded" if checked.verdict.is_go else "stopped", verdict=checked.verdict)

    return dosing.hands.done(work)


def _signed(dosing: Dosing, mine: BedsideScans, theirs: BedsideScans) -> Way[Answer]:
    """Both sign what they scanned, within the life of the verdict; between the two a hold may come."""
    hands, (first, second, *_) = dosing.hands, dosing.nurses
    if hands.is_late(Delay.VERDICT_WAITED):
        yield hands.takes(6, 9)
    if hands.errs(Slip.STARTED_UNSEEN):
        unseen = next(nurse for nurse in dosing.ward.team.nurses if nurse not in dosing.nurses)
        hands.slip(Slip.STARTED_UNSEEN, _sign(dosing, unseen, mine, None), dosing.dose.key)
    yield hands.takes(0.2, 0.6)
    waiting = _sign(dosing, first, mine, None)
    if waiting.kind != "waiting" or waiting.proposal is None:
        return waiting
    if hands.errs(Slip.ONE_PERSON_TWICE):
        again = _sign(dosing, first, mine, waiting.proposal)
        hands.slip(Slip.ONE_PERSON_TWICE, ALREADY if again.kind == "waiting" else again, dosing.dose.key)
    yield from _held_at_last(dosing, mine.bag)
    yield hands.takes(0.2, 0.8)
    return _sign(dosing, second, theirs, waiting.proposal, begun_with=mine)


def _sign(dosing: Dosing, nurse: str, scans: BedsideScans, proposal: Digest | None, *, begun_with: BedsideScans | None = None) -> Answer:
    """One signature by what this nurse scanned; `begun_with` is what the other scanned, whose start it completes."""
    counts = begun_with or scans
    started = bedside.InfusionStarted(
        dose=dosing.dose, participant=dosing.participant, cohort=dosing.cohort, bag=counts.bag, scans=counts, started_at=dosing.now
    )
    signer = dosing.trial.staff.signer(nurse, started, 0 if proposal is None else 1)
    person, shown, now = dosing.trial.staff.person(nurse), bedside_check.scans_digest(scans), dosing.now

    def work(connection: Connection) -> Outcome:
        outcome = bedside_check.sign_start(connection, dosing.dose, signer, person, now, scans_shown=shown, proposal=proposal)
        stands_already = Outcome(kind="waiting", subject=dosing.dose, act=started.rule.name, proposal=proposal)
        return stands_already if outcome is None else outcome

    return dosing.hands.done(work, started)


# ── what comes between ──


def _held_at_last(dosing: Dosing, bag: BagId) -> Way[None]:
    """Quality holds the lot after the verdict and before the start."""
    hands, trial = dosing.hands, dosing.trial
    lot = trial.truth.lot_of(bag)
    if lot in trial.truth.unfit or not hands.breaks(Fault.HOLD_AT_LAST):
        return
    dosing.held += 1
    hold = f"HOLD-{dosing.dose}-{dosing.held}"
    yield from hands.must(quality.HoldPlaced(node=lot, hold=hold, reason="a question about a sister bag", owner="QA"), QA)
    trial.truth.breaks(lot, Fault.HOLD_AT_LAST)
    waits = hands.takes(10, 25) if hands.draw.random() < 0.6 else hands.takes(10 * 60, 30 * 60)
    trial.agenda.begin(_lifted(dosing, lot, hold), trial.now + waits)


def _lifted(dosing: Dosing, lot: LotId, hold: str) -> Way[None]:
    """The question is answered."""
    trial = dosing.trial
    hands = Hands(trial, "lifting", hold)
    yield from hands.must(quality.HoldLifted(node=lot, hold=hold, reason="the question is answered"), QA)
    if trial.truth.unfit.get(lot) is Fault.HOLD_AT_LAST:
        trial.truth.mends(lot)
        trial.tally.led_to[Fault.HOLD_AT_LAST]["hold lifted"] += 1


def _settled(dosing: Dosing, bag: BagId, answer: Answer) -> Way[None]:
    """What is done before both scan again."""
    hands = dosing.hands
    if answer.has("BAG-GAP"):
        yield from wards.dispose_gap(hands, bag, None)
    if answer.has("BAG-HOLD", "BED-STUDY") and not hands.holds_on(bag):
        yield hands.takes(12, 25)
    yield from hands.lift_holds(bag)
    if dosing.vitals_at is None or dosing.now - dosing.vitals_at > timedelta(minutes=8):
        vitals(dosing)
        yield hands.takes(0.5, 2)
    if dosing.fit_at is None or dosing.now - dosing.fit_at > timedelta(minutes=20):
        yield from _fit(dosing)


# ── while it runs ──


def _runs(dosing: Dosing, bag: BagId) -> Way[Fate]:
    if dosing.started_at is None:
        dosing.started_at = dosing.now
        dosing.trial.agenda.begin(watch(dosing))
    yield dosing.hands.takes(30, 42)
    yield from finished(dosing, bag)
    return "ready"


def _next_bag(dosing: Dosing, bag: BagId) -> Way[Fate]:
    """The short check of every further bag."""
    hands, full = dosing.hands, dosing.scans(bag)
    right = bedside.NextBagScans(
        wristband=full.wristband,
        bag=bag,
        bag_read_as=BagReadAs.OWN_LABEL,
        container_whole=Said.YES,
        nothing_unusual_seen=Said.YES,
    )
    started = bedside.NextBagStarted(dose=dosing.dose, bag=bag, scans=right)
    for _ in range(TRIES):
        if hands.errs(Slip.WRONG_WRISTBAND):
            wrong = replace(started, scans=replace(right, wristband=road.wristband(Cast(number=dosing.comer.number + 1))))
            hands.slip(Slip.WRONG_WRISTBAND, (yield from hands.sign(started, *dosing.nurses, again=wrong)), dosing.dose.key)
            yield hands.takes(0.3, 1)
        answer = yield from hands.sign(started, *dosing.nurses)
        if answer.is_done:
            return (yield from _runs(dosing, bag))
        dosing.stopped("next bag", answer, bag)
        if answer.has("BAG-EXP"):
            return (yield from discarded(dosing, bag, "waited too long after the thaw"))
        if answer.has(*OVER):
            break
        yield from _settled(dosing, bag, answer)
    yield from discarded(dosing, bag, "the dose goes no further")
    return "over"
