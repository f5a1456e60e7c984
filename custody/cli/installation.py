"""A real installation: the database and the server."""

from __future__ import annotations

import sys

import click

from custody.cli.output import as_json, configured, print_json, print_table, progress, sqlite_line
from custody.config import Config
from custody.workflows.installation import bring_up_to_date, check_place, check_role, copy_to, look_over


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; put a TLS proxy in front of it.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 takes any.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Server processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads in each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the store of CUSTODY_DATABASE_URL until Ctrl-C, or until SIGTERM, after which requests under way are finished."""
    # Before anything is opened: to open a file makes others beside it.
    check_place(Config.from_environment().database_url)
    store, config = configured()
    check_role(store)
    store.close()
    from custody.web.serving import run_gunicorn  # noqa: PLC0415 - only this command needs a server

    run_gunicorn(
        config, host=host, port=port, workers=workers, threads=threads, on_ready=_say if store.url.startswith("sqlite") else _say_where
    )


def _say(url: str) -> None:
    _say_where(url)
    click.echo(sqlite_line())


def _say_where(url: str) -> None:
    click.echo(f"custody serves on {url}")


@click.group()
def db() -> None:
    """Make, update and look over the database of an installation."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Make the tables, or bring them up to this version.

    On PostgreSQL CUSTODY_DATABASE_OWNER_URL names the same database with the role that owns the tables; the role of CUSTODY_DATABASE_URL is
    then given what a server needs, and nothing that could change what was recorded.
    """
    before = bring_up_to_date(Config.from_environment())
    click.echo("the tables are of this version already" if before == "current" else "the tables are now of this version")


@db.command("check")
@click.option("--standby", is_flag=True, help="Each commit must lie on a second server too.")
@as_json
def db_check(standby: bool, json_wanted: bool) -> None:
    """Say how the database under custody is set up. Exit status 1 when something would break a promise of custody."""
    found = look_over(Config.from_environment().database_url, wants_standby=standby)
    if json_wanted:
        print_json([vars(each) for each in found])
    else:
        marks = {"good": "ok", "note": "note", "bad": "WRONG"}
        rows = [(marks[each.state], each.name, each.seen, each.remedy) for each in found]
        print_table("database of this installation", ("", "what", "seen", "what to do"), rows)
    if any(each.state == "bad" for each in found):
        sys.exit(1)


@db.command("copy")
@click.argument("target", metavar="URL")
def db_copy(target: str) -> None:
    """Copy the whole record of CUSTODY_DATABASE_URL into the empty database at URL: a backup, or from one file to PostgreSQL, or back.

    A backup may be made while the server runs: it holds all that was recorded when it was begun. To move, stop the server first: what it
    records meanwhile stays behind. Name the owner's role in URL, then set CUSTODY_DATABASE_URL and CUSTODY_DATABASE_OWNER_URL and run
    `custody db upgrade`, which gives the role of the server its rights.
    """
    with progress("copying") as on:
        size = copy_to(Config.from_environment(), target, lambda done, of_all: on(completed=done, total=of_all))
    click.echo(f"{size:,} entries are copied; prove them there with `custody ledger verify`")


COMMANDS = (serve, db)
