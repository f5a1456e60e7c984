"""A real installation: the database and the server."""

from __future__ import annotations

import click

from custody.cli.output import configured, sqlite_line
from custody.config import Config
from custody.workflows.door import open_store, schema_state, upgrade


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; put a TLS proxy in front of it.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 takes any.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Server processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads in each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the store of CUSTODY_DATABASE_URL until Ctrl-C, or until SIGTERM, after which requests under way are finished."""
    store, config = configured()
    store.close()
    from custody.web.serving import run_gunicorn  # noqa: PLC0415 - only this command needs a server

    run_gunicorn(config, host=host, port=port, workers=workers, threads=threads, on_ready=_say)


def _say(url: str) -> None:
    click.echo(f"custody serves on {url}")
    click.echo(sqlite_line())


@click.group()
def db() -> None:
    """Make and update the database of an installation."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Make the tables, or bring them up to this version."""
    config = Config.from_environment()
    store = open_store(config.database_url)
    before = schema_state(store)
    upgrade(store)
    click.echo("the tables are of this version already" if before == "current" else "the tables are now of this version")


COMMANDS = (serve, db)
