"""`ledger verify` against the bare hash loop over the same rows."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path

from bench.floor import bare_hash_loop
from custody.domain.acts.manufacturing import MaterialReceived
from custody.domain.dossier import Signed
from custody.domain.ids import AccountId, MaterialId, PersonId, SiteId
from custody.domain.terms import Role
from custody.store import entries
from custody.store.connection import Store
from custody.store.entries import NewEntry
from custody.store.verification import verify
from custody.workflows.rehearsal.steps import STUDY

BATCH = 2000
# Other work on the machine disturbs single rounds.
ROUNDS = 5


def fill(store: Store, until: int) -> None:
    """Append receipts of materials until the ledger holds `until` entries."""
    by = Signed(
        account=AccountId("demo-operator-one"),
        person=PersonId("PERSON-003"),
        printed_name="Demo Operator One",
        role=Role.OPERATOR,
        site=SiteId("A9991"),
        meaning=None,
        at=datetime.now(UTC),
    )
    with store.reading() as connection:
        size = entries.size(connection)
    while size < until:
        now = datetime.now(UTC)
        batch = [_entry(n, by, now) for n in range(size, min(size + BATCH, until))]
        with store.writing() as connection:
            entries.append(connection, batch, recorded_at=now)
        size += len(batch)


def _entry(n: int, by: Signed, now: datetime) -> NewEntry:
    act = MaterialReceived(
        material=MaterialId(f"FILL-{n:08d}"),
        name="filler",
        supplier="bench",
        supplier_lot=f"F-{n}",
        certificate="none",
        animal_origin=False,
        expires_at=now,
    )
    return NewEntry(act=act, happened_at=now, by=by, study=STUDY, station="bench")


def measure(store: Store, path: Path) -> dict[str, float]:
    """Entries, and of the round with the median ratio: seconds of both loops and the ratio of their speeds; `best` is the best ratio."""
    bare_hash_loop(path)  # once for the page cache
    rounds = sorted((_round(store, path) for _ in range(ROUNDS)), key=itemgetter("ratio"))
    return {**rounds[ROUNDS // 2], "best": rounds[-1]["ratio"]}


def _round(store: Store, path: Path) -> dict[str, float]:
    count, bare = bare_hash_loop(path)
    began = time.perf_counter()
    with store.reading() as connection:
        report = verify(connection, checkpoint=None)
    took = time.perf_counter() - began
    assert report.ok, report.faults
    assert report.entries == count
    return {"entries": count, "bare_s": bare, "verify_s": took, "ratio": bare / took}
