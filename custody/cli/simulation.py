"""`custody simulate`: a whole trial from a seed, with its people, delays, mistakes and, if wanted, faults."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from custody import clock
from custody.cli.demonstration import WEAK_SECRETS
from custody.cli.output import as_json, print_json, print_table, progress
from custody.config import Config
from custody.workflows import demonstration
from custody.workflows.door import Store, open_ready, open_store, upgrade
from custody.workflows.simulation import LOTS_MAX, SITES_MAX, Plan, Report, give_secrets, plan_of, simulate

SHOWN_UNSAFE = 20


@click.command("simulate")
@click.option("--sites", default=2, show_default=True, type=int, help=f"Hospitals beside the one manufacturer, at most {SITES_MAX}.")
@click.option("--lots", default=3, show_default=True, type=int, help=f"Lots of 4 to 7 bags, at most {LOTS_MAX}.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed gives the same history.")
@click.option("--faults", is_flag=True, help="Let things break, too: loggers, seals, freezers, results, consents.")
@click.option(
    "--store", "folder", type=click.Path(path_type=Path), default=None, help="Folder of a new store; left out: CUSTODY_DATABASE_URL."
)
@as_json
def simulated(sites: int, lots: int, seed: int, *, faults: bool, folder: Path | None, json_wanted: bool) -> None:
    """Play a whole trial from a seed in a new store, and hold every GO against what was really so.

    People sign, scan, come late and get things wrong; every act goes through the gates as at the desks. The store becomes a demonstration
    in which people can go on. Ctrl-C ends it: what was recorded stays.

    Exit status 1 when anything passed that should not have. JSON: {safe, unsafe, history, entries, doses, stops, mistakes, faults, …}.
    """
    # As in every demonstration: the secret is known to everybody.
    os.environ[WEAK_SECRETS] = "1"
    plan = plan_of(sites, lots, seed, faults=faults)
    store = _store(folder)
    click.get_current_context().call_on_close(store.close)
    began = time.monotonic()
    with progress(f"{lots} lots, {sites} hospitals, seed {seed}", 1) as advance:
        report = simulate(store, plan, on_step=lambda n, total: advance(completed=n, total=total))
    seconds = time.monotonic() - began
    if not report.interrupted:
        give_secrets(store, report)
    if json_wanted:
        print_json({**report.as_json(), "seconds": round(seconds, 3), "entries_per_second": round(report.entries / seconds, 1)})
    else:
        _tell(report, plan, seconds, folder)
    if report.interrupted:
        said = "interrupted; what was recorded until then stays, and `custody ledger verify` proves it"
        click.echo(f"custody: {said}", err=True)
    if not report.is_safe or report.interrupted:
        raise SystemExit(1)


def _store(folder: Path | None) -> Store:
    """The one that the environment names, or one in a folder; a file that is there already is only opened, never changed."""
    if folder is None:
        return open_ready(Config.from_environment().database_url)
    place = folder.absolute()
    file = place / demonstration.DB_NAME
    if file.exists():
        return open_ready(f"sqlite:///{file}")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(f"sqlite:///{file}")
    upgrade(store)
    return store


# ── for people ──


def _tell(report: Report, plan: Plan, seconds: float, folder: Path | None) -> None:
    seen = report.as_json()
    _table("Doses", seen["doses"])
    print_table("STOPs", ("hold point", "gates"), [(point, _counted(codes)) for point, codes in seen["stops"].items()])
    print_table(
        "Mistakes",
        ("made", "caught", "mistake", "by"),
        [(each["made"], each["caught"], kind, _counted(each["by"])) for kind, each in seen["mistakes"].items()],
    )
    if seen["delays"]:
        _table("Delays", seen["delays"])
    if plan.faults:
        print_table(
            "Faults",
            ("times", "fault", "led to"),
            [
                (each["times"], kind, _counted(each["led_to"]) or "nothing was left that it could reach")
                for kind, each in seen["faults"].items()
            ],
        )
    days = (report.ended_at - report.begun_at).days
    rate = f"{report.entries / seconds:,.0f} entries/s, {len(plan.lots) / seconds:.2f} lots/s"
    phase = "the blinded phase 2" if plan.is_blinded else "the first cohort of phase 1"
    click.echo(f"played in {phase}, {plan.cohort}")
    click.echo(f"{report.entries} entries, {days} simulated days, {seconds:.1f} s ({rate})")
    click.echo(f"history {report.digest} (SHA-256 over the entries; the same for the same numbers, seed and version)")
    _tell_how_to_go_on(report, folder)
    if report.is_safe:
        click.echo("nothing passed that should not have")
        return
    click.echo(f"PASSED ALTHOUGH IT SHOULD NOT HAVE: {len(report.tally.unsafe)}")
    for each in report.tally.unsafe[:SHOWN_UNSAFE]:
        click.echo(f"  {each.at.isoformat(timespec='seconds')} {each.about}: {each.what}")


def _tell_how_to_go_on(report: Report, folder: Path | None) -> None:
    if folder is not None:
        click.echo(f"for the other commands: export CUSTODY_DATABASE_URL=sqlite:///{folder.absolute() / demonstration.DB_NAME}")
    if report.interrupted:
        return
    click.echo(f"every account, such as demo-h01-nurse-one, has the secret: {demonstration.SECRET}")
    if report.ended_at > clock.now():
        click.echo(f"people can go on in it from {report.ended_at:%Y-%m-%d} on: until then its newest entries lie ahead of this clock")


def _table(title: str, counted: Mapping[str, int]) -> None:
    print_table(title, ("times", ""), [(many, word) for word, many in counted.items()])


def _counted(counted: Mapping[str, Any]) -> str:
    return "; ".join(f"{word} ({many})" if many > 1 else word for word, many in counted.items())


COMMANDS = (simulated,)
