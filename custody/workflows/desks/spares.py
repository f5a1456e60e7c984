"""A spare bag for a dose that lost one: of the donor and lot of the bags reserved already, oldest expiry first, judged by G7 beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.allocation import KitAssigned, SpareAllocated
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.ids import BagId, Din, LotId, Node, SiteId, node_of
from custody.domain.lineage import donations_of
from custody.domain.masking import Viewer
from custody.workflows import sight
from custody.workflows.desks.dosed import Proposed, by_expiry, could_be, seen
from custody.workflows.desks.preview import Preview, preview
from custody.workflows.people import Present

TRIED = 5


def lacking(dose: DoseFold) -> int:
    """How many bags are missing from those the plan gives and the spares the study wants; 0 where nobody can say or none was reserved."""
    if not dose.bags:
        return 0
    try:
        usable = [bag for bag in dose.bags if dose.discard_of(bag) is None]
        return max(0, dose.plan.bag_count + dose.criteria.settings.spare_bags - len(usable))
    except MissingFact:
        return 0


def spare_for(
    connection: Connection, viewer: Viewer, present: Present, dose: DoseFold, bags: Iterable[BagId], at_site: SiteId, now: datetime
) -> tuple[Proposed, Preview] | None:
    """The first spare that the gates let through; where they let none through, the first with what stands in its way."""
    tried: list[tuple[Proposed, Preview]] = []
    for bag in list(candidates(dose, bags, at_site, now))[:TRIED]:
        act = SpareAllocated(dose=dose.node, bag=bag)
        said = preview(connection, viewer, act, dose.node, now, present=present).value
        tried.append((Proposed(bags=(seen(dose, bag, "", spare=True),)), said))
        if said.is_clear:
            return tried[-1]
    return tried[0] if tried else None


def candidates(dose: DoseFold, bags: Iterable[BagId], at_site: SiteId, now: datetime) -> Iterator[BagId]:
    """Free bags that match those reserved; of a randomised dose only bags of its own kit. Donors are never mixed."""
    wanted = _lines(dose, dose.bags)
    kit = _of_kit(dose.dossier, dose)
    found = [
        BagFold(dose.dossier, bag, dose.study)
        for bag in dict.fromkeys(kit if dose.kit is not None else bags)
        if bag not in dose.bags and _lines(dose, (bag,)) <= wanted
    ]
    free = [fold for fold in found if could_be(fold, dose, at_site, now)]
    for fold in sorted(free, key=by_expiry):
        yield fold.node


def _of_kit(dossier: Dossier, dose: DoseFold) -> tuple[BagId, ...]:
    if dose.kit is None:
        return ()
    return tuple(bag for deed in dossier.deeds(dose.kit, KitAssigned) for bag in deed.act.bags)


def _lines(dose: DoseFold, bags: Iterable[BagId]) -> frozenset[tuple[frozenset[Din], LotId | None]]:
    """Donors and lot of some bags; a bag nobody can vouch for matches none. The lot counts where the study does not mix lots."""
    found = set()
    for bag in bags:
        try:
            lot = None if dose.criteria.settings.allow_mixed_lots else BagFold(dose.dossier, bag, dose.study).lot_id
        except MissingFact:
            lot = LotId("UNKNOWN")
        found.add((frozenset(donations_of(dose.dossier, bag)), lot))
    return frozenset(found)


def hospital_of(fold: DoseFold) -> SiteId:
    """The hospital that asked for the dose."""
    return fold.requested.signers[0].site


def newest_of(connection: Connection, viewer: Viewer, kind: str, most: int) -> tuple[tuple[Node, ...], bool]:
    """The newest things of a kind, and whether there are more."""
    found = sight.newest(connection, viewer, kind, most + 1)
    return tuple(node_of(item.stream) for item in found[:most]), len(found) > most
