"""The record proves itself: verification, signed checkpoints, lookups made anew."""

from __future__ import annotations

from pathlib import Path

import click

from custody.cli.output import as_json, configured, print_json, progress, shown
from custody.workflows import proving


@click.group()
def ledger() -> None:
    """Prove the record."""


@ledger.command("verify")
@click.option("--checkpoint", type=click.Path(path_type=Path), default=None, help="A checkpoint kept outside the system.")
@as_json
def ledger_verify(checkpoint: Path | None, json_wanted: bool) -> None:
    """Check every entry, head, leaf, lookup and trigger; name the first fault.

    Only a checkpoint kept elsewhere can show that the newest entries were cut off. Exit status 1 when the record does not prove itself.
    JSON: {ok, entries, root, faults, not_covered}; each fault is {what, stream, position}.
    """
    store, config = configured()
    with progress("checking every entry"):
        report = proving.prove(store, checkpoint, config.key_dir)
    if json_wanted:
        print_json(
            {
                "ok": report.ok,
                "entries": report.entries,
                "root": report.root.hex(),
                "faults": [{"what": str(f.what), "stream": f.stream, "position": f.position} for f in report.faults],
                "not_covered": list(report.skipped_tables),
            }
        )
    else:
        click.echo(f"{report.entries} entries, root {report.root.hex()}")
        click.echo(f"not covered: {', '.join(report.skipped_tables)}")
        click.echo("the record proves itself" if report.ok else "THE RECORD DOES NOT PROVE ITSELF")
    for fault in report.faults:
        click.echo(f"custody: fault: {shown(fault)}", err=True)
    if not report.ok:
        raise SystemExit(1)


@ledger.command("checkpoint")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="File to write; left out: standard output.")
@as_json
def ledger_checkpoint(out: Path | None, json_wanted: bool) -> None:
    """Sign the size and root of the record; keep the note outside the system.

    JSON: {note, verifier, size}.
    """
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
    """Make search, traces and work lists anew from the entries, which stay as they are."""
    store, _ = configured()
    with progress("reading every entry"):
        proving.rebuild(store)
    click.echo("lookups made anew from the entries")


COMMANDS = (ledger,)
