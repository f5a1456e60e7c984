"""The dossier: everything the ledger says about one node and its ancestors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, overload

from custody.domain.acts.base import Act
from custody.domain.deeds import A, B, C, Deed, Deeds, Entry, Signed, deeds_of, pending_proposals, signatures_needed
from custody.domain.ids import Digest, Node
from custody.domain.readings import Series

__all__ = [
    "Deed",
    "Deeds",
    "Dossier",
    "Entry",
    "Head",
    "Signed",
    "closure",
    "deeds_of",
    "pending_proposals",
    "signatures_needed",
]


R = TypeVar("R")


@dataclass(frozen=True)
class Head:
    """How far a stream had been written when it was read."""

    position: int
    digest: Digest


class _Read:
    """A node, kinds of acts (None: its parents were asked for), and what stood there: the same object or another.

    `stream` is the state of the stream in which that was last seen.
    """

    __slots__ = ("found", "kinds", "node", "stream")

    def __init__(self, node: Node, kinds: tuple[type[Act], ...] | None, found: tuple[object, ...], stream: Deeds | None) -> None:
        self.node = node
        self.kinds = kinds
        self.found = found
        self.stream = stream

    def is_same_in(self, stream: Deeds | None) -> bool:
        """Whether this reading would be the very same of another state of the stream."""
        if stream is None:
            return not self.found
        if (stream.followed if self.kinds is None else stream.of(self.kinds)) is not self.found:
            return False
        self.stream = stream
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Read) and (self.node, self.kinds) == (other.node, other.kinds)

    def __hash__(self) -> int:
        return hash((self.node, self.kinds))


@dataclass
class _Noted:
    """What was read for an answer: of streams, and whether temperature series were at hand that it asked for."""

    reads: list[_Read] = field(default_factory=list)
    series: dict[Digest, bool] = field(default_factory=dict)

    def add(self, reads: Iterable[_Read], series: Mapping[Digest, bool]) -> None:
        self.reads.extend(reads)
        self.series.update(series)


class _WorkedOut(NamedTuple):
    """An answer, and what was read for it. A series is named by its content, so that it was at hand is all there is to know."""

    read: tuple[_Read, ...]
    series: Mapping[Digest, bool]
    series_there: frozenset[Digest]
    answer: Any

    def rests_on(self, dossier: Dossier) -> bool:
        """Whether the same readings would be made of this dossier."""
        streams = dossier.streams
        for read in self.read:
            stream = streams.get(read.node.key)
            if stream is not read.stream and not read.is_same_in(stream):
                return False
        if not self.series:
            return True
        there = dossier.series.keys()
        return self.series_there <= there and (len(self.series_there) == len(self.series) or self._lacks_the_same(dossier))

    def _lacks_the_same(self, dossier: Dossier) -> bool:
        return not any(digest in dossier.series for digest, was_there in self.series.items() if not was_there)


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """What the ledger says: deeds by stream name, the heads read, and the temperature series by digest.

    A stream that was read and is empty has an entry with no deeds; one that was never read has none.
    """

    streams: Mapping[str, Deeds]
    heads: Mapping[str, Head] = field(default_factory=dict)
    series: Mapping[Digest, Series] = field(default_factory=dict)
    last_recorded_at: datetime | None = None
    _noted: _Noted | None = field(default=None, repr=False, compare=False)
    _holding: tuple[Mapping[str, Deeds], dict[tuple[type[Act], ...], frozenset[str]]] | None = field(
        default=None, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if any(type(stream) is not Deeds for stream in self.streams.values()):
            object.__setattr__(self, "streams", {key: Deeds(stream) for key, stream in self.streams.items()})

    @overload
    def deeds(self, node: Node, first: type[A], /) -> tuple[Deed[A], ...]: ...
    @overload
    def deeds(self, node: Node, first: type[A], second: type[B], /) -> tuple[Deed[A | B], ...]: ...
    @overload
    def deeds(self, node: Node, first: type[A], second: type[B], third: type[C], /) -> tuple[Deed[A | B | C], ...]: ...
    @overload
    def deeds(self, node: Node, /, *kinds: type[Act]) -> tuple[Deed[Act], ...]: ...
    def deeds(self, node: Node, /, *kinds: type[Act]) -> tuple[Deed[Act], ...]:
        """The deeds of these kinds in the node's stream, oldest first (all of them when no kind is given)."""
        stream = self.streams.get(node.key)
        found: tuple[Deed[Act], ...] = () if stream is None else stream.of(kinds)
        if self._noted is not None:
            self._noted.reads.append(_Read(node, kinds, found, stream))
        return found

    @overload
    def last(self, node: Node, first: type[A], /) -> Deed[A] | None: ...
    @overload
    def last(self, node: Node, first: type[A], second: type[B], /) -> Deed[A | B] | None: ...
    @overload
    def last(self, node: Node, first: type[A], second: type[B], third: type[C], /) -> Deed[A | B | C] | None: ...
    @overload
    def last(self, node: Node, /, *kinds: type[Act]) -> Deed[Act] | None: ...
    def last(self, node: Node, /, *kinds: type[Act]) -> Deed[Act] | None:
        """The latest deed of these kinds, or None."""
        found = self.deeds(node, *kinds)
        return found[-1] if found else None

    @overload
    def first(self, node: Node, first: type[A], /) -> Deed[A] | None: ...
    @overload
    def first(self, node: Node, first: type[A], second: type[B], /) -> Deed[A | B] | None: ...
    def first(self, node: Node, /, *kinds: type[Act]) -> Deed[Act] | None:
        """The earliest deed of these kinds, or None."""
        found = self.deeds(node, *kinds)
        return found[0] if found else None

    def readings(self, digest: Digest) -> Series | None:
        """The temperature series with this digest; None when it is not at hand."""
        found = self.series.get(digest)
        if self._noted is not None:
            self._noted.series[digest] = digest in self.series
        return found

    def streams_holding(self, kinds: tuple[type[Act], ...]) -> frozenset[str]:
        """The streams with an act of these kinds, looked for once. For lists: what a gate reads of one is noted, this is not."""
        if self._holding is None or self._holding[0] is not self.streams:
            object.__setattr__(self, "_holding", (self.streams, {}))
        assert self._holding is not None
        known = self._holding[1]
        if kinds not in known:
            known[kinds] = frozenset(key for key, deeds in self.streams.items() if deeds.of(kinds))
        return known[kinds]

    def knows(self, node: Node) -> bool:
        return bool(self.deeds(node))

    def once(self, about: Node, key: object, work_out: Callable[[Dossier], R]) -> R:
        """`work_out(dossier)`, done once for `key` and for what it reads of the dossier it is given.

        It may rest on nothing else, least of all on a fold made before: what it reads is noted, and asked again of this or of any
        later dossier, the first answer counts as long as every one of these readings would be the very same.
        """
        home = self.streams.get(about.key)
        # Streams in which nothing stands are one and the same in the store, and would share their answers.
        if not home:
            return work_out(self)
        known = home.worked_out.get(key)
        if not isinstance(known, _WorkedOut) or not known.rests_on(self):
            noted = _Noted()
            try:
                answer = work_out(replace(self, _noted=noted))
            except Exception:
                # Whoever makes an answer of this error rests on what was read before it.
                if self._noted is not None:
                    self._noted.add(noted.reads, noted.series)
                raise
            there = frozenset(digest for digest, is_there in noted.series.items() if is_there)
            known = _WorkedOut(tuple(dict.fromkeys(noted.reads)), noted.series, there, answer)
            home.worked_out[key] = known
        if self._noted is not None:
            self._noted.add(known.read, known.series)
        found: R = known.answer
        return found

    def parents(self, node: Node) -> tuple[Node, ...]:
        """Nodes that this node's acts follow, in the order first named, each once."""
        stream = self.streams.get(node.key)
        found = () if stream is None else stream.followed
        if self._noted is not None:
            self._noted.reads.append(_Read(node, None, found, stream))
        return found

    def ancestors(self, node: Node) -> tuple[Node, ...]:
        """Everything reached by following parents, nearest first; never the node itself."""
        found: dict[Node, None] = {}
        ring: tuple[Node, ...] = (node,)
        while ring:
            ring = tuple(dict.fromkeys(p for n in ring for p in self.parents(n) if p not in found and p != node))
            found.update(dict.fromkeys(ring))
        return tuple(found)

    def without(self, node: Node, digest: Digest) -> Dossier:
        """The same dossier with one deed left out: a correction is judged as if the wrong act had never been."""
        stream = Deeds(deed for deed in self.streams.get(node.key, ()) if deed.digest != digest)
        return replace(self, streams={**self.streams, node.key: stream})


def closure(roots: Iterable[Node], load: Callable[[tuple[Node, ...]], Mapping[str, Deeds]]) -> dict[str, Deeds]:
    """All streams of a dossier: the roots, what their own acts contain, and ring by ring what is followed.

    `load` reads the streams of one ring. Returns deeds by stream name.
    """
    streams: dict[str, Deeds] = {}
    ring = tuple(dict.fromkeys(roots))
    first = True
    while ring:
        found = load(ring)
        streams.update(found)
        reached = dict.fromkeys(node for deeds in found.values() for node in _reached(deeds, contents=first))
        ring = tuple(node for node in reached if node.key not in streams)
        first = False
    return streams


def _reached(deeds: Deeds, *, contents: bool) -> tuple[Node, ...]:
    return (*deeds.followed, *(deeds.contained if contents else ()), *deeds.places)
