"""Commands that only read: gates, drill, passports, traces, logger files, and the record proving itself."""

from __future__ import annotations

import tempfile
from datetime import timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from custody import clock
from custody.cli.output import as_json, configured, console, print_json, print_table
from custody.config import Config
from custody.domain.ids import AccountId, BagId, SiteId
from custody.domain.masking import Viewer
from custody.errors import InputError
from custody.words import Words
from custody.workflows import proving, reading, tracing, viewing
from custody.workflows.catalogue import gate_rows
from custody.workflows.door import open_ready
from custody.workflows.drill import run_drill
from custody.workflows.temperature import summary

UTC_WORDS = Words("en", timezone.utc)  # noqa: UP017 - the words layer wants any zone


@click.command()
@as_json
def gates(json_wanted: bool) -> None:
    """List every gate with its source and where it runs."""
    rows = gate_rows()
    if json_wanted:
        print_json([{"id": r.id, "revision": r.revision, "title": r.title, "source": r.source, "hold_points": list(r.hold_points)} for r in rows])
        return
    print_table(
        f"{len(rows)} gates",
        ("id", "revision", "title", "source", "hold points"),
        [(r.id, r.revision, r.title, r.source, " ".join(r.hold_points)) for r in rows],
    )


@click.command()
@as_json
def drill(json_wanted: bool) -> None:
    """Break a valid chain in 34 ways, each through the real workflows, and compare the codes with the rules."""
    with tempfile.TemporaryDirectory(prefix="custody-drill-") as folder:
        if json_wanted:
            results = run_drill(Path(folder))
            print_json([{"scenario": r.scenario, "title": r.title, "expected": r.expected, "seen": r.seen, "ok": r.ok} for r in results])
        else:
            columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=console, transient=True) as progress:
                task = progress.add_task("drill", total=34)
                results = run_drill(Path(folder), on_done=lambda _: progress.advance(task))
            print_table(
                "Drill",
                ("", "#", "one thing broken", "expected", "seen"),
                [("ok" if r.ok else "DIFFERS", r.scenario, r.title, r.expected, r.seen) for r in results],
            )
            click.echo(f"{sum(r.ok for r in results)} of {len(results)} as the rules say")
    if not results or not all(r.ok for r in results):
        raise SystemExit(1)


@click.group()
def bag() -> None:
    """Bags."""


@bag.command("show")
@click.argument("bag_id", metavar="BAG")
@as_json
def bag_show(bag_id: str, json_wanted: bool) -> None:
    """Show the passport of BAG: where it is, and everything that happened to it."""
    store, _ = configured()
    node = BagId.parse(bag_id)
    with store.reading() as connection:
        studies = reading.studies(connection)
        story = viewing.passport(connection, _operator(studies[0] if len(studies) == 1 else None), node, clock.now()).value
    if json_wanted:
        print_json(_passport_json(story))
        return
    expires = UTC_WORDS.date_time(story.expires_at) if story.expires_at else "unknown"
    click.echo(f"bag {story.node}: {story.state or 'unknown'}, held by {story.holder or 'unknown'}, expires {expires}")
    print_table(
        "What happened",
        ("recorded", "what", "by", "role", ""),
        [
            (
                UTC_WORDS.date_time(e.recorded_at),
                _what(e),
                e.by.printed_name if e.by else "",
                UTC_WORDS.term(e.by.role) if e.by else "",
                "!" if e.bad else "",
            )
            for e in story.events
        ],
    )


def _what(event: viewing.TimelineEvent) -> str:
    if event.kind == "gap":
        return "no custodian"
    title = UTC_WORDS.act_title(event.act)
    if event.verdict is not None:
        codes = " ".join(f.gate for f in event.verdict.findings if f.outcome == "blocked")
        return f"{event.verdict.word} at {event.verdict.hold_point.value} for “{title}” {codes}".rstrip()
    return title if event.kind == "act" else f"{title} ({event.kind})"


def _passport_json(story: viewing.Passport) -> dict[str, Any]:
    return {
        "bag": story.node.value,
        "state": story.state,
        "holder": story.holder,
        "expires_at": story.expires_at.isoformat() if story.expires_at else None,
        "came_from": [node.key for node in story.parents],
        "events": [
            {
                "kind": e.kind,
                "act": e.act,
                "stream": e.stream.key,
                "position": e.position,
                "happened_at": e.happened_at.isoformat(),
                "recorded_at": e.recorded_at.isoformat(),
                "by": e.by.printed_name if e.by else None,
                "role": e.by.role.value if e.by else None,
                "bad": e.bad,
                "late": e.late,
                "verdict": e.verdict.word.value if e.verdict else None,
                "codes": [f.gate for f in e.verdict.findings if f.outcome == "blocked"] if e.verdict else [],
            }
            for e in story.events
        ],
    }


