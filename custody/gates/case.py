"""The case: what a gate judges - a subject, the act somebody wants to do, who signs it, and what the ledger knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TypeVar

from custody.domain.acts.base import Act
from custody.domain.criteria import StudyContent
from custody.domain.dossier import Dossier, Signed
from custody.domain.duties import DayAt
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.lot import LotFold
from custody.domain.folds.participant import ParticipantFold
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, BankId, Din, DoseId, LotId, Node, ShipmentId, StudyId
from custody.domain.lineage import donations_of

N = TypeVar("N", bound=Node)


@dataclass(frozen=True, kw_only=True)
class Case:
    """`about` is the part being judged now (one bag of a dose, one donation of a lot) where a gate is asked part by part.

    `signers` are the people who sign the proposed act, in order; `second` is the act as the second person scanned and read it.
    `day_at` says which day it is at a site.
    """

    subject: Node
    proposed: Act
    signers: tuple[Signed, ...]
    dossier: Dossier
    study_id: StudyId
    day_at: DayAt
    about: Node | None = None
    second: Act | None = None

    def day_where(self, signer: Signed) -> date:
        """The day it is where this person signs: trainings and delegations run from day to day there, as grants do (rules section 3).

        Raises MissingFact for a site of which nobody can say.
        """
        found = self.day_at(signer.site)
        if found is None:
            raise MissingFact("zone", node=signer.site)
        return found

    def for_part(self, part: Node) -> Case:
        """The same case about one part; the gates that ask part by part share what they work out."""
        if part not in self._parts:
            self._parts[part] = replace(self, about=part)
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[Node, Case]:
        return {}

    def proposed_as(self, kind: type[A]) -> A | None:
        """The proposed act when it is of this kind: gates also judge from what stands in the ledger."""
        return self.proposed if isinstance(self.proposed, kind) else None

    @cached_property
    def study(self) -> StudyFold:
        return StudyFold(self.dossier, self.study_id)

    @cached_property
    def criteria_now(self) -> StudyContent:
        """The study version in force now. Raises MissingFact when none is."""
        return self.study.criteria_now

    @cached_property
    def bag(self) -> BagFold:
        """The bag being judged."""
        return BagFold(self.dossier, _only(self.about, BagId), self.study)

    @cached_property
    def donation(self) -> DonationFold:
        """The donation being judged."""
        return DonationFold(self.dossier, _only(self.about, Din), self.study)

    @cached_property
    def lot(self) -> LotFold:
        """The bank or lot that is the subject."""
        if isinstance(self.subject, BankId):
            return LotFold(self.dossier, self.subject, self.study)
        return LotFold(self.dossier, _only(self.subject, LotId), self.study)

    @cached_property
    def shipment(self) -> ShipmentFold:
        """The shipment that is the subject, or the one the bag being judged travelled in."""
        if isinstance(self.subject, ShipmentId):
            return ShipmentFold(self.dossier, self.subject, self.study)
        return self.bag.shipment

    @cached_property
    def dose(self) -> DoseFold:
        return DoseFold(self.dossier, _only(self.subject, DoseId), self.study)

    @cached_property
    def participant(self) -> ParticipantFold:
        return ParticipantFold(self.dossier, self.dose.participant, self.study)

    @cached_property
    def bags(self) -> tuple[BagId, ...]:
        """The bags this case is judged by, one by one: a bag by itself, a shipment's list, the bags of a dose that the act is about."""
        if isinstance(self.subject, BagId):
            return (self.subject,)
        if isinstance(self.subject, ShipmentId):
            return self.shipment.bags
        return self.dose.bags_judged_by(self.proposed)

    @cached_property
    def donations(self) -> tuple[Din, ...]:
        """The donations behind the subject and the proposed act; none for a placebo."""
        if isinstance(self.subject, Din):
            return (self.subject,)
        return donations_of(self.dossier, self.subject, self.proposed)


A = TypeVar("A", bound=Act)


def _only(node: Node | None, kind: type[N]) -> N:
    if not isinstance(node, kind):
        raise TypeError(f"a gate asked {node} for what only a {kind.__name__} has")
    return node
