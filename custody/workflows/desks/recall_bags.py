"""Every bag that came from a thing, however many: told from the lookups while they are found, for a file that is sent as it is made.

What stands there is what was recorded last; where a bag is now, and whether it is loose, its own sheet works out from its record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from custody.domain.ids import BagId, Node
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError
from custody.store import traces
from custody.workflows.tracing import Reached, Thing, followed_to, itself

DONOR_SIDE = frozenset({"donor", "donation"})
"""Donor and participant never meet on one screen (rules, first principles): their lists name doses, each lot's list the participants."""
_BAG, _LOT = "bag:", "lot:"


BagListed = tuple[str, str, str, str, str, str, str]
"""One bag by names alone: itself, its lot, the doses it was named for, the participants of these, and the newest act about it, the site of
who recorded it and when. Several names stand in one text with spaces between.
"""


def recall_bags(connection: Connection, viewer: Viewer, node: Node) -> Seen[Iterator[list[BagListed]]]:
    """The bags, nearest first, some at a time; behind a donor no participants. Raises NotFoundError as `recall_list`, before any is."""
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    if isinstance(node, BagId):
        found = iter((itself(connection, node, viewer).value,))
    else:
        found = followed_to(connection, node, BagId.kind, viewer=viewer).value
    return Seen(_listed(connection, found, named=node.kind not in DONOR_SIDE))


def _listed(connection: Connection, found: Iterator[Reached], *, named: bool) -> Iterator[list[BagListed]]:
    for each in found:
        bags = [thing for thing in each.things if thing[0].startswith(_BAG)]
        if bags:
            yield _with_names(connection, bags, named=named)


def _with_names(connection: Connection, bags: list[Thing], *, named: bool) -> list[BagListed]:
    # Nearly all are found by their lot; of the others it is asked for.
    elsewhere = [stream for stream, via, *_ in bags if not via.startswith(_LOT)]
    lots = traces.parents_of_kind(connection, elsewhere, "lot")
    doses = traces.children_of_kind(connection, [thing[0] for thing in bags], "dose")
    people = traces.children_of_kind(connection, sorted({dose for each in doses.values() for dose in each}), "participant") if named else {}
    bag, lot = len(_BAG), len(_LOT)
    rows = []
    for stream, via, act, site, recorded_at in bags:
        of_lot = via[lot:] if via.startswith(_LOT) else _names(lots.get(stream, ()))
        named_for = doses.get(stream)
        if named_for is None:
            rows.append((stream[bag:], of_lot, "", "", act, site, recorded_at))
            continue
        given = _names(one for dose in named_for for one in people.get(dose, ()))
        rows.append((stream[bag:], of_lot, _names(named_for), given, act, site, recorded_at))
    return rows


def _names(streams: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(stream.partition(":")[2] for stream in streams))
