"""What happened in a simulated trial, counted as it happens; and what must never happen, kept word for word."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from custody.domain.ids import Digest
from custody.errors import CustodyError
from custody.workflows.simulation.kinds import Delay, Fault, Slip

CAUGHT_AS = {"stopped": "STOP", "cannot_check": "CANNOT CHECK", "refused": "refused"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one signature: `codes` are those of the STOP, or of the refusal."""

    kind: Literal["recorded", "waiting", "stopped", "cannot_check", "refused"]
    codes: tuple[str, ...] = ()
    proposal: Digest | None = None
    entry: Digest | None = None
    error: CustodyError | None = None

    @property
    def is_done(self) -> bool:
        return self.kind == "recorded"

    @property
    def is_caught(self) -> bool:
        return self.kind in CAUGHT_AS

    def has(self, *codes: str) -> bool:
        return any(code in codes for code in self.codes)

    @property
    def words(self) -> str:
        return " ".join((CAUGHT_AS.get(self.kind, self.kind), *self.codes))


@dataclass(frozen=True, kw_only=True)
class Unsafe:
    """Something got through that should not have: what, about which thing, and when."""

    what: str
    about: str
    at: datetime


@dataclass
class Caught:
    """How often a mistake was made, how often it was stopped or refused, and with which words."""

    made: int = 0
    caught: int = 0
    by: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """`stops` by hold point and code; `doses` by how they ended; `led_to` of every fault."""

    done: Counter[str] = field(default_factory=Counter)
    stops: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    doses: Counter[str] = field(default_factory=Counter)
    dose_stops: Counter[str] = field(default_factory=Counter)
    slips: dict[Slip, Caught] = field(default_factory=lambda: defaultdict(Caught))
    delays: Counter[Delay] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    led_to: dict[Fault, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unsafe: list[Unsafe] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def slip(self, kind: Slip, answer: Answer, about: object, now: datetime) -> None:
        """A mistake was made, and this is the answer to it."""
        seen = self.slips[kind]
        seen.made += 1
        if not answer.is_caught:
            self.unsafe.append(Unsafe(what=f"mistake not caught: {kind}", about=str(about), at=now))
            return
        seen.caught += 1
        seen.by[answer.words] += 1

    def fault(self, kind: Fault) -> None:
        self.faults[kind] += 1

    def stop(self, point: str, codes: tuple[str, ...]) -> None:
        self.done["STOP"] += 1
        self.stops[point].update(codes)
