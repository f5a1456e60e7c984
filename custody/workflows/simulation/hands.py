"""What one actor of the trial does: sign, sign as the second person, read a logger, and get something wrong now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.quality import HoldLifted
from custody.domain.ids import BagId, Digest, LotId, Node
from custody.domain.lineage import open_holds
from custody.errors import CustodyError, LedgerBrokenError, NotKeptError, UnreadableCodeError
from custody.workflows.door import unit_of_work
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import Outcome
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.recording import countersign, record, withdraw
from custody.workflows.rehearsal.player import Past
from custody.workflows.rehearsal.road import QA
from custody.workflows.rehearsal.steps import Step
from custody.workflows.simulation.agenda import Way
from custody.workflows.simulation.draws import between
from custody.workflows.simulation.kinds import DELAY_RATES, FAULT_RATES, SLIP_RATES, Delay, Fault, Slip
from custody.workflows.simulation.tally import Answer, Unsafe
from custody.workflows.simulation.trial import Trial

Work = Callable[[Connection], Outcome]


class Hands:
    """Of the actor called `name`, who draws from a stream of chance of their own."""

    def __init__(self, trial: Trial, *name: object) -> None:
        self.trial = trial
        self.draw = trial.draws.of(*name)

    # ── chance ──

    def errs(self, slip: Slip) -> bool:
        return self.draw.random() < SLIP_RATES[slip]

    def is_late(self, delay: Delay) -> bool:
        late = self.draw.random() < DELAY_RATES[delay]
        self.trial.tally.delays[delay] += late
        return late

    def breaks(self, fault: Fault) -> bool:
        """Whether this fault happens here; where it does it is counted."""
        broken = self.draw.random() < FAULT_RATES[fault] and self.trial.plan.faults
        if broken:
            self.trial.tally.fault(fault)
        return broken

    def takes(self, low: float, high: float) -> timedelta:
        """How long something takes, in minutes from `low` to `high`."""
        return between(self.draw, low, high)

    def slip(self, kind: Slip, answer: Answer, about: object) -> None:
        self.trial.tally.slip(kind, answer, about, self.trial.now)

    # ── one signature ──

    def one(self, act: Act, who: str, *, place: int = 0, proposal: Digest | None = None, again: Act | None = None) -> Answer:
        """One signature in one transaction, now; `again` is the act as the second person read it."""
        signer = self.trial.staff.signer(who, act, place)

        def work(connection: Connection) -> Outcome:
            if proposal is None:
                return record(connection, act, signer, self.trial.now)
            return countersign(connection, act.subject, proposal, signer, self.trial.now, answers=again)

        return self.done(work, act)

    def done(self, work: Work, act: Act | None = None) -> Answer:
        """What became of a piece of work; its STOP is counted, and an act that passed a hold point is compared with what is really so."""
        trial = self.trial
        try:
            with unit_of_work(trial.store) as connection:
                outcome = work(connection)
        except (LedgerBrokenError, NotKeptError):
            raise  # not a refusal of this act: the store itself is at fault
        except CustodyError as error:
            trial.tally.refusals[error.code] += 1
            return Answer(kind="refused", codes=(error.code,), error=error)
        codes = outcome.verdict.codes if outcome.verdict is not None else ()
        if outcome.kind in ("stopped", "cannot_check") and outcome.verdict is not None:
            trial.tally.stop(outcome.verdict.hold_point.value, codes)
        if outcome.kind == "recorded":
            trial.tally.done[outcome.act] += 1
            if outcome.verdict is not None and act is not None:
                self._compare(act)
        return Answer(kind=outcome.kind, codes=codes, proposal=outcome.proposal, entry=outcome.entry)

    def _compare(self, act: Act) -> None:
        for wrong in self.trial.truth.passed(act):
            self.trial.tally.unsafe.append(Unsafe(what=wrong, about=act.subject.key, at=self.trial.now))

    # ── acts of one or more people ──

    def sign(self, act: Act, *who: str, again: Act | None = None) -> Way[Answer]:
        """Everybody signs one after the other; what cannot be completed is taken back by whoever began it."""
        answer = self.one(act, who[0])
        repeats = (again or act) if guarding_rule(act).second == "repeat" else None
        for place, account in enumerate(who[1:], start=1):
            if answer.kind != "waiting" or answer.proposal is None:
                break
            yield self.takes(0.2, 1.2)
            if self.errs(Slip.ONE_PERSON_TWICE):
                self.slip(
                    Slip.ONE_PERSON_TWICE, self.one(act, who[0], place=place, proposal=answer.proposal, again=repeats), act.subject.key
                )
                yield self.takes(0.2, 0.5)
            proposal = answer.proposal
            answer = self.one(act, account, place=place, proposal=proposal, again=repeats)
            if answer.is_caught:
                yield self.takes(0.1, 0.4)
                self._take_back(act, proposal, who[0])
        return answer

    def must(self, act: Act, *who: str) -> Way[Answer]:
        """What can always be recorded. Raises AssertionError where it is not: that is a fault of the simulation, or of custody."""
        answer = yield from self.sign(act, *who)
        if not answer.is_done:
            raise AssertionError(f"{act.rule.name} of {act.subject.key} at {self.trial.now}: {answer.words}: {answer.error}")
        return answer

    def _take_back(self, act: Act, proposal: Digest, who: str) -> None:
        signer = self.trial.staff.signer(who, act, 0)
        self.done(lambda connection: withdraw(connection, act.subject, proposal, signer, "will be done again", self.trial.now))

    def play(self, steps: Iterable[Step]) -> Way[Answer | None]:
        """Steps of a script at their own times, or as soon after as can be; the first answer that is no success ends it."""
        for step in steps:
            yield self.trial.agenda.until(step.at)
            if step.file:
                answer = self.read(step.file, step.by[0])
            else:
                with self.trial.store.reading() as connection:
                    act = step.act_in(Past(connection))
                answer = yield from self.sign(act, *step.by)
            if not answer.is_done:
                return answer
        return None

    def read(self, data: bytes, who: str) -> Answer:
        """Somebody reads a logger's file into the record."""
        signer = self.trial.staff.in_role(who)
        return self.done(lambda connection: keep_temperature_file(connection, data, "logger.txt", signer, self.trial.now).outcome)

    def typed(self, bag: BagId) -> BagId:
        """The number of a bag as somebody types it, now and then with one character wrong: then it is no number, and typed again."""
        if self.errs(Slip.CODE_MISSPELLED):
            at = self.draw.randrange(12)
            wrong = bag.value[:at] + ("7" if bag.value[at] != "7" else "4") + bag.value[at + 1 :]
            self.slip(Slip.CODE_MISSPELLED, _read_code(wrong), bag.key)
        return bag

    # ── quality ──

    def lift_holds(self, node: BagId | LotId, *, by: str = QA) -> Way[None]:
        """Quality lifts every hold on this very thing."""
        for hold in self.holds_on(node):
            yield self.takes(1, 4)
            yield from self.sign(HoldLifted(node=node, hold=hold, reason="judged by quality"), by)

    def holds_on(self, node: Node) -> tuple[str, ...]:
        with self.trial.store.reading() as connection:
            found = open_holds(dossier_of(connection, [node]), node)
        return tuple(deed.act.hold for deed in found)


def _read_code(text: str) -> Answer:
    try:
        BagId.parse(text)
    except UnreadableCodeError as error:
        return Answer(kind="refused", codes=(error.code,), error=error)
    return Answer(kind="recorded")
