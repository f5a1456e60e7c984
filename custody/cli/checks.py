"""What custody tests: the list of gates, and the drill that breaks a valid chain in every way the rules name."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from custody.cli.output import as_json, print_json, print_table, progress
from custody.workflows.catalogue import gate_rows
from custody.workflows.drill import run_drill
from custody.workflows.drill.runner import SCENARIOS, Result


@click.command()
@as_json
def gates(json_wanted: bool) -> None:
    """List every gate with its source and the hold points where it runs.

    JSON: a list of {id, revision, title, source, hold_points}.
    """
    rows = gate_rows()
    if json_wanted:
        print_json(
            [{"id": r.id, "revision": r.revision, "title": r.title, "source": r.source, "hold_points": list(r.hold_points)} for r in rows]
        )
        return
    print_table(
        f"{len(rows)} gates",
        ("id", "revision", "title", "source", "hold points"),
        [(r.id, r.revision, r.title, r.source, " ".join(r.hold_points)) for r in rows],
    )


@click.command()
@as_json
def drill(json_wanted: bool) -> None:
    """Break a valid chain in 34 ways, each through the real workflows, and compare the codes with the rules.

    Exit status 1 when one of them answers differently. JSON: a list of {scenario, title, expected, seen, ok}.
    """
    results = _played()
    if json_wanted:
        print_json([{"scenario": r.scenario, "title": r.title, "expected": r.expected, "seen": r.seen, "ok": r.ok} for r in results])
    else:
        print_table(
            "Drill",
            ("", "#", "one thing broken", "expected", "seen"),
            [("ok" if r.ok else "DIFFERS", r.scenario, r.title, r.expected, r.seen) for r in results],
        )
        click.echo(f"{sum(r.ok for r in results)} of {len(SCENARIOS)} as the rules say")
    if len(results) != len(SCENARIOS) or not all(r.ok for r in results):
        raise SystemExit(1)


def _played() -> tuple[Result, ...]:
    done = 0

    def tell(_result: Result) -> None:
        nonlocal done
        done += 1
        advance(completed=done)

    with tempfile.TemporaryDirectory(prefix="custody-drill-") as folder, progress("drill", len(SCENARIOS)) as advance:
        # One process: two take as long together, because both play the long way to the bedside, and say nothing until they end.
        return run_drill(Path(folder), on_done=tell)


COMMANDS = (gates, drill)
