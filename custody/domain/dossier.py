"""The dossier: everything the ledger says about one node and its ancestors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import overload

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


@dataclass(frozen=True)
class Head:
    """How far a stream had been written when it was read."""

    position: int
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """What the ledger says: deeds by stream name, the heads read, and the temperature series by digest.

    A stream that was read and is empty has an entry with no deeds; one that was never read has none.
    """

    streams: Mapping[str, Deeds]
    heads: Mapping[str, Head] = field(default_factory=dict)
    series: Mapping[Digest, Series] = field(default_factory=dict)
    last_recorded_at: datetime | None = None

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
        if stream is None:
            return ()
        return stream.once(("deeds", kinds), lambda: tuple(d for d in stream if not kinds or isinstance(d.act, kinds)))

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

    def knows(self, node: Node) -> bool:
        return bool(self.streams.get(node.key))

    def parents(self, node: Node) -> tuple[Node, ...]:
        """Nodes that this node's acts follow, in the order first named, each once."""
        stream = self.streams.get(node.key)
        return () if stream is None else stream.followed

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
