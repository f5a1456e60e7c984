"""Loads dossiers: the closure of what is judged, ring by ring, with heads and temperature series."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.dossier import Deeds, Dossier, Entry, closure, deeds_of
from custody.domain.ids import Digest, Node
from custody.store import entries, series

K = TypeVar("K")
V = TypeVar("V")
DOSSIERS_REMEMBERED = 2048
STREAMS_REMEMBERED = 8192


@dataclass(frozen=True)
class _Made:
    """What a dossier was made of last time, to be made again from what has changed since."""

    keys: tuple[str, ...]
    streams: Mapping[str, Deeds]
    series: frozenset[Digest]


_made: OrderedDict[tuple[Node, ...], _Made] = OrderedDict()
_folded: OrderedDict[tuple[str, int, str], Deeds] = OrderedDict()


def dossier_of(connection: Connection, roots: Iterable[Node]) -> Dossier:
    """Everything the ledger says about `roots` and their ancestors. Raises LedgerBrokenError when a stream does not prove itself."""
    start = tuple(dict.fromkeys(roots))
    made = _again(connection, start) or _anew(connection, start)
    _remember(_made, start, made, DOSSIERS_REMEMBERED)
    # The newest entry alone would do, had nothing been recorded since the clock was set back.
    latest = max((deeds[-1].recorded_at for deeds in made.streams.values() if deeds), default=None)
    newest = entries.last_recorded_at(connection)
    return Dossier(
        streams=made.streams,
        heads=entries.heads(connection, made.keys),
        series=series.load_series(connection, made.series) if made.series else {},
        last_recorded_at=max((at for at in (newest, latest) if at is not None), default=None),
    )


def _anew(connection: Connection, start: tuple[Node, ...]) -> _Made:
    """Ring by ring."""

    def load(ring: tuple[Node, ...]) -> dict[str, Deeds]:
        return _deeds(connection, [node.key for node in ring])

    streams = closure(start, load)
    return _Made(keys=tuple(streams), streams=streams, series=_series_of(streams.values()))


def _again(connection: Connection, start: tuple[Node, ...]) -> _Made | None:
    """In one go, where no stream has come to link to other things since; None where one has, or where this is the first time."""
    before = _made.get(start)
    if before is None:
        return None
    now = _deeds(connection, before.keys)
    changed = [key for key, deeds in now.items() if deeds is not before.streams[key]]
    if not changed:
        return before
    if any(_links(now[key]) != _links(before.streams[key]) for key in changed):
        return None
    return _Made(keys=before.keys, streams=now, series=_series_of(now.values()))


def _links(deeds: Deeds) -> tuple[tuple[Node, ...], ...]:
    return (deeds.followed, deeds.contained, deeds.places)


def _series_of(streams: Iterable[Deeds]) -> frozenset[Digest]:
    return frozenset(digest for deeds in streams for digest in deeds.once("series", partial(_series_in, deeds)))


def _series_in(deeds: Deeds) -> tuple[Digest, ...]:
    return tuple(deed.act.series for deed in deeds if isinstance(deed.act, LoggerFileRead))


def _deeds(connection: Connection, keys: Sequence[str]) -> dict[str, Deeds]:
    """The deeds of these streams, proved in this transaction; each state of a stream is folded once."""
    return {key: _fold(key, found) for key, found in entries.load_streams(connection, keys).items()}


def _fold(key: str, stream: tuple[Entry, ...]) -> Deeds:
    # The last entry's digest stands for everything before it.
    state = (key, len(stream), stream[-1].digest.value if stream else "")
    found = _folded.get(state)
    if found is None:
        found = deeds_of(stream)
        _remember(_folded, state, found, STREAMS_REMEMBERED)
    return found


def _remember(memory: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    memory[key] = value
    while len(memory) > most:
        with suppress(KeyError):  # another thread made room first
            memory.popitem(last=False)
