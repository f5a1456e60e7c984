"""One simulated trial while it runs: its store, its plan, its clock, its people, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from custody.domain.criteria import StudyContent
from custody.domain.ids import BagId, LotId
from custody.workflows.door import Store
from custody.workflows.simulation.agenda import Agenda
from custody.workflows.simulation.cold import Freezer
from custody.workflows.simulation.draws import Draws
from custody.workflows.simulation.plan import Hospital, Plan
from custody.workflows.simulation.staff import Staff, Team
from custody.workflows.simulation.tally import Tally
from custody.workflows.simulation.truth import Truth

BETWEEN_DOSES = timedelta(hours=25)
"""Participants of a cohort are started 24 hours apart; the investigators agree on an hour more."""


@dataclass
class Ward:
    """What the staff of one hospital know: the bags in their freezer that nobody has been promised."""

    hospital: Hospital
    team: Team
    freezer: Freezer
    stock: list[BagId] = field(default_factory=list)


@dataclass
class Trial:
    """`lots`: where each planned lot stands; `next_dose`: the earliest start the investigators have not yet given away."""

    store: Store
    plan: Plan
    criteria: StudyContent
    content: str
    draws: Draws
    agenda: Agenda
    staff: Staff
    truth: Truth
    freezer: Freezer
    wards: dict[Hospital, Ward]
    tally: Tally = field(default_factory=Tally)
    packing_free_at: datetime | None = None
    next_dose: datetime | None = None
    recalled: set[LotId] = field(default_factory=set)
    lots_over: int = 0

    @property
    def now(self) -> datetime:
        return self.agenda.now

    def book_dose(self, earliest: datetime) -> datetime:
        """A start for one more participant, a day after everybody else's."""
        start = max(earliest, self.next_dose or earliest)
        self.next_dose = start + BETWEEN_DOSES
        return start
