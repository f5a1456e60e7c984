"""What a simulated trial came to: counted, compared with what was really so, and the digest that stands for its history."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from custody.store.period import digests_between
from custody.workflows.door import Store
from custody.workflows.simulation.plan import Plan
from custody.workflows.simulation.tally import Caught, Tally, Unsafe

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
ALL = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Report:
    """`entries` up to the end of the history; `begun_at` and `ended_at` by the simulated clock."""

    plan: Plan
    tally: Tally
    entries: int
    digest: str
    begun_at: datetime
    ended_at: datetime
    interrupted: bool

    @property
    def is_safe(self) -> bool:
        return not self.tally.unsafe

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, for programs."""
        tally = self.tally
        return {
            "sites": len(self.plan.hospitals),
            "lots": len(self.plan.lots),
            "seed": self.plan.seed,
            "cohort": self.plan.cohort,
            "faults_wanted": self.plan.faults,
            "interrupted": self.interrupted,
            "begun_at": self.begun_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "entries": self.entries,
            "history": self.digest,
            "safe": self.is_safe,
            "unsafe": [_unsafe(each) for each in tally.unsafe],
            "doses": _plain(tally.doses),
            "stops": {point: _plain(codes) for point, codes in sorted(tally.stops.items())},
            "dose_stops": _plain(tally.dose_stops),
            "mistakes": {kind.value: _caught(seen) for kind, seen in sorted(tally.slips.items())},
            "delays": {kind.value: many for kind, many in sorted(tally.delays.items()) if many},
            "faults": {kind.value: {"times": many, "led_to": _plain(tally.led_to[kind])} for kind, many in sorted(tally.faults.items())},
            "refusals": _plain(tally.refusals),
            "done": _plain(tally.done),
        }


def history_digest(store: Store) -> tuple[int, str]:
    """How many entries there are, and the SHA-256 over their digests in order.

    The digest of an entry covers the whole envelope (act, people, times, verdict with every finding) and the entry before it in its
    stream. The salt of its leaf, which is drawn anew every time, belongs to the log and not to the entry.
    """
    with store.reading() as connection:
        found = digests_between(connection, *EVER, account=None, before=None, limit=ALL)
    whole = hashlib.sha256()
    for _, digest in reversed(found):
        whole.update(bytes.fromhex(digest))
    return len(found), whole.hexdigest()


def _plain(counted: Counter[str]) -> dict[str, int]:
    return {word: counted[word] for word in sorted(counted) if counted[word]}


def _caught(seen: Caught) -> dict[str, Any]:
    return {"made": seen.made, "caught": seen.caught, "by": _plain(seen.by)}


def _unsafe(each: Unsafe) -> dict[str, str]:
    return {"what": each.what, "about": each.about, "at": each.at.isoformat()}
