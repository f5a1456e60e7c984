"""One participant's dose in a simulated trial: who takes part in it, which bags it has, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from custody.domain.acts.bedside import BedsideScans
from custody.domain.ids import BagId, CohortId, DoseId, KitId, ParticipantId
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Step
from custody.workflows.simulation.hands import Hands
from custody.workflows.simulation.kinds import Fault
from custody.workflows.simulation.plan import Comer
from custody.workflows.simulation.tally import Answer
from custody.workflows.simulation.trial import Trial, Ward

Fate = Literal["ready", "lost", "over"]
"""Of a bag on its way to the bed: at the bed; lost, so that a spare is wanted; or the dose is given up."""


@dataclass
class Dosing:
    """`bags` are reserved for the dose, `spares` of its kit wait beside them, `thawed` out of the freezer for good, `gone` used or lost."""

    hands: Hands
    ward: Ward
    comer: Comer
    start: datetime
    bags: list[BagId] = field(default_factory=list)
    spares: list[BagId] = field(default_factory=list)
    thawed: list[BagId] = field(default_factory=list)
    gone: list[BagId] = field(default_factory=list)
    given: list[tuple[BagId, Decimal]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    started_at: datetime | None = None
    vitals_at: datetime | None = None
    fit_at: datetime | None = None
    ended: bool = False
    held: int = 0

    def __post_init__(self) -> None:
        self.cast = Cast(number=self.comer.number, weight_kg=self.comer.weight_kg, cohort=self.comer.cohort)
        self.nurses = tuple(self.hands.draw.sample(self.ward.team.nurses, 2))
        self.preparers = tuple(self.hands.draw.sample(self.ward.team.preparers, 2))

    @property
    def trial(self) -> Trial:
        return self.hands.trial

    @property
    def now(self) -> datetime:
        return self.hands.trial.now

    @property
    def cohort(self) -> CohortId:
        return CohortId(self.comer.cohort)

    @property
    def kit(self) -> KitId | None:
        """Of the blinded phase: under this number its bags travel."""
        return KitId(f"KIT-{self.comer.number:05d}") if self.trial.plan.is_blinded else None

    @property
    def physician(self) -> str:
        return self.ward.team.physician

    @property
    def dose(self) -> DoseId:
        return self.cast.dose

    @property
    def participant(self) -> ParticipantId:
        return self.cast.participant

    def scans(self, bag: BagId) -> BedsideScans:
        return bedside.scans(self.cast, bag)

    def ours(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Steps of the rehearsed road as the people of this hospital do them."""
        names = {
            bedside.PHYSICIAN: self.physician,
            **dict(zip(bedside.NURSES, self.nurses, strict=True)),
            **dict(zip(bedside.PREPARERS, self.preparers, strict=True)),
        }
        return tuple(replace(step, by=tuple(names.get(account, account) for account in step.by)) for step in steps)

    def stopped(self, at: str, answer: Answer, bag: BagId | None = None) -> None:
        """Remember what stopped this dose, and to what its faults led."""
        self.stops.append(f"{at}: {answer.words}")
        tally, truth = self.trial.tally, self.trial.truth
        faults = {truth.fault_of(each) for each in ([bag] if bag is not None else self.bags)} | {truth.unfit.get(self.participant)}
        for fault in sorted(each for each in faults if each is not None):
            tally.led_to[fault][f"{at}: {answer.words}"] += 1

    def led_to(self, fault: Fault, what: str) -> None:
        self.trial.tally.led_to[fault][what] += 1
