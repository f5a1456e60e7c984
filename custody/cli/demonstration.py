"""`custody demo`: a fresh store with five lots, served on this machine, with what to try."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from textwrap import wrap

import click

from custody import clock
from custody.cli.output import progress, sqlite_line
from custody.config import Config
from custody.workflows import demonstration
from custody.workflows.door import Store

WEAK_SECRETS = "CUSTODY_WEAK_SECRETS"
WIDTH = 80
"""Columns of a terminal."""


@click.command()
@click.option("--store", "folder", type=click.Path(path_type=Path), default=None, help="Folder of the store; left out: a new one.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes any.")
@click.option("--seed-only", is_flag=True, help="Make the store and stop.")
def demo(folder: Path | None, port: int, seed_only: bool) -> None:
    """Make a demonstration store with five lots, serve it on 127.0.0.1, and say what to try."""
    # A demonstration's secret is printed below, so a costly hash of it protects nobody and only makes people wait.
    os.environ[WEAK_SECRETS] = "1"
    if seed_only:
        place = _place(folder)
        _made(place).close()
        click.echo(_where(place))
        return
    from custody.web.serving import listening, run_waitress  # noqa: PLC0415 - only a served demonstration needs a server

    # First of all, so that nobody waits for a store that then cannot be served.
    with listening("127.0.0.1", port) as door:
        place = _place(folder)
        store = _made(place)
        config = Config(database_url=store.url, key_dir=place / "keys", secure_cookies=False)
        run_waitress(store, config, door, on_ready=lambda url: click.echo(_guide(url, place)))


def _place(folder: Path | None) -> Path:
    return (folder or Path(tempfile.mkdtemp(prefix="custody-demo-"))).absolute()


def _made(place: Path) -> Store:
    with progress("five lots, from consent to the hospital", 1) as advance:
        return demonstration.make(place, clock.now(), on_step=lambda n, total: advance(completed=n, total=total))


def _where(place: Path) -> str:
    """The store and how to point the other commands at it, to be pasted into a terminal."""
    lines = (
        f"demonstration store: {place}",
        "for the other commands:",
        f"  export CUSTODY_DATABASE_URL=sqlite:///{place / demonstration.DB_NAME}",
        f"  export CUSTODY_KEY_DIR={place / 'keys'}",
    )
    return "\n".join(lines)


def _guide(url: str, place: Path) -> str:
    lots = {lot.word: lot.cast for lot in demonstration.casts(place / "keys")}
    lines = [
        "",
        f"custody demonstration: {url}",
        f"badges, wristband and bags to scan: {url}/demo",
        "",
        f"Every account has the secret: {demonstration.SECRET}",
        "Accounts, by what they do (all of them on /demo):",
        *(f"  {account:20} {does}" for account, does in ACCOUNTS),
        "",
        "What to try, lot by lot:",
    ]
    for word, text in TRY:
        first, *rest = text
        lines += [f"  {lots[word].lot}  {word.replace('_', ' '):13} {first}", *(f"  {'':23} {line}" for line in rest)]
    lines += ["", *LATER]
    lines += ["", _where(place), "", *wrap(sqlite_line(), WIDTH)]
    lines += ["Stop with Ctrl-C. Nothing here is real; research use, not a medical device."]
    return "\n".join(lines)


ACCOUNTS = (
    ("demo-receiver-one", "receives, with demo-receiver-two"),
    ("demo-preparer-one", "thaws and prepares, with demo-preparer-two"),
    ("demo-physician-one", "prescribes and confirms"),
    ("demo-nurse-one", "checks and gives at the bedside, with demo-nurse-two"),
    ("demo-coldchain-one", "packs and ships, with demo-verifier-one"),
    ("demo-qc-reviewer-one", "concludes results; demo-qa-one reviews the records"),
    ("demo-qp-one", "releases a lot"),
)
TRY = (
    ("good", ("take its bag from the hospital freezer through thaw", "and bedside to the end of the infusion")),
    ("warm", ("receive its bags as the two receivers: STOP, its trip", "was too warm (BAG-COLD)")),
    ("gap", ("receive its bags as the two receivers: STOP, for over", "an hour nobody answered for them (BAG-GAP)")),
    ("not_released", ("pack it: STOP at the seal (BAG-REL), until its results", "are concluded, and it is reviewed and released")),
    ("recalled", ("its bags are at the hospital, and no hold point lets", "them pass any more (BAG-RECALL)")),
)
LATER = (
    "Receive within 20 minutes: the two trips' temperature files end when the store",
    "was made, and a longer gap without readings stops a bag as well (BAG-COLD).",
)
COMMANDS = (demo,)
