"""`python -m bench [scan] [verdict] [verify] [desks] [--large]`: figures as ratios to floors measured in the same run."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import desks, floor, scan, verdict, verify
from bench.facility import facility
from bench.seed import DATABASE, bedside_store
from custody.store.connection import open_store
from custody.store.schema import upgrade

PARTS = ("scan", "verdict", "verify", "desks")
BAGS, BAGS_LARGE = 10_000, 100_000
DOSES = 30
WARM_UP, ROUNDS = 5, 8
CLIENTS = (1, 8, 32)
DOSSIERS = (10, 100, 1000)
console = Console()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("parts", nargs="*", default=list(PARTS), help=f"{', '.join(PARTS)}; all when left out")
    options.add_argument("--large", action="store_true", help="ledgers up to 1,000,000 entries instead of 100,000 (minutes more)")
    options.add_argument("--kept", type=Path, help="the folder of the desks' store: made there once, and used again")
    options.add_argument("--only", action="append", default=[], help="of the desks only this one; may be given several times")
    chosen = options.parse_args()
    if set(chosen.parts) - {"desks"}:
        _ledger_parts(chosen)
    if "desks" in chosen.parts:
        with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
            _desks(chosen.kept or Path(name), tuple(chosen.only), large=chosen.large)


def _ledger_parts(chosen: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
        folder = Path(name)
        commits = floor.commits_per_second(folder)
        console.print(f"floor: {commits:,.0f} durable SQLite commits/s (WAL, synchronous=FULL, one connection)")
        console.print(f"making a store with {DOSES} doses at the bedside …")
        store, casts = bedside_store(folder, DOSES)
        if "scan" in chosen.parts:
            store.close()  # all of it in the one file that is copied
            _scan(folder, casts, commits)
        if "verdict" in chosen.parts:
            _verdict(store, casts, large=chosen.large)
        if "verify" in chosen.parts:
            _verify(folder, large=chosen.large)
        store.close()


def _scan(folder: Path, casts, commits: float) -> None:  # noqa: ANN001
    """Each number of clients begins with the same store: nobody scans one dose a hundred times."""
    table = Table("clients", "scans with verdict", "per second", "ratio to floor", "p50 ms", "p99 ms", title="bedside scan over HTTP")
    measured: list[scan.Measured] = []
    for clients in CLIENTS:
        with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
            shutil.copy(folder / DATABASE, name)
            store = open_store(f"sqlite:///{Path(name) / DATABASE}")
            with scan.served(store, Path(name) / "keys") as port:
                scan.measure(port, casts, 8, WARM_UP)  # each worker has read nearly every dose once
                found = scan.measure(port, casts, clients, ROUNDS)
            store.close()
        measured.append(found)
        # Other work on the disk makes the floor low and the ratio flatter than it is: the fastest of all measurements counts.
        commits = max(commits, floor.commits_per_second(folder))
    for found in measured:
        row = (f"{found.per_second:,.0f}", f"{found.per_second / commits:.3f}", f"{found.p50_ms:.1f}", f"{found.p99_ms:.1f}")
        table.add_row(str(found.clients), str(found.scans), *row)
    console.print(table)
    console.print(f"floor, the fastest of all measurements of this run: {commits:,.0f} commits/s")


def _verdict(store, casts, *, large: bool) -> None:  # noqa: ANN001
    table = Table("acts in the dose", "entries in the ledger", "ms a scan and verdict", title="verdict without HTTP")
    for number, acts in enumerate(DOSSIERS):
        verdict.grow_dossier(store, casts[number], acts)
        table.add_row(str(acts), "", f"{verdict.milliseconds(store, casts[number]):.1f}")
    for size in (1_000, 10_000, 100_000, *((1_000_000,) if large else ())):
        verify.fill(store, size)
        table.add_row("", f"{size:,}", f"{verdict.milliseconds(store, casts[-1]):.1f}")
    console.print(table)


def _verify(folder: Path, *, large: bool) -> None:
    store = open_store(f"sqlite:///{folder / 'verify.db'}")
    upgrade(store)
    table = Table("entries", "bare hash loop s", "ledger verify s", "ratio", title="ledger verify")
    for size in (20_000, 100_000, *((1_000_000,) if large else ())):
        verify.fill(store, size)
        found = verify.measure(store, folder / "verify.db")
        table.add_row(f"{found['entries']:,}", f"{found['bare_s']:.2f}", f"{found['verify_s']:.2f}", f"{found['ratio']:.2f}")
    store.close()
    console.print(table)


def _desks(folder: Path, only: tuple[str, ...], *, large: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    console.print("making a store with the roads of all its bags, or taking the one that is there …")
    place = facility(folder, BAGS_LARGE if large else BAGS)
    title = f"desk pages, {place.bags:,} bags and {place.entries:,} entries; to reach: {desks.P50_MS:.0f} and {desks.P99_MS:.0f} ms"
    table = Table(
        "desk", "page", "as", "first ms", "p50 ms", "p99 ms", "CPU p50 ms", "CPU p99 ms", "statements", "rows", "kB", "", title=title
    )
    for page in desks.pages(place, only):
        times = (f"{each:.1f}" for each in (page.first_ms, page.p50_ms, page.p99_ms, page.cpu_p50_ms, page.cpu_p99_ms))
        word = f"[red]{page.code}[/red]" if page.code >= 400 else "[red]slow[/red]" if page.is_slow else ""
        counts = (str(page.statements), f"{page.rows:,}", f"{page.kilobytes:.0f}")
        table.add_row(page.desk, page.page, page.account.removeprefix("demo-"), *times, *counts, word)
    console.print(table)
    place.store.close()


if __name__ == "__main__":
    main()
