"""Loads dossiers: the closure of what is judged, ring by ring, with heads and temperature series."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from custody.domain.dossier import Deeds, Dossier, Head, closure
from custody.domain.folds.cold_window import series_wanted
from custody.domain.ids import BagId, Digest, EquipmentId, LoggerId, Node, ShipmentId, TissueId
from custody.store import entries, series
from custody.store.proven import Proven, Reading

DOSSIERS_REMEMBERED = 2048
SAY_WHICH_SERIES = tuple(f"{kind.kind}:" for kind in (BagId, EquipmentId, LoggerId, ShipmentId, TissueId))
"""Where the streams of these things change, other temperature series may be asked for."""


@dataclass(frozen=True)
class _Made:
    """What a dossier was made of last time, to be made again from what has changed since."""

    proven: Mapping[str, Proven]
    streams: Mapping[str, Deeds]
    heads: Mapping[str, Head]
    series: frozenset[Digest]
    reading: Reading


_Start = tuple[str, tuple[Node, ...]]
"""A store by its URL, and the roots."""
_made: OrderedDict[_Start, tuple[_Made, float]] = OrderedDict()
"""The one used last stands last, with when that began (monotonic seconds)."""
_guard = threading.Lock()


def dossier_of(connection: Connection, roots: Iterable[Node]) -> Dossier:
    """Everything the ledger says about `roots` and their ancestors. Raises LedgerBrokenError when a stream does not prove itself."""
    start = str(connection.get_execution_options().get("custody_store", "")), tuple(dict.fromkeys(roots))
    began = time.monotonic()
    made = _again(connection, start) or _anew(connection, start[1])
    _remember(start, made, began)
    return Dossier(
        streams=made.streams,
        heads=made.heads,
        series=series.load_series(connection, made.series) if made.series else {},
        last_recorded_at=entries.last_recorded_at(connection),
    )


def _anew(connection: Connection, start: tuple[Node, ...]) -> _Made:
    """Ring by ring."""
    proven: dict[str, Proven] = {}

    def load(ring: tuple[Node, ...]) -> dict[str, Deeds]:
        found = entries.proven_streams(connection, [node.key for node in ring])
        proven.update(found)
        return {key: each.deeds for key, each in found.items()}

    streams = closure(start, load)
    return _made_of({key: proven[key] for key in streams}, entries.reading_of(connection, streams))


def _again(connection: Connection, start: _Start) -> _Made | None:
    """In one go, where no stream has come to link to other things since; None where one has, or where this is the first time."""
    kept = _made.get(start)
    if kept is None:
        return None
    before = kept[0]
    wanted = entries.grown_since(connection, before.proven, before.reading)
    if wanted is not None and not wanted:
        return before
    found = entries.proven_streams(connection, before.proven if wanted is None else wanted)
    reading = entries.reading_of(connection, found)
    if wanted is not None:
        reading = replace(reading, at=min(reading.at, before.reading.at))
    changed = {key: proven for key, proven in found.items() if proven is not before.proven[key]}
    if any(_links(proven.deeds) != _links(before.streams[key]) for key, proven in changed.items()):
        return None
    return _changed(before, changed, reading) if changed else replace(before, reading=reading)


def _made_of(proven: Mapping[str, Proven], reading: Reading) -> _Made:
    streams = {key: each.deeds for key, each in proven.items()}
    return _Made(
        proven=proven,
        streams=streams,
        heads={key: each.head for key, each in proven.items() if each.head is not None},
        series=series_wanted(Dossier(streams=streams)),
        reading=reading,
    )


def _changed(before: _Made, changed: Mapping[str, Proven], reading: Reading) -> _Made:
    """`before`, and what has changed since."""
    proven = {**before.proven, **changed}
    if any(key.startswith(SAY_WHICH_SERIES) for key in changed):
        return _made_of(proven, reading)
    return _Made(
        proven=proven,
        streams={**before.streams, **{key: each.deeds for key, each in changed.items()}},
        heads={**before.heads, **{key: each.head for key, each in changed.items() if each.head is not None}},
        series=before.series,
        reading=reading,
    )


def _links(deeds: Deeds) -> tuple[tuple[Node, ...], ...]:
    return (deeds.followed, deeds.contained, deeds.places)


def _remember(start: _Start, made: _Made, began: float) -> None:
    """What a dossier was made of stays in memory by this too: it does not outlive its streams there."""
    with _guard:
        _made[start] = made, began
        _made.move_to_end(start)
        forgotten = entries.forgotten_until()
        while len(_made) > DOSSIERS_REMEMBERED or (_made and next(iter(_made.values()))[1] < forgotten):
            _made.popitem(last=False)
