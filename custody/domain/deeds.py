"""Entries and deeds: what stands in one stream, and what of it is in effect.

`deeds_of` folds the entries of one stream: a proposal takes effect with its last countersignature,
a correction replaces what it corrects, a withdrawal leaves nothing. The first entries stay; only the reading changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from custody.domain.acts.base import ACTS, CONTAINED, FOLLOWED, Act, field_types, marked_nodes
from custody.domain.acts.codec import act_from, body_of
from custody.domain.acts.record import Corrected, Countersigned, ProposalWithdrawn, Proposed
from custody.domain.ids import AccountId, Digest, Node, PersonId, SiteId, StudyId
from custody.domain.terms import Meaning, Role
from custody.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Signed:
    """One person's part in an act: who, in which role, with which meaning (None: recorded, not signed), when."""

    account: AccountId
    person: PersonId
    printed_name: str
    role: Role
    site: SiteId
    meaning: Meaning | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One act as it stands in the ledger. `digest` is the entry's own, over its envelope and the one before it."""

    stream: str
    position: int
    digest: Digest
    act: Act
    happened_at: datetime
    recorded_at: datetime
    by: Signed
    study: StudyId | None
    station: str


A = TypeVar("A", bound=Act)
B = TypeVar("B", bound=Act)
C = TypeVar("C", bound=Act)
A_co = TypeVar("A_co", bound=Act, covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Deed(Generic[A_co]):
    """An act in effect: the entry that made it so, and everyone who signed it, first to last.

    `second_answers` is what the second person scanned and read, for acts that must be repeated.
    """

    act: A_co
    entry: Entry
    signers: tuple[Signed, ...]
    began: Entry
    second_answers: str = ""
    corrected: bool = False

    @property
    def at(self) -> datetime:
        """When it happened, as the person said."""
        return self.began.happened_at

    @property
    def recorded_at(self) -> datetime:
        return self.entry.recorded_at

    @property
    def digest(self) -> Digest:
        """The entry that carries the act itself; results, corrections and reviews refer to it."""
        return self.began.digest

    @cached_property
    def persons(self) -> frozenset[PersonId]:
        return frozenset(signer.person for signer in self.signers)

    @cached_property
    def is_repeated_alike(self) -> bool:
        """Whether two different people scanned and read the same in an act that has to be repeated (rules section 10).

        A correction was signed again by the same roles, so there the two signatures stand for the agreement.
        """
        if len(self.persons) < 2:
            return False
        if self.corrected:
            return True
        try:
            answers = json.loads(self.second_answers)
            again = act_from(self.act.rule.name, self.act.rule.version, {**body_of(self.act), **answers})
        except (ValueError, TypeError, InputError):
            return False
        scanned = [name for name, field in field_types(type(self.act)).items() if field.scanned]
        return all(name in answers and getattr(again, name) == getattr(self.act, name) for name in scanned)


_NOT_YET = object()


class Deeds(tuple[Deed[Act], ...]):  # noqa: SLOT001 - it remembers what was worked out from it
    """The acts of one stream that are in effect, oldest first; what they link to is worked out once."""

    @cached_property
    def memory(self) -> dict[object, object]:
        """What was worked out from these deeds and never changes again, because they do not."""
        return {}

    @cached_property
    def worked_out(self) -> dict[object, object]:
        """What was worked out from these deeds and others, with what it rests on; it goes on with the stream as the stream grows."""
        return {}

    def let_go(self) -> None:
        """Forget what was worked out; whoever asks again works it out again."""
        for known in ("memory", "worked_out"):
            if known in vars(self):
                vars(self)[known].clear()

    def of(self, kinds: tuple[type[Act], ...]) -> tuple[Deed[Act], ...]:
        """The deeds of these kinds, all of them where none is given; the very same tuple until one of these kinds is added."""
        if not kinds:
            return self
        found: tuple[Deed[Act], ...] = ()
        number = 0
        known = self._of_kinds.get(kinds)
        if known is not None and self._begins_with(*known[:2]):
            number, _, found = known
        if known is None or number < len(self):
            more = tuple(d for d in self[number:] if isinstance(d.act, kinds))
            found = (*found, *more) if more else found
            self._of_kinds[kinds] = (len(self), self[-1] if self else None, found)
        return found

    def _begins_with(self, number: int, last: Deed[Act] | None) -> bool:
        """Whether the first `number` of these deeds, in a stream that only grew, are those that ended with `last`."""
        if number > len(self):
            return False
        return last is None or self[number - 1] is last or self[number - 1].entry.digest == last.entry.digest

    @cached_property
    def _of_kinds(self) -> dict[tuple[type[Act], ...], tuple[int, Deed[Act] | None, tuple[Deed[Act], ...]]]:
        """How many deeds were looked through, the last of them, those of the kinds; shared by all states of a stream that grows."""
        return {}

    def gathered(self, key: object, of_one: Callable[[Deed[Act]], Iterable[R]]) -> frozenset[R]:
        """All that `of_one` says of these deeds; where a stream grew, only the new ones are asked. It may rest on the deed alone."""
        number, last, found = self._gathered.get(key, (0, None, frozenset()))
        if not self._begins_with(number, last):
            number, found = 0, frozenset()
        if number < len(self):
            more = {each for deed in self[number:] for each in of_one(deed)}
            found = found if more <= found else found | more
            self._gathered[key] = (len(self), self[-1], found)
        return found

    @cached_property
    def _gathered(self) -> dict[object, tuple[int, Deed[Act] | None, frozenset[Any]]]:
        """How many deeds were asked, the last of them, and what they said; shared by all states of a stream that grows."""
        return {}

    def once(self, key: object, work_out: Callable[[], R]) -> R:
        """`work_out()`, done once for this `key`; it may read nothing but these deeds and the key."""
        found = self.memory.get(key, _NOT_YET)
        if found is _NOT_YET:
            found = self.memory[key] = work_out()
        return found  # type: ignore[return-value]

    def followed_by(self, more: Deeds) -> Deeds:
        """Both, one behind the other; where `more` links to nothing new, the links are the very same objects."""
        both = Deeds((*self, *more))
        for links in ("followed", "contained", "places"):
            known, new = getattr(self, links), getattr(more, links)
            vars(both)[links] = known if set(new).issubset(known) else tuple(dict.fromkeys((*known, *new)))
        vars(both)["worked_out"] = self.worked_out
        vars(both)["_of_kinds"] = self._of_kinds
        vars(both)["_gathered"] = self._gathered
        return both

    @cached_property
    def followed(self) -> tuple[Node, ...]:
        """Nodes that these acts follow, in the order first named, each once."""
        return tuple(dict.fromkeys(node for deed in self for node in marked_nodes(deed.act, FOLLOWED.word)))

    @cached_property
    def contained(self) -> tuple[Node, ...]:
        """Nodes that belong to the stream's own thing and to nothing that reaches it."""
        return tuple(dict.fromkeys(node for deed in self for node in marked_nodes(deed.act, CONTAINED.word)))

    @cached_property
    def places(self) -> tuple[Node, ...]:
        """The sites and studies these acts belong to: always followed."""
        sites = (deed.entry.by.site for deed in self)
        studies = (deed.entry.study for deed in self if deed.entry.study is not None)
        return tuple(dict.fromkeys((*sites, *studies)))


@dataclass
class _Waiting:
    proposal: Proposed
    entry: Entry
    signers: list[Signed]


def deeds_of(entries: Iterable[Entry]) -> Deeds:
    """The acts of one stream that are in effect, in the order in which they took effect."""
    deeds: list[Deed[Act]] = []
    waiting: dict[Digest, _Waiting] = {}
    for entry in entries:
        match entry.act:
            case Proposed() as proposal:
                waiting[proposal.proposal] = _Waiting(proposal, entry, [entry.by])
            case ProposalWithdrawn(proposal=digest):
                waiting.pop(digest, None)
            case Countersigned(proposal=digest, answers=answers) if digest in waiting:
                found = waiting[digest]
                found.signers.append(entry.by)
                if len(found.signers) >= signatures_needed(found.proposal):
                    del waiting[digest]
                    deeds.append(_in_effect(found, entry, answers))
            case Countersigned():
                pass  # its proposal was withdrawn first
            case act:
                deeds.append(Deed(act=act, entry=entry, signers=(entry.by,), began=entry))
    return Deeds(_with_corrections(deeds))


def deeds_after(before: Deeds, new: Sequence[Entry]) -> Deeds | None:
    """The same deeds with those of `new` entries behind them; None where one of these changes what stood before."""
    if any(isinstance(entry.act, Countersigned | Corrected) for entry in new):
        return None
    plain = [entry for entry in new if not isinstance(entry.act, Proposed | ProposalWithdrawn)]
    if not plain:
        return before
    more = Deeds(Deed(act=entry.act, entry=entry, signers=(entry.by,), began=entry) for entry in plain)
    return before.followed_by(more)


def signatures_needed(proposal: Proposed) -> int:
    """How many people must sign; a correction needs as many as the act it corrects."""
    name = json.loads(proposal.body)["act"] if proposal.act == Corrected.rule.name else proposal.act
    return len(ACTS[name].slots)


def _in_effect(found: _Waiting, last: Entry, answers: str) -> Deed[Act]:
    proposal = found.proposal
    act = act_from(proposal.act, proposal.act_version, json.loads(proposal.body))
    return Deed(act=act, entry=last, signers=tuple(found.signers), began=found.entry, second_answers=answers)


def _with_corrections(deeds: list[Deed[Act]]) -> tuple[Deed[Act], ...]:
    corrections = [d for d in deeds if isinstance(d.act, Corrected)]
    if not corrections:
        return tuple(deeds)
    standing = {d.digest: d for d in deeds if not isinstance(d.act, Corrected)}
    for correction in corrections:
        act = correction.act
        assert isinstance(act, Corrected)
        wrong = standing.get(act.entry)
        if wrong is not None:
            right = act_from(act.act, act.act_version, json.loads(act.replacement))
            standing[act.entry] = replace(wrong, act=right, corrected=True, signers=correction.signers)
    return tuple(standing.values())


def pending_proposals(entries: Iterable[Entry]) -> tuple[tuple[Entry, tuple[Signed, ...]], ...]:
    """Proposals of one stream that still wait for somebody, each with who has signed so far."""
    waiting: dict[Digest, tuple[Entry, list[Signed]]] = {}
    for entry in entries:
        match entry.act:
            case Proposed(proposal=digest):
                waiting[digest] = (entry, [entry.by])
            case ProposalWithdrawn(proposal=digest):
                waiting.pop(digest, None)
            case Countersigned(proposal=digest) if digest in waiting:
                proposal, signers = waiting[digest]
                signers.append(entry.by)
                assert isinstance(proposal.act, Proposed)
                if len(signers) >= signatures_needed(proposal.act):
                    del waiting[digest]
            case _:
                pass
    return tuple((entry, tuple(signers)) for entry, signers in waiting.values())
