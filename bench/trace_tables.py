"""What `python -m bench traces` prints."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import traces
from bench.facility import Facility


def show(console: Console, place: Facility, database: str | None) -> None:
    """Pages and lists of the facility's store, or of the copy of it at the URL `database`."""
    drawn, longest = traces.drawn_from(place.store), traces.longest(place.store)
    place.store.close()
    url = database or place.store.url
    kind = "PostgreSQL" if url.startswith("postgresql") else "SQLite"
    with tempfile.TemporaryDirectory(prefix="custody-bench-") as name:
        _pages(console, place, kind, url, Path(name), drawn)
        _lists(console, kind, url, Path(name), longest)


def _pages(console: Console, place: Facility, kind: str, url: str, folder: Path, drawn: dict[str, list[str]]) -> None:
    title = f"traces over HTTP on {kind}, {place.bags:,} bags and {place.entries:,} entries; to reach: p99 {traces.P99_MS:.0f} ms"
    table = Table(
        "from", "direction", "asked", "things", "p50 ms", "p99 ms", "slowest ms", "server CPU ms", "bare loop p99 ms", "", title=title
    )
    for page in traces.pages(url, folder, drawn):
        times = (f"{each:.1f}" for each in (page.p50_ms, page.p99_ms, page.slowest_ms, page.cpu_ms, page.floor_p99_ms))
        way = "forward" if page.forward else "backward"
        table.add_row(page.kind, way, str(page.asked), f"{page.things:.0f}", *times, "[red]slow[/red]" if page.is_slow else "")
    console.print(table)


def _lists(console: Console, kind: str, url: str, folder: Path, longest: list[str]) -> None:
    title = f"lists as files on {kind}; to reach, for 500,000 bags: {traces.RECALL_S:.0f} s and {traces.RECALL_MB:.0f} MB"
    table = Table("list", "rows", "MB sent", "first bytes s", "all s", "server CPU s", "server MB before", "at most", "", title=title)
    for each in traces.lists(url, folder, longest):
        times = (f"{each.size_megabytes:.0f}", f"{each.first_s:.3f}", f"{each.seconds:.2f}", f"{each.cpu_s:.2f}")
        memory = (f"{each.before:.0f}", f"{each.megabytes:.0f}")
        table.add_row(each.what, f"{each.rows:,}", *times, *memory, "[red]slow[/red]" if each.is_slow else "")
    console.print(table)
