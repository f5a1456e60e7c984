"""`ledger verify` against the bare hash loop over the same rows; `python -m bench.verify FILE` measures a store that is there."""

from __future__ import annotations

import resource
import sys
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
from custody.store.connection import Store, open_store
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


def measure(store: Store, path: Path, rounds: int = ROUNDS) -> dict[str, float]:
    """Of the round with the median ratio: entries, seconds of both loops on the clock and of all processors, and the ratios of both.

    `best` is the best ratio, `peak_mb` the most memory that this process ever held.
    """
    bare_hash_loop(path)  # once for the page cache
    found = sorted((_round(store, path) for _ in range(rounds)), key=itemgetter("ratio"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**found[rounds // 2], "best": found[-1]["ratio"], "peak_mb": peak_mb}


def _round(store: Store, path: Path) -> dict[str, float]:
    worked = _worked()
    count, bare = bare_hash_loop(path)
    bare_worked, worked = _worked() - worked, _worked()
    began = time.perf_counter()
    with store.reading() as connection:
        report = verify(connection, checkpoint=None)
    took, cpu = time.perf_counter() - began, _worked() - worked
    assert report.ok, report.faults
    assert report.entries == count
    figures = {"bare_s": bare, "verify_s": took, "ratio": bare / took}
    return {"entries": count, **figures, "bare_cpu_s": bare_worked, "verify_cpu_s": cpu, "cpu_ratio": bare_worked / cpu}


def _worked() -> float:
    """Seconds that processors have worked for this process and for those it began that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def main() -> None:
    path = Path(sys.argv[1])
    store = open_store(f"sqlite:///{path.absolute()}")
    for name, figure in measure(store, path, rounds=int(sys.argv[2]) if len(sys.argv) > 2 else 1).items():
        sys.stdout.write(f"{name:>14} {figure:,.3f}\n")
    store.close()


if __name__ == "__main__":
    main()
