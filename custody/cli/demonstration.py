"""`custody demo`: a fresh store with five lots, served on this machine, with what to try."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from custody import clock
from custody.cli.output import console
from custody.config import Config
from custody.workflows import demonstration
from custody.workflows.door import Store

WEAK_SECRETS = "CUSTODY_WEAK_SECRETS"


@click.command()
@click.option("--store", "folder", type=click.Path(path_type=Path), default=None, help="Folder of the store; left out: a new one.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes any.")
@click.option("--seed-only", is_flag=True, help="Make the store and stop.")
def demo(folder: Path | None, port: int, seed_only: bool) -> None:
    """Make a demonstration store with five lots, serve it on 127.0.0.1, and say what to try."""
    # A demonstration's secret is printed below, so a costly hash of it protects nobody and only makes people wait.
    os.environ[WEAK_SECRETS] = "1"
    place = folder or Path(tempfile.mkdtemp(prefix="custody-demo-"))
    store = _made(place)
    click.echo(f"demonstration store: {place}")
    click.echo(f"CUSTODY_DATABASE_URL={store.url} CUSTODY_KEY_DIR={place / 'keys'}")
    if seed_only:
        return
    from custody.web.serving import run_waitress  # noqa: PLC0415 - only a served demonstration needs a server

    config = Config(database_url=store.url, key_dir=place / "keys", secure_cookies=False)
    run_waitress(store, config, port=port, on_ready=lambda url: _say(url, place))


def _made(place: Path) -> Store:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("five lots, from consent to the hospital", total=None)
        return demonstration.make(place, clock.now(), on_step=lambda n, total: progress.update(task, completed=n, total=total))


def _say(url: str, place: Path) -> None:
    keys = place / "keys"
    lots = {lot.word: lot.cast for lot in demonstration.casts(keys)}
    click.echo(f"\ncustody demonstration: {url}\nbadges, wristband and bags to scan: {url}/demo\n")
    click.echo(f"every account has the secret: {demonstration.SECRET}")
    click.echo("accounts: demo-preparer-one, demo-nurse-one, demo-nurse-two, demo-physician-one, demo-receiver-one, demo-qp-one … (all on /demo)\n")
    for word, text in TRY:
        click.echo(f"  {word:13} {lots[word.replace(' ', '_')].lot}: {text}")
    click.echo("\nStop with Ctrl-C. Nothing here is real; research use, not a medical device.")


TRY = (
    ("good", "take its bag from the hospital freezer through thaw and bedside to the end of the infusion"),
    ("warm", "receive its shipment: the trip's temperature file makes custody STOP (BAG-COLD)"),
    ("gap", "receive its shipment: hours without a custodian make custody STOP (BAG-GAP)"),
    ("not released", "conclude its results, review and release it; until then nothing ships it (BAG-REL)"),
    ("recalled", "its bags are at the hospital; every next step stops (BAG-RECALL)"),
)
COMMANDS = (demo,)