def _operator(study: Any) -> Viewer:
    """Whoever runs commands on the server sees what the database holds anyway."""
    return Viewer(
        account=AccountId("command-line"), printed_name="command line", roles=frozenset(), site=SiteId("COMMAND"), study=study, blind=False
    )


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--forward", "direction", flag_value="forward", help="What came from it: lots, bags, doses, participants.")
@click.option("--backward", "direction", flag_value="backward", help="What it came from: lots, banks, materials, donor.")
@as_json
def trace(identifier: str, direction: str | None, json_wanted: bool) -> None:
    """Trace ID (`kind:value`, or a value only one thing carries) for a recall."""
    if direction is None:
        raise InputError("say --forward or --backward", code="direction_missing")
    store, _ = configured()
    with store.reading() as connection:
        node = tracing.named(connection, identifier)
        found = tracing.trace(connection, node, forward=direction == "forward", viewer=None).value
    if json_wanted:
        print_json([{"id": t.node.key, "kind": t.node.kind, "steps": t.steps, "newest_act": t.newest_act} for t in found])
        return
    rows = [(t.node.kind, t.node.value, t.steps, UTC_WORDS.act_title(t.newest_act) if t.newest_act else "") for t in found]
    print_table(f"{node.key} {direction}: {len(found)} things", ("kind", "identifier", "steps", "newest act"), rows)


@click.group()
def logger() -> None:
    """Temperature loggers."""


@logger.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def logger_read(file: Path, json_wanted: bool) -> None:
    """Read a logger's FILE and check its own signature; keys registered in the store count as trusted."""
    config = Config.from_environment() if _has_store() else None
    store = open_ready(config.database_url) if config is not None else None
    shown = summary(file.read_bytes(), store)
    if json_wanted:
        print_json({name: str(value) if isinstance(value, Decimal) else value for name, value in shown.items()})
    else:
        print_table(str(file.name), ("", ""), [(name.replace("_", " "), value) for name, value in shown.items() if name != "gaps"])
        click.echo(f"gaps: {len(shown['gaps'])}")
    if shown["signature"] == "invalid":
        click.echo("custody: the logger's own signature does not match this file", err=True)
        raise SystemExit(1)


def _has_store() -> bool:
    import os  # noqa: PLC0415 - only this command works without a store

    return bool(os.environ.get("CUSTODY_DATABASE_URL"))


@click.group()
def ledger() -> None:
    """The record proves itself."""


@ledger.command("verify")
@click.option("--checkpoint", type=click.Path(path_type=Path), default=None, help="A checkpoint kept outside the system.")
@as_json
def ledger_verify(checkpoint: Path | None, json_wanted: bool) -> None:
    """Check every entry, head, leaf, lookup and trigger; name the first fault."""
    store, config = configured()
    report = proving.prove(store, checkpoint, config.key_dir)
    faults = [{"what": str(f.what), "stream": f.stream, "position": f.position} for f in report.faults]
    if json_wanted:
        print_json(
            {
                "ok": report.ok,
                "entries": report.entries,
                "root": report.root.hex(),
                "faults": faults,
                "not_covered": list(report.skipped_tables),
            }
        )
    else:
        click.echo(f"{report.entries} entries, root {report.root.hex()}")
        for fault in report.faults:
            click.echo(f"FAULT: {fault}", err=True)
        click.echo(f"not covered: {', '.join(report.skipped_tables)}")
        click.echo("the record proves itself" if report.ok else "THE RECORD DOES NOT PROVE ITSELF")
    if not report.ok:
        raise SystemExit(1)


@ledger.command("checkpoint")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="File to write; left out: standard output.")
@as_json
def ledger_checkpoint(out: Path | None, json_wanted: bool) -> None:
    """Sign the size and root of the record; keep the note outside the system."""
    store, config = configured()
    made = proving.checkpoint(store, config.key_dir)
    if out is not None:
        out.write_text(made.note, encoding="utf-8")
    if json_wanted:
        print_json({"note": made.note, "verifier": made.verifier, "size": made.size})
    elif out is None:
        click.echo(made.note, nl=False)
    else:
        click.echo(f"checkpoint of {made.size} entries written to {out}; verify with key {made.verifier}")


@ledger.command("rebuild")
def ledger_rebuild() -> None:
    """Make search, traces and work lists anew from the entries."""
    store, _ = configured()
    proving.rebuild(store)
    click.echo("lookups made anew from the entries")


COMMANDS = (gates, drill, bag, trace, logger, ledger)
