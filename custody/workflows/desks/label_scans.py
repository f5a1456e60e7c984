"""Labels scanned back after they were applied: each against the bags that were filled, and which are still missing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.domain.acts.manufacturing import BagsFilled, LabelsApplied, LabelsDestroyed, LabelsPrinted
from custody.domain.dossier import Dossier
from custody.domain.ids import BagId, LotId
from custody.domain.masking import Seen, Viewer
from custody.errors import CustodyError, InputError, NotFoundError
from custody.workflows.desks.things import meant, opened

FITS, TWICE, OTHER_LOT = "fits", "twice", "other_lot"


@dataclass(frozen=True, kw_only=True)
class LabelScan:
    """One label as it was read. `said`: FITS, TWICE or OTHER_LOT; `refusal` where it names no bag this person may find."""

    text: str
    said: str = ""
    refusal: CustodyError | None = None

    @property
    def fits(self) -> bool:
        return self.said == FITS


@dataclass(frozen=True, kw_only=True)
class LabelsScanned:
    """`missing`: bags of the lot whose label nobody has scanned yet; the counts are those of the record."""

    lot: LotId
    scans: tuple[LabelScan, ...]
    missing: tuple[BagId, ...]
    printed: int
    applied: int
    destroyed: int

    @property
    def right(self) -> int:
        """Labels that were read once and belong here."""
        return sum(scan.fits for scan in self.scans)


def labels_scanned(connection: Connection, viewer: Viewer, lot: LotId, texts: tuple[str, ...]) -> Seen[LabelsScanned]:
    """What the labels on the bags of a lot say. Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, lot)
    bags = tuple(dict.fromkeys(bag for deed in dossier.deeds(lot, BagsFilled) for bag in deed.act.bags))
    scans: list[LabelScan] = []
    read: set[BagId] = set()
    for text in texts:
        scan, bag = _scan(connection, viewer, bags, read, text)
        scans.append(scan)
        if bag is not None:
            read.add(bag)
    return Seen(
        LabelsScanned(
            lot=lot,
            scans=tuple(scans),
            missing=tuple(bag for bag in bags if bag not in read),
            printed=_copies(dossier, lot, LabelsPrinted),
            applied=_copies(dossier, lot, LabelsApplied),
            destroyed=_copies(dossier, lot, LabelsDestroyed),
        )
    )


def _scan(connection: Connection, viewer: Viewer, bags: tuple[BagId, ...], read: set[BagId], text: str) -> tuple[LabelScan, BagId | None]:
    """The scan, and the bag whose label is now read."""
    try:
        node = meant(connection, viewer, (BagId.kind,), text)
    except (InputError, NotFoundError) as error:
        return LabelScan(text=text, refusal=error), None
    assert isinstance(node, BagId)
    if node in read:
        return LabelScan(text=node.value, said=TWICE), None
    if node not in bags:
        return LabelScan(text=node.value, said=OTHER_LOT), None
    return LabelScan(text=node.value, said=FITS), node


def _copies(dossier: Dossier, lot: LotId, act: type[LabelsPrinted | LabelsApplied | LabelsDestroyed]) -> int:
    return sum(deed.act.copies for deed in dossier.deeds(lot, act))
