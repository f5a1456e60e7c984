"""`python -m bench [scan] [verdict] [verify] [desks] [traces] [--large]`: figures as ratios to floors of the same run; or `soak`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import desks, floor, postgresql, scan, soak, trace_tables, verdict, verify
from bench.eras import long_facility
from bench.facility import Facility
from bench.seed import DATABASE, bedside_store
from custody.store.connection import open_store
from custody.store.schema import upgrade

PARTS = ("scan", "verdict", "verify", "desks", "traces")
OF_A_FACILITY = {"desks", "traces"}
BAGS, BAGS_LARGE = 10_000, 100_000
DOSES = 30
WARM_UP, ROUNDS = 5, 8
CLIENTS = (1, 8, 32)
CLIENTS_POSTGRESQL = (1, 8, 16)
DOSSIERS = (10, 100, 1000)
console = Console()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("parts", nargs="*", default=list(PARTS), help=f"{', '.join(PARTS)}; all when left out")
    options.add_argument("--large", action="store_true", help="ledgers up to 1,000,000 entries instead of 100,000 (minutes more)")
    options.add_argument("--kept", type=Path, help="the folder of the facility's store (desks, traces): made there once, and used again")
    options.add_argument(
        "--eras", type=int, default=1, help="the facility's whole record so many times over, years apart: 11 of --large make 10^6 bags"
    )
    options.add_argument("--database", help="traces of a copy that is there already, such as one `custody db copy` made on PostgreSQL")
    options.add_argument("--only", action="append", default=[], help="of the desks only this one; may be given several times")
    options.add_argument("--seconds", type=float, default=600.0, help="how long the soak scans at a steady pace; it is no part of all")
    chosen = options.parse_args()
    if set(chosen.parts) - OF_A_FACILITY - {"soak"}:
        _ledger_parts(chosen)
    if "soak" in chosen.parts:
        with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
            _soak(Path(name), chosen.seconds)
    if OF_A_FACILITY & set(chosen.parts):
        with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
            _facility_parts(chosen, chosen.kept or Path(name))


def _facility_parts(chosen: argparse.Namespace, folder: Path) -> None:
    console.print("making a store with the roads of all its bags, or taking the one that is there …")
    folder.mkdir(parents=True, exist_ok=True)
    place = long_facility(folder, BAGS_LARGE if chosen.large else BAGS, chosen.eras)
    if "desks" in chosen.parts:
        _desks(place, tuple(chosen.only))
    if "traces" in chosen.parts:
        trace_tables.show(console, place, chosen.database)
    place.store.close()


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
            _scan_on_postgresql(folder, casts)
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
            url = f"sqlite:///{Path(name) / DATABASE}"
            with scan.served(url, Path(name) / "keys") as port:
                scan.measure(port, casts, 8, WARM_UP)  # each worker has read nearly every dose once
                found = scan.measure(port, casts, clients, ROUNDS)
        measured.append(found)
        # Other work on the disk makes the floor low and the ratio flatter than it is: the fastest of all measurements counts.
        commits = max(commits, floor.commits_per_second(folder))
    for found in measured:
        table.add_row(*_row(found, commits))
    console.print(table)
    console.print(f"floor, the fastest of all measurements of this run: {commits:,.0f} commits/s")


def _row(found: scan.Measured, commits: float) -> tuple[str, ...]:
    counted = (str(found.clients), str(found.scans), f"{found.per_second:,.0f}", f"{found.per_second / commits:.3f}")
    return (*counted, f"{found.p50_ms:.1f}", f"{found.p99_ms:.1f}")


def _scan_on_postgresql(folder: Path, casts) -> None:  # noqa: ANN001
    lacks = postgresql.lacking()
    if lacks is not None:
        console.print(f"bedside scan on PostgreSQL: not measured ({lacks})")
        return
    headings = ("clients", "scans with verdict", "per second", "ratio to floor", "p50 ms", "p99 ms", "floor: commits/s")
    table = Table(*headings, title="bedside scan over HTTP on PostgreSQL; floor: durable commits of as many connections there")
    for found in postgresql.measured(folder / DATABASE, casts, CLIENTS_POSTGRESQL, WARM_UP, ROUNDS):
        table.add_row(*_row(found.scans, found.commits_per_second), f"{found.commits_per_second:,.0f}")
    console.print(table)


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


def _desks(place: Facility, only: tuple[str, ...]) -> None:
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


def _soak(folder: Path, seconds: float) -> None:
    doses = soak.doses_for(seconds)
    console.print(f"making a store with {doses:,} doses at the bedside …")
    store, casts = soak.soak_store(folder, doses)
    url = store.url
    store.close()
    with scan.served(url, folder / "keys") as port:
        found = soak.soak(port, casts, seconds, console.print)
    table = Table("asked", "measured", "", title=f"soak: {len(found.steady.took):,} scans at {found.steady.per_second:.0f}/s")
    for asked, measured, is_enough in found.results:
        table.add_row(asked, measured, "pass" if is_enough else "[red]fail[/red]")
    console.print(table)
    ms = f"p99 {found.steady.p99 * 1000:.0f} ms, beside the import {found.importing.p99 * 1000:.0f} ms"
    console.print(f"capacity {found.capacity:.0f} scans/s; {ms}")


if __name__ == "__main__":
    main()
