"""What stands in the record of a bank or lot before it is released: its trail, reviews, deviations and labels; and what an entry says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.base import Act, field_types
from custody.domain.acts.quality import DeviationClosed, DeviationOpened
from custody.domain.acts.release import AuditTrailReviewed, BatchRecordReviewed
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.judged import changed_at
from custody.domain.folds.lot import MADE, READ_IN_THE_TRAIL, LotFold, open_deviations
from custody.domain.ids import Digest, Node
from custody.domain.lineage import ancestors_of
from custody.domain.terms import Severity


@dataclass(frozen=True, kw_only=True)
class EntryRead:
    """One entry in a line: what, about what, by whom, when it happened. `values` are (field, value) pairs still to be worded."""

    digest: Digest
    act: str
    node: Node
    position: int
    at: datetime
    by: str
    values: tuple[tuple[str, object], ...] = ()
    corrected: bool = False
    late: bool = False


@dataclass(frozen=True, kw_only=True)
class Review:
    """A signed review. `stands`: nothing it should have read has come or changed since."""

    act: str
    by: str
    at: datetime
    stands: bool
    remark: str
    up_to_position: int | None = None


@dataclass(frozen=True, kw_only=True)
class Deviation:
    number: str
    node: Node
    severity: Severity
    description: str
    opened_at: datetime
    opened_by: str
    conclusion: str = ""
    closed_at: datetime | None = None

    @property
    def stops_release(self) -> bool:
        """Minor ones do not (rules section 9.5)."""
        return self.closed_at is None and self.severity is not Severity.MINOR


def lookup(dossier: Dossier) -> Callable[[Digest], EntryRead | None]:
    """Finds the entry behind a digest that a rule relied on."""
    known = {deed.digest: deed for deeds in dossier.streams.values() for deed in deeds}

    def found(digest: Digest) -> EntryRead | None:
        deed = known.get(digest)
        return entry_read(deed) if deed is not None else None

    return found


def entry_read(deed: Deed[Act]) -> EntryRead:
    """A deed in a line, signed by all who signed it."""
    return EntryRead(
        digest=deed.digest,
        act=deed.act.rule.name,
        node=deed.act.subject,
        position=deed.entry.position,
        at=deed.at,
        by=", ".join(dict.fromkeys(signer.printed_name for signer in deed.signers)),
        values=tuple((name, getattr(deed.act, name)) for name in field_types(type(deed.act)) if name != deed.act.rule.subject_field),
        corrected=deed.corrected,
        late=deed.began.recorded_at != deed.began.happened_at,
    )


def batch_record(lot: LotFold) -> tuple[EntryRead, ...]:
    """Every step of its making, oldest first."""
    return tuple(entry_read(deed) for deed in lot.dossier.deeds(lot.node, *MADE))


def critical_trail(lot: LotFold) -> tuple[EntryRead, ...]:
    """What the audit-trail review reads: how it was made, labelled and tested, with every correction marked."""
    return tuple(entry_read(deed) for deed in lot.dossier.deeds(lot.node, *READ_IN_THE_TRAIL))


def unread_entries(lot: LotFold) -> tuple[EntryRead, ...]:
    """Critical entries that came, or were corrected, after the newest review of the trail."""
    newest = lot.dossier.last(lot.node, AuditTrailReviewed)
    if newest is None:
        return critical_trail(lot)
    return tuple(
        entry_read(deed)
        for deed in lot.dossier.deeds(lot.node, *READ_IN_THE_TRAIL)
        if deed.entry.position > newest.act.up_to_position or (deed.corrected and changed_at(deed) > newest.recorded_at)
    )


def last_position(lot: LotFold) -> int:
    """The newest entry of the stream, which a review signed now has read."""
    head = lot.dossier.heads.get(lot.node.key)
    if head is not None:
        return head.position
    return max((deed.entry.position for deed in lot.dossier.deeds(lot.node, Act)), default=0)


def reviews(lot: LotFold) -> Iterator[Review]:
    """Every review of batch record and audit trail, newest first; one that a later entry overtook is kept and says so."""
    standing = {deed.digest for deed in (*lot.batch_reviews, *lot.trail_reviews)}
    for deed in reversed(lot.dossier.deeds(lot.node, BatchRecordReviewed, AuditTrailReviewed)):
        yield Review(
            act=deed.act.rule.name,
            by=deed.signers[0].printed_name,
            at=deed.at,
            stands=deed.digest in standing,
            remark=deed.act.remark,
            up_to_position=deed.act.up_to_position if isinstance(deed.act, AuditTrailReviewed) else None,
        )


def deviations_over(dossier: Dossier, node: Node) -> tuple[Deviation, ...]:
    """Deviations of a thing and of everything it was made from, open ones first."""
    return _deviations(dossier, (node, *ancestors_of(dossier, node)))


def deviations_on(dossier: Dossier, node: Node) -> tuple[Deviation, ...]:
    """Deviations of the thing itself, open ones first."""
    return _deviations(dossier, (node,))


def _deviations(dossier: Dossier, line: tuple[Node, ...]) -> tuple[Deviation, ...]:
    still_open = {deed.digest for deed in open_deviations(dossier, *line)}
    found = [_deviation(dossier, deed, still_open) for each in line for deed in dossier.deeds(each, DeviationOpened)]
    return tuple(sorted(found, key=lambda deviation: (deviation.closed_at is not None, not deviation.stops_release)))


def _deviation(dossier: Dossier, deed: Deed[DeviationOpened], still_open: set[Digest]) -> Deviation:
    closings = [c for c in dossier.deeds(deed.act.node, DeviationClosed) if c.act.deviation == deed.act.deviation]
    closed = None if deed.digest in still_open or not closings else closings[-1]
    return Deviation(
        number=deed.act.deviation,
        node=deed.act.node,
        severity=deed.act.severity,
        description=deed.act.description,
        opened_at=deed.at,
        opened_by=deed.signers[0].printed_name,
        conclusion=closed.act.conclusion if closed is not None else "",
        closed_at=closed.at if closed is not None else None,
    )
