"""The bags of one dose: which are reserved for it, in which order, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from custody.domain.acts.allocation import DoseAllocated, DoseDeallocated, SpareAllocated
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import (
    BagDiscarded,
    BagFinished,
    BagPreparationStarted,
    DoseBagReleased,
    InfusionRecordedLate,
    InfusionStarted,
    NextBagStarted,
)
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DoseId, KitId

B = TypeVar("B", BagPreparationStarted, BagDiscarded, DoseBagReleased)


@dataclass(frozen=True)
class DoseBags:
    """The part of a `DoseFold` that is about its bags."""

    dossier: Dossier
    node: DoseId
    study: StudyFold

    @property
    def allocation(self) -> Deed[DoseAllocated] | None:
        """The last allocation of bags, whether or not they were freed again."""
        return self.dossier.last(self.node, DoseAllocated)

    @property
    def spares_allocated(self) -> tuple[Deed[SpareAllocated], ...]:
        return self.dossier.deeds(self.node, SpareAllocated)

    @cached_property
    def bags(self) -> tuple[BagId, ...]:
        """Bags reserved for the dose and not freed, in the order in which they are to be given, each once."""
        held: dict[BagId, None] = {}
        for deed in self.dossier.deeds(self.node, DoseAllocated, SpareAllocated, DoseDeallocated):
            match deed.act:
                case DoseAllocated(bags=bags):
                    held.update(dict.fromkeys(bags))
                case SpareAllocated(bag=bag):
                    held[bag] = None
                case DoseDeallocated(bags=bags):
                    for bag in bags:
                        held.pop(bag, None)
        return tuple(held)

    def bags_with(self, proposed: Act | None) -> tuple[BagId, ...]:
        """The bags of the dose, with those the proposed allocation would add."""
        match proposed:
            case DoseAllocated(bags=bags):
                return tuple(dict.fromkeys((*self.bags, *bags)))
            case SpareAllocated(bag=bag):
                return tuple(dict.fromkeys((*self.bags, bag)))
            case _:
                return self.bags

    def kit_with(self, proposed: Act | None) -> KitId | None:
        """The kit of the proposed allocation, or of the one that stands."""
        if isinstance(proposed, DoseAllocated):
            return proposed.kit
        return self.allocation.act.kit if self.allocation is not None else None

    @property
    def kit(self) -> KitId | None:
        return self.kit_with(None)

    def preparation_of(self, bag: BagId) -> Deed[BagPreparationStarted] | None:
        return self._last_about(bag, BagPreparationStarted)

    def discard_of(self, bag: BagId) -> Deed[BagDiscarded] | None:
        return self._last_about(bag, BagDiscarded)

    def release_of(self, bag: BagId) -> Deed[DoseBagReleased] | None:
        return self._last_about(bag, DoseBagReleased)

    def finishes_of(self, bag: BagId) -> tuple[Deed[BagFinished], ...]:
        return tuple(d for d in self.dossier.deeds(self.node, BagFinished) if d.act.bag == bag)

    def is_over(self, bag: BagId) -> bool:
        """Finished or discarded."""
        return bool(self.finishes_of(bag)) or self.discard_of(bag) is not None

    @cached_property
    def bags_begun(self) -> tuple[BagId, ...]:
        """Bags whose infusion began, in order; those recorded late included."""
        begun: dict[BagId, None] = {}
        for deed in self.dossier.deeds(self.node, InfusionStarted, NextBagStarted, InfusionRecordedLate):
            match deed.act:
                case InfusionStarted(bag=bag) | NextBagStarted(bag=bag):
                    begun[bag] = None
                case InfusionRecordedLate(bags=bags):
                    begun.update(dict.fromkeys(bags))
        return tuple(begun)

    @cached_property
    def bags_opened(self) -> tuple[BagId, ...]:
        """Bags whose preparation or infusion began: from then on there is no way back to storage."""
        prepared = (d.act.bag for d in self.dossier.deeds(self.node, BagPreparationStarted))
        return tuple(dict.fromkeys((*prepared, *self.bags_begun)))

    def bags_judged_by(self, proposed: Act) -> tuple[BagId, ...]:
        """The bags that the gates asked “for each bag” judge when this act is proposed (rules section 4).

        A bag of another dose scanned at the thaw or at the bed is judged by PRP-BAG and BED-BAG only: the others
        judge the dose's own bags, so that a foreign bag is never held for being scanned at the wrong place.
        """
        match proposed:
            case SpareAllocated(bag=bag) | DoseBagReleased(bag=bag):
                return (bag,)
            case DoseAllocated():
                return self.bags_with(proposed)
            case BagPreparationStarted(bag=bag):
                return (bag,) if bag in self.bags else self._first_of(self.unopened_bags, self.usable_bags)
            case NextBagStarted(bag=bag):
                return (bag,) if bag in self.bags else self._first_of(self.released_bags, self.usable_bags)
            case InfusionStarted(bag=bag):
                own = (bag,) if bag in self.bags else ()
                return tuple(dict.fromkeys((*own, *self.released_bags))) or self.usable_bags
            case _:
                return self.bags

    @property
    def usable_bags(self) -> tuple[BagId, ...]:
        return tuple(bag for bag in self.bags if not self.is_over(bag))

    @property
    def unopened_bags(self) -> tuple[BagId, ...]:
        return tuple(bag for bag in self.usable_bags if bag not in self.bags_opened)

    @property
    def released_bags(self) -> tuple[BagId, ...]:
        """Prepared, released and waiting for the bed."""
        return tuple(bag for bag in self.usable_bags if self.release_of(bag) is not None and bag not in self.bags_begun)

    @staticmethod
    def _first_of(*choices: tuple[BagId, ...]) -> tuple[BagId, ...]:
        return next((choice[:1] for choice in choices if choice), ())

    def _last_about(self, bag: BagId, kind: type[B]) -> Deed[B] | None:
        return next((d for d in reversed(self.dossier.deeds(self.node, kind)) if d.act.bag == bag), None)
