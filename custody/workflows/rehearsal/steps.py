"""Steps: who does what at what time, as data that can be recorded through the real workflows or folded in memory."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Protocol

from custody.domain.acts.base import Act
from custody.domain.ids import AccountId, Digest, Node, PersonId, SiteId, StudyId
from custody.domain.readings import Series
from custody.domain.terms import Role
from custody.resources import data_dir

LOCAL = timezone(timedelta(hours=8))
STUDY = StudyId("NCT06505941")


@dataclass(frozen=True, kw_only=True)
class Person:
    account: AccountId
    person: PersonId
    printed_name: str
    site: SiteId
    roles: tuple[Role, ...]


@lru_cache
def people() -> dict[str, Person]:
    """The demonstration's people by account name."""
    table = tomllib.loads((data_dir("seed_data") / "demonstration" / "people.toml").read_text(encoding="utf-8"))
    return {
        row["account"]: Person(
            account=AccountId(row["account"]),
            person=PersonId(row["person"]),
            printed_name=row["printed_name"],
            site=SiteId(row["site"]),
            roles=tuple(Role(role) for role in row["roles"]),
        )
        for row in table["people"]
    }


class Seen(Protocol):
    """What a late step may ask of the history so far."""

    def results_to_review(self, node: Node) -> tuple[Digest, ...]:
        """Digests of the node's results that no second person has reviewed."""

    def last_position(self, node: Node) -> int:
        """The position of the last entry of the node's stream."""

    def result(self, node: Node, test: str) -> Digest:
        """The latest result of a test."""


LateAct = Callable[[Seen], Act]


@dataclass(frozen=True, kw_only=True)
class Step:
    """`by`: accounts in the order in which they sign. `late` makes the act from the history so far where it must name entries of it.

    A step may stop before the last signature; another one of the same act goes on with the signature `from_place`. `second` is what
    the second person scanned, when it differs; `happened_at` is given when the entry comes late; `series` and `file` travel with a
    temperature file.
    """

    name: str
    at: datetime
    by: tuple[str, ...]
    from_place: int = 0
    act: Act | None = None
    late: LateAct | None = None
    second: Act | None = None
    happened_at: datetime | None = None
    series: Series | None = None
    file: bytes = b""

    def act_in(self, seen: Seen) -> Act:
        if self.late is not None:
            return self.late(seen)
        assert self.act is not None
        return self.act


@dataclass
class Script:
    """Steps in the making. `start` is the moment the bedside check is due; every time is counted from there."""

    start: datetime
    steps: list[Step] = field(default_factory=list)

    def when(self, days: float = 0, minutes: float = 0) -> datetime:
        return self.start + timedelta(days=days, minutes=minutes)

    def do(self, act: Act, by: str | tuple[str, ...], *, days: float = 0, minutes: float = 0, **extra: Any) -> None:
        accounts = (by,) if isinstance(by, str) else by
        self.steps.append(Step(name=act.rule.name, at=self.when(days, minutes), by=accounts, act=act, **extra))

    def do_late(self, name: str, late: LateAct, by: str | tuple[str, ...], *, days: float = 0, minutes: float = 0) -> None:
        accounts = (by,) if isinstance(by, str) else by
        self.steps.append(Step(name=name, at=self.when(days, minutes), by=accounts, late=late))

    def in_order(self) -> tuple[Step, ...]:
        """The steps by time; steps of one moment keep the order in which they were written."""
        return tuple(sorted(self.steps, key=lambda step: step.at))
