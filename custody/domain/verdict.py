"""What a gate answers and what a hold point decides: values that cannot be mistaken for a yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from custody.domain.ids import BagId, Digest, Node
from custody.domain.terms import HoldPoint, VerdictWord


@dataclass(frozen=True, init=False)
class Reason:
    """Why, as a code with values: `Reason("ends_after_expiry", expires_at=…)`. Sentences are made at the edge, in the reader's language."""

    code: str
    values: Mapping[str, object]

    def __init__(self, code: str, **values: object) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "values", values)

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.values))))


@dataclass(frozen=True)
class Passed:
    """The rule holds. `note` says so where a reader would wonder (“no donor” for a placebo)."""

    evidence: tuple[Digest, ...] = ()
    note: Reason | None = None


@dataclass(frozen=True)
class Blocked:
    """The rule does not hold, or cannot be shown to hold."""

    reason: Reason
    evidence: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Excepted:
    """The rule does not hold, and an exceptional release covers exactly this result for exactly this dose."""

    reason: Reason
    evidence: tuple[Digest, ...] = ()


Outcome = Passed | Blocked | Excepted


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one gate, for one bag (or other part) where the subject has several."""

    gate: str
    revision: int
    outcome: Outcome
    about: Node | None = None

    @property
    def blocks(self) -> bool:
        return isinstance(self.outcome, Blocked)

    @property
    def bag(self) -> BagId | None:
        return self.about if isinstance(self.about, BagId) else None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All findings at a hold point. Ask `is_go`; a verdict is never true or false by itself."""

    hold_point: HoldPoint
    subject: Node
    judged_at: datetime
    findings: tuple[Finding, ...]

    @property
    def word(self) -> VerdictWord:
        """GO only when at least one gate ran and none blocked; CANNOT CHECK when only the system itself stands in the way."""
        blocked = self.blocking
        if not self.findings:
            return VerdictWord.CANNOT_CHECK
        if not blocked:
            return VerdictWord.GO
        if all(f.gate.startswith("SYS-") for f in blocked):
            return VerdictWord.CANNOT_CHECK
        return VerdictWord.STOP

    @property
    def is_go(self) -> bool:
        return self.word is VerdictWord.GO

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.blocks)

    @property
    def codes(self) -> tuple[str, ...]:
        """The blocking gate ids, in the order of the rules page, each once."""
        return tuple(dict.fromkeys(f.gate for f in self.blocking))

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict is not yes or no by itself: ask verdict.is_go")
