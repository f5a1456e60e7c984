"""Hand-overs of one shipment or bag: each offer with what became of it, and who answers for a thing between two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.base import Act
from custody.domain.acts.shipping import HandoffAccepted, HandoffOffered, HandoffWithdrawn, ShipmentArrived
from custody.domain.dossier import Deed, Dossier, Signed
from custody.domain.folds.judged import changed_at
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, PersonId, ShipmentId, SiteId
from custody.domain.terms import PartyKind, Role


@dataclass(frozen=True, kw_only=True)
class Custodian:
    """Who answers now: one person, or the carrier organisation of a leg, or (neither named) the staff of a site."""

    site: SiteId
    person: PersonId | None = None
    organisation: str = ""

    def may_give(self, giver: Signed) -> bool:
        """Whether this person speaks for the custodian: themselves, a carrier of the organisation, or staff of the site."""
        if self.person is not None:
            return giver.person == self.person
        if self.organisation:
            return giver.role is Role.CARRIER and giver.site == self.site
        return giver.site == self.site

    @property
    def words(self) -> str:
        if self.person is not None:
            return self.person.value
        return self.organisation or self.site.value


@dataclass(frozen=True, kw_only=True)
class Handover:
    """One offer. It ends when it is accepted or withdrawn, when a new offer takes its place, or when the shipment arrives."""

    offered: Deed[HandoffOffered]
    accepted: Deed[HandoffAccepted] | None = None
    withdrawn_at: datetime | None = None
    withdrawal: Deed[Act] | None = None

    @property
    def started_at(self) -> datetime:
        return self.offered.act.offered_at

    @property
    def ended_at(self) -> datetime | None:
        """None while it is open: the thing is in hand-over and cannot be used."""
        return self.accepted.at if self.accepted is not None else self.withdrawn_at

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def receiver(self) -> Custodian | None:
        """The new custodian, once accepted."""
        if self.accepted is None:
            return None
        return custodian_by(self.offered.act, self.accepted.signers[0])

    @property
    def known_at(self) -> datetime:
        """When what is known of it was recorded."""
        return max(changed_at(deed) for deed in (self.offered, self.accepted, self.withdrawal) if deed is not None)

    @property
    def evidence(self) -> tuple[Digest, ...]:
        return (self.offered.digest,) if self.accepted is None else (self.offered.digest, self.accepted.digest)


def custodian_by(offer: HandoffOffered, receiver: Signed) -> Custodian:
    """Whom custody passes to when `receiver` accepts: a carrier's person accepts for the organisation, anyone else for themselves."""
    if offer.to_kind is PartyKind.CARRIER:
        return Custodian(site=receiver.site, organisation=offer.to_organisation)
    return Custodian(site=receiver.site, person=receiver.person)


def minutes_allowed(handover: Handover, study: StudyFold) -> Decimal:
    """Minutes for which it may stay open, by the study version in force when it was offered (rules sections 10, 19)."""
    settings = study.criteria_at(min(handover.started_at, handover.offered.at, handover.offered.recorded_at)).settings
    return settings.gap_internal_min if isinstance(handover.offered.act.node, BagId) else settings.gap_courier_min


def handovers_of(dossier: Dossier, node: ShipmentId | BagId) -> tuple[Handover, ...]:
    """All hand-overs in the stream of `node`, oldest first."""
    found: list[Handover] = []
    for deed in dossier.deeds(node, HandoffOffered, HandoffAccepted, HandoffWithdrawn, ShipmentArrived):
        match deed.act:
            case HandoffOffered():
                _end(found, deed.act.offered_at, deed)
                found.append(Handover(offered=deed))  # type: ignore[arg-type]
            case HandoffAccepted() if found and found[-1].is_open:
                found[-1] = replace(found[-1], accepted=deed)  # type: ignore[arg-type]
            case HandoffWithdrawn():
                _end(found, deed.at, deed)
            case ShipmentArrived(arrived_at=arrived_at):
                _end(found, arrived_at, deed)
            case _:
                pass
    return tuple(found)


def _end(found: list[Handover], at: datetime, by: Deed[Act]) -> None:
    if found and found[-1].is_open:
        found[-1] = replace(found[-1], withdrawn_at=at, withdrawal=by)
