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
from custody.domain.ids import BagId, DoseId, LotId, Node, ParticipantId, node_of
from custody.domain.lineage import open_holds, recalls_over
from custody.domain.masking import Seen, Viewer
from custody.errors import LedgerBrokenError, NotFoundError
from custody.workflows.desks.recall_bags import DONOR_SIDE
from custody.workflows.dossiers import dossier_of
from custody.workflows.standing import holder_of
from custody.workflows.tracing import Traced, followed, trace

SHOWN_AT_MOST = 300
"""Things on the page of a list; of more the page shows the nearest, and the file has them all."""
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

    `others`: what else came from it (banks, lots, shipments, doses); participants stand with their bags. `cut`: there is more than this.
    """

    node: Node
    recall: str
    reason: str
    bags: tuple[BagTraced, ...]
    sisters: tuple[BagTraced, ...]
    behind: tuple[Traced, ...]
    others: tuple[Traced, ...]
    as_of: datetime
    cut: bool = False

    @property
    def participants(self) -> tuple[ParticipantId, ...]:
        """Everybody who got, or was to get, one of the bags."""
        return tuple(dict.fromkeys(bag.participant for bag in self.bags if bag.participant is not None))


def recall_list(connection: Connection, viewer: Viewer, node: Node, now: datetime) -> Seen[RecallList]:
    """The list in both directions, each bag as its record tells. Raises NotFoundError for a thing that does not exist for this viewer."""
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    ahead, more = _ahead(connection, viewer, node)
    behind, more_behind = _nearest(connection, viewer, node, forward=False)
    own = dict.fromkeys(each.node for each in ahead if isinstance(each.node, BagId))
    if isinstance(node, BagId):
        own = {node: None}
    family = [each.node for each in behind if each.node.kind in SHARED]
    near = [_nearest(connection, viewer, each, forward=True) for each in family]
    found = dict.fromkeys(other.node for things, _ in near for other in things)
    sisters = [bag for bag in found if isinstance(bag, BagId) and bag not in own]
    dossier = dossier_of(connection, [node, viewer.study])
    recall = next(iter(recalls_over(dossier, (node,))), None)
    return Seen(
        RecallList(
            node=node,
            recall=recall.act.recall if recall is not None else "",
            reason=recall.act.reason if recall is not None else "",
            bags=_bags(connection, viewer, own, named=node.kind not in DONOR_SIDE),
            sisters=_bags(connection, viewer, sisters[:SHOWN_AT_MOST], named=node.kind not in DONOR_SIDE),
            behind=behind,
            others=tuple(each for each in ahead if not isinstance(each.node, BagId | ParticipantId)),
            as_of=now,
            cut=more or more_behind or len(sisters) > SHOWN_AT_MOST or any(each for _, each in near),
        )
    )


def _ahead(connection: Connection, viewer: Viewer, node: Node) -> tuple[tuple[Traced, ...], bool]:
    """The bags that came from it and the other things, as many of each as a page shows, and whether there are more."""
    kept: dict[bool, list[Traced]] = {True: [], False: []}
    for steps, things in followed(connection, node, forward=True, viewer=viewer).value:
        for stream, _, act, *_ in sorted(things):
            of_kind = kept[stream.startswith(BagId.kind)]
            if len(of_kind) <= SHOWN_AT_MOST:
                of_kind.append(Traced(node=node_of(stream), steps=steps, newest_act=act))
        if len(kept[True]) > SHOWN_AT_MOST:
            break
    found = sorted((*kept[True][:SHOWN_AT_MOST], *kept[False][:SHOWN_AT_MOST]), key=lambda each: (each.steps, each.node.key))
    return tuple(found), any(len(of_kind) > SHOWN_AT_MOST for of_kind in kept.values())


def _nearest(connection: Connection, viewer: Viewer, node: Node, *, forward: bool) -> tuple[tuple[Traced, ...], bool]:
    """As many things as a page shows, and whether there are more."""
    found = trace(connection, node, forward=forward, viewer=viewer, limit=SHOWN_AT_MOST + 1).value
    return found[:SHOWN_AT_MOST], len(found) > SHOWN_AT_MOST


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
