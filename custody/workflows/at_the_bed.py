"""Which doses wait for the bed at this site, which of them a scan means, and what a bag scanned at a bed must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from custody.codes.scan import expect, read_scan
from custody.domain.acts.bedside import CoverBound
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, CohortId, DoseId, ParticipantId, SiteId, WristbandToken, node_of
from custody.domain.terms import BagReadAs
from custody.errors import InputError, NotFoundError, UnreadableCodeError
from custody.store import lookups
from custody.store.lookups import Resting
from custody.workflows.bedside import dossier_for, study_of_signer
from custody.workflows.next_steps import AT_REST
from custody.workflows.scans import is_bag_number, is_symbol
from custody.workflows.signer import Signer

DOSES_MAX = 500


@dataclass(frozen=True, kw_only=True)
class DoseAtBed:
    """A dose as its bed sees it: whom for, which bags are ready, what is prescribed, and how far it is.

    `covers`: the bag under each cover label of the dose (rules section 13).
    """

    dose: DoseId
    site: SiteId
    participant: ParticipantId
    cohort: CohortId
    wristband: WristbandToken | None
    bags: tuple[BagId, ...]
    all_bags: tuple[BagId, ...]
    covers: Mapping[str, BagId]
    volume_ml: Decimal | None
    rate_ml_per_min: Decimal | None
    started_at: datetime | None
    ended: bool

    @property
    def is_at_bed(self) -> bool:
        """Prepared and released, or running."""
        return not self.ended and (bool(self.bags) or self.started_at is not None)

    def bag_under(self, text: str) -> str:
        """The number of the bag that a cover label of this dose hides; any other scan as it is."""
        bag = self.covers.get(text.strip())
        return text if bag is None else bag.value

    def read_as(self, text: str) -> BagReadAs:
        """Which label of a bag this scan read, as `bag_under` takes it."""
        return BagReadAs.COVER_LABEL if text.strip() in self.covers else BagReadAs.OWN_LABEL


def doses_at(connection: Connection, signers: Iterable[Signer]) -> tuple[DoseAtBed, ...]:
    """Doses that are ready for the bed or running, newest first; `signers`: one person as they are at each of their sites."""
    return tuple(dose for signer in signers for dose in _doses_at(connection, signer))


def _doses_at(connection: Connection, signer: Signer) -> Iterator[DoseAtBed]:
    resting = Resting(acts=AT_REST[DoseId.kind])
    study = study_of_signer(signer).value
    items = lookups.streams_of_kind(connection, DoseId.kind, site=signer.site.value, study=study, resting=resting, limit=DOSES_MAX)
    nodes = (node_of(item.stream) for item in items)
    found = (dose_at_bed(connection, node, signer) for node in nodes if isinstance(node, DoseId))
    return (dose for dose in found if dose.is_at_bed)


def dose_at_bed(connection: Connection, dose: DoseId, signer: Signer) -> DoseAtBed:
    """Raises NotFoundError for an unknown dose, or one of another site."""
    dossier = dossier_for(connection, dose, signer)
    fold = DoseFold(dossier, dose, StudyFold(dossier, study_of_signer(signer)))
    prescribed = fold.prescription.act if fold.prescription is not None else None
    return DoseAtBed(
        dose=dose,
        site=signer.site,
        participant=fold.participant,
        cohort=fold.cohort.id,
        wristband=_wristband(fold),
        bags=fold.released_bags,
        all_bags=fold.bags,
        covers=_covers(dossier, fold.bags),
        volume_ml=None if prescribed is None else prescribed.volume_ml,
        rate_ml_per_min=None if prescribed is None else prescribed.rate_ml_per_min,
        started_at=fold.started_at,
        ended=fold.ended is not None,
    )


def _covers(dossier: Dossier, bags: tuple[BagId, ...]) -> dict[str, BagId]:
    """By the label bound last to each bag.

    Of a label on two bags nobody can tell which it hides, and one that reads as the code of something, above all of a bag, is that code.
    """
    bound = [(deed.act.cover_label.strip(), bag) for bag in bags if (deed := dossier.last(bag, CoverBound)) is not None]
    times = Counter(label for label, _ in bound)
    return {label: bag for label, bag in bound if times[label] == 1 and not (is_symbol(label) or is_bag_number(label.upper()))}


def _wristband(fold: DoseFold) -> WristbandToken | None:
    try:
        return fold.recipient.wristband.act.wristband
    except MissingFact:
        return None


def dose_meant(connection: Connection, text: str, signers: Iterable[Signer]) -> DoseId:
    """The dose that a dose label, a bag label, a cover label or a wristband belongs to. Raises UnreadableCodeError or NotFoundError."""
    kind, value = _read(text)
    for waiting in doses_at(connection, signers):
        names = {
            "dose": (waiting.dose.value,),
            "bag": tuple(bag.value for bag in waiting.all_bags),
            "cover": tuple(label.upper() for label in waiting.covers),
            "wristband": () if waiting.wristband is None else (waiting.wristband.value,),
        }
        if value in (names[kind] if kind else (name for every in names.values() for name in every)):
            return waiting.dose
    raise NotFoundError(f"“{value[:40]}” belongs to no dose that is ready for the bed here", code="no_dose_ready", seen=value[:40])


def _read(text: str) -> tuple[str, str]:
    if not is_symbol(text):
        return "", text.strip().upper()
    scan = read_scan(text)
    kind = next((value.kind for value in scan.values if value.kind in {"dose", "bag", "wristband"}), "")
    if not kind:
        seen = scan.values[0].kind
        raise UnreadableCodeError("this is no dose label", code="wrong_code_kind", seen=seen, expected="dose")
    return kind, expect(scan, kind)


def require_bag_of(dose: DoseAtBed, bag: BagId) -> None:
    """Raises InputError for a bag that is not one of this dose: it is not given here, and nothing happens to it."""
    if bag not in dose.all_bags:
        raise InputError(
            f"bag {bag} is not a bag of dose {dose.dose}; do not give it; scan the bag of this dose",
            code="bag_not_of_dose",
            seen=bag,
            expected=dose.dose,
        )
