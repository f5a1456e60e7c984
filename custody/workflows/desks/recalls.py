"""The list of a recall: every bag that came from a thing, where it is, whom it was meant for or given to; and what the thing came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.dossier import Dossier
from custody.domain.folds.bag import FINAL, BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, DoseId, LotId, Node, ParticipantId
from custody.domain.lineage import open_holds, recalls_over
from custody.domain.masking import Seen, Viewer
from custody.errors import LedgerBrokenError, NotFoundError
from custody.workflows.dossiers import dossier_of
from custody.workflows.standing import holder_of
from custody.workflows.tracing import Traced, trace

DONOR_SIDE = frozenset({"donor", "donation"})
"""Donor and participant never meet on one screen (rules, first principles): their lists name doses, each lot's list the participants."""
GIVEN = frozenset({BagState.INFUSING, BagState.INFUSED, BagState.PARTIAL})
SHARED = frozenset({"bank", "donation", "donor", "tissue"})
"""What lots of one family have in common (rules section 9.3)."""


@dataclass(frozen=True, kw_only=True)
class BagTraced:
    """One bag. `state` is a word of rules section 2, empty where the record cannot be read together (`unknown` then says what is missing).

    `participant`: the code of whom it was given to (`given`) or is reserved for.
    """

    bag: BagId
    lot: LotId | None
    state: str
    holder: str
    since: datetime | None
    dose: DoseId | None = None
    participant: ParticipantId | None = None
    given: bool = False
    stopped: bool = False
    unknown: str = ""

    @property
    def is_loose(self) -> bool:
        """Still somewhere and neither given nor destroyed: it must be brought back."""
        return not self.given and self.state not in {state.value for state in FINAL}


@dataclass(frozen=True, kw_only=True)
class RecallList:
    """`bags`: from the thing itself; `sisters`: of sister lots, from the same bank or donor; `behind`: what it came from, nearest first.

    `others`: what else came from it (banks, lots, shipments, doses); participants stand with their bags.
    """

    node: Node
    recall: str
    reason: str
    bags: tuple[BagTraced, ...]
    sisters: tuple[BagTraced, ...]
    behind: tuple[Traced, ...]
    others: tuple[Traced, ...]
    as_of: datetime

    @property
    def participants(self) -> tuple[ParticipantId, ...]:
        """Everybody who got, or was to get, one of the bags."""
        return tuple(dict.fromkeys(bag.participant for bag in self.bags if bag.participant is not None))


def recall_list(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[RecallList]:
    """The whole list, in both directions. Raises NotFoundError for a thing that does not exist for this viewer."""
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    ahead = trace(connection, node, forward=True, viewer=viewer).value
    behind = trace(connection, node, forward=False, viewer=viewer).value
    own = dict.fromkeys(each.node for each in ahead if isinstance(each.node, BagId))
    if isinstance(node, BagId):
        own = {node: None}
    family = [each.node for each in behind if each.node.kind in SHARED]
    near = (other.node for each in family for other in trace(connection, each, forward=True, viewer=viewer).value)
    sisters = [bag for bag in dict.fromkeys(near) if isinstance(bag, BagId) and bag not in own]
    dossier = dossier_of(connection, [node, viewer.study])
    recall = next(iter(recalls_over(dossier, (node,))), None)
    return Seen(
        RecallList(
            node=node,
            recall=recall.act.recall if recall is not None else "",
            reason=recall.act.reason if recall is not None else "",
            bags=_bags(connection, viewer, own, named=node.kind not in DONOR_SIDE),
            sisters=_bags(connection, viewer, sisters, named=node.kind not in DONOR_SIDE),
            behind=behind,
            others=tuple(each for each in ahead if not isinstance(each.node, BagId | ParticipantId)),
            as_of=now,
        )
    )


def _bags(connection: Connection, viewer: Viewer, bags: Iterable[BagId], *, named: bool) -> tuple[BagTraced, ...]:
    """Those that must be brought back first, then those given, then those that are gone."""
    wanted = list(bags)
    if not wanted or viewer.study is None:
        return ()
    try:
        found = list(_traced(dossier_of(connection, [*wanted, viewer.study]), wanted, viewer))
    except LedgerBrokenError:
        found = [one for bag in wanted for one in _one_by_one(connection, viewer, bag)]
    if named:
        found = [_with_participant(connection, viewer, each) for each in found]
    return tuple(sorted(found, key=lambda each: (not each.is_loose, not each.given, each.bag.value)))


def _one_by_one(connection: Connection, viewer: Viewer, bag: BagId) -> Iterator[BagTraced]:
    """A recall leaves no bag out because another's record, or its own, does not prove itself."""
    assert viewer.study is not None
    try:
        yield from _traced(dossier_of(connection, [bag, viewer.study]), [bag], viewer)
    except LedgerBrokenError:
        yield BagTraced(bag=bag, lot=None, state="", holder="", since=None, unknown="ledger")


def _traced(dossier: Dossier, bags: Iterable[BagId], viewer: Viewer) -> Iterator[BagTraced]:
    assert viewer.study is not None
    study = StudyFold(dossier, viewer.study)
    for bag in bags:
        fold = BagFold(dossier, bag, study)
        lot, stopped = None, bool(open_holds(dossier, bag))
        try:
            lot = fold.lot_id
            interval = fold.custody.intervals[-1]
            yield BagTraced(
                bag=bag,
                lot=lot,
                state=fold.state.value,
                holder=holder_of(dossier, interval.custodian),
                since=interval.start,
                dose=_dose_of(fold),
                given=fold.state in GIVEN,
                stopped=stopped or bool(recalls_over(dossier, (lot,))),
            )
        except MissingFact as missing:
            what = str(missing.reason.values.get("what", ""))
            yield BagTraced(bag=bag, lot=lot, state="", holder="", since=None, stopped=stopped, unknown=what)


def _dose_of(fold: BagFold) -> DoseId | None:
    """The dose it was opened for, else the one it is reserved for."""
    return fold.prepared.act.dose if fold.prepared is not None else fold.reserved_for


def _with_participant(connection: Connection, viewer: Viewer, bag: BagTraced) -> BagTraced:
    """The participant's code stands in the record of the dose."""
    if bag.dose is None or viewer.study is None:
        return bag
    dossier = dossier_of(connection, [bag.dose, viewer.study])
    try:
        participant = DoseFold(dossier, bag.dose, StudyFold(dossier, viewer.study)).participant
    except MissingFact:
        return bag
    return replace(bag, participant=participant)
