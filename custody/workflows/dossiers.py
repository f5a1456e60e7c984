"""Loads dossiers: the closure of what is judged, ring by ring, with heads and temperature series."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from sqlalchemy import Connection

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.dossier import Deeds, Dossier, Entry, closure, deeds_of
from custody.domain.ids import Node
from custody.store import entries, series


@lru_cache(maxsize=4096)
def _folded(stream: tuple[Entry, ...]) -> Deeds:
    return deeds_of(stream)


def dossier_of(connection: Connection, roots: Iterable[Node]) -> Dossier:
    """Everything the ledger says about `roots` and their ancestors. Raises LedgerBrokenError when a stream does not prove itself."""

    def load(ring: tuple[Node, ...]) -> dict[str, Deeds]:
        streams = entries.load_streams(connection, [node.key for node in ring])
        return {key: _folded(_Stream(found)) for key, found in streams.items()}

    start = tuple(dict.fromkeys(roots))
    # What such a dossier was made of last time is read in one go; the closure then finds it proved, or reads on.
    expected = _REACHED.get(start)
    if expected is not None:
        entries.load_streams(connection, expected)
    streams = closure(start, load)
    _remember(start, tuple(streams))
    digests = {d.act.series for deeds in streams.values() for d in deeds if isinstance(d.act, LoggerFileRead)}
    # The newest entry alone would do, had nothing been recorded since the clock was set back.
    latest = max((deeds[-1].recorded_at for deeds in streams.values() if deeds), default=None)
    return Dossier(
        streams=streams,
        heads=entries.heads(connection, streams),
        series=series.load_series(connection, digests) if digests else {},
        last_recorded_at=max((at for at in (entries.last_recorded_at(connection), latest) if at is not None), default=None),
    )


_REACHED: OrderedDict[tuple[Node, ...], tuple[str, ...]] = OrderedDict()
DOSSIERS_REMEMBERED = 2048


def _remember(start: tuple[Node, ...], reached: tuple[str, ...]) -> None:
    _REACHED[start] = reached
    while len(_REACHED) > DOSSIERS_REMEMBERED:
        with suppress(KeyError):
            _REACHED.popitem(last=False)


class _Stream(tuple[Entry, ...]):
    """A stream that is known by its last entry: its digest stands for everything before it."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash((len(self), self[-1].digest)) if self else 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Stream) or len(self) != len(other):
            return False
        return not self or self[-1].digest == other[-1].digest
