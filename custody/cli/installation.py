"""A real installation: the database, the server, the accounts."""

from __future__ import annotations

from datetime import date

import click

from custody import clock
from custody.cli.output import as_json, configured, print_json, print_table
from custody.config import Config
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, SiteRegistered
from custody.domain.ids import AccountId, PersonId, SiteId, StudyId
from custody.domain.terms import Role, SiteKind
from custody.errors import InputError
from custody.workflows import people, roster
from custody.workflows.door import open_store, schema_state, unit_of_work, upgrade
from custody.workflows.recording import record
from custody.workflows.signer import Signer


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; put a TLS proxy in front of it.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Server processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads in each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the store of CUSTODY_DATABASE_URL."""
    from custody.web.serving import run_gunicorn  # noqa: PLC0415 - only this command needs a server

    store, config = configured()
    store.close()
    click.echo(f"custody serves on http://{host}:{port}")
    run_gunicorn(config, host=host, port=port, workers=workers, threads=threads)


@click.group()
def db() -> None:
    """The database of an installation."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Make the tables, or bring them up to this version."""
    config = Config.from_environment()
    store = open_store(config.database_url)
    before = schema_state(store)
    upgrade(store)
    click.echo("the tables are of this version already" if before == "current" else "the tables are now of this version")


@click.group()
def account() -> None:
    """Accounts and grants."""


@account.command("add")
@click.argument("name")
@click.option("--person", required=True, help="Code of the human being; one person has one enabled account.")
@click.option("--printed-name", required=True, help="Name printed beside every signature.")
@click.option("--identity", required=True, help="How the person proved who they are.")
@click.option("--bootstrap", is_flag=True, help="The first account of an empty ledger: an administrator, with its site.")
@click.option("--site", default="", help="With --bootstrap: code of the first site.")
@click.option("--site-name", default="", help="With --bootstrap: its name.")
@click.option("--zone", default="UTC", show_default=True, help="With --bootstrap: its time zone, such as Asia/Shanghai.")
@click.option("--phone", default="", help="With --bootstrap: who to call.")
@click.option("--by", "by", default="", help="Administrator who adds the account (asked for their secret).")
def account_add(
    name: str, person: str, printed_name: str, identity: str, bootstrap: bool, site: str, site_name: str, zone: str, phone: str, by: str
) -> None:
    """Add an account; its owner replaces the one-time secret at the first sign-in."""
    store, config = configured()
    new = AccountId.parse(name)
    now = clock.now()
    signer = None if bootstrap else roster.administrator(store, config, by, _ask_secret(by), now)
    secret = roster.one_time_secret()
    with unit_of_work(store) as connection:
        if signer is None:
            registered = SiteRegistered(site=SiteId.parse(site), name=site_name or site, kind=SiteKind.SPONSOR, zone=zone, phone=phone)
            people.bootstrap(
                connection,
                account=new,
                person=PersonId.parse(person),
                printed_name=printed_name,
                site=registered,
                identity_verified_by=identity,
                now=now,
            )
        else:
            created = AccountCreated(
                account=new, person=PersonId.parse(person), printed_name=printed_name, identity_verified_by=identity
            )
            record(connection, created, signer, now)
        people.give_first_secret(connection, store, new, secret, new if signer is None else signer.account, now)
    click.echo(f"account {new} added; one-time secret: {secret}")


@account.command("grant")
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option("--site", required=True, help="Code of the site.")
@click.option("--study", default="", help="Study; left out: every study.")
@click.option("--until", default="", help="Last day, as YYYY-MM-DD; left out: no end.")
@click.option("--by", required=True, help="Administrator who grants it (asked for their secret).")
def account_grant(name: str, role: str, site: str, study: str, until: str, by: str) -> None:
    """Grant a role at a site."""
    store, config = configured()
    now = clock.now()
    granted = RoleGranted(
        account=AccountId.parse(name),
        role=Role(role),
        site=SiteId.parse(site),
        study=StudyId.parse(study) if study else None,
        valid_from=now.date(),
        valid_until=_day(until),
    )
    signer = roster.administrator(store, config, by, _ask_secret(by), now)
    with unit_of_work(store) as connection:
        record(connection, granted, signer, now)
    click.echo(f"{name} is {role} at {site}")


@account.command("disable")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@click.option("--by", required=True, help="Administrator who disables it (asked for their secret).")
def account_disable(name: str, reason: str, by: str) -> None:
    """Disable an account; its sessions end at once."""
    store, config = configured()
    now = clock.now()
    signer = roster.administrator(store, config, by, _ask_secret(by), now)
    with unit_of_work(store) as connection:
        record(connection, AccountDisabled(account=AccountId.parse(name), reason=reason), signer, now)
        roster.end_sessions(connection, AccountId.parse(name), now)
    click.echo(f"{name} is disabled")


@account.command("list")
@as_json
def account_list(json_wanted: bool) -> None:
    """List accounts with their grants of today."""
    store, _ = configured()
    with store.reading() as connection:
        rows = roster.accounts(connection, clock.now().date())
    if json_wanted:
        print_json([row.as_json() for row in rows])
        return
    print_table(
        "Accounts",
        ("account", "person", "printed name", "enabled", "grants today"),
        [(row.account, row.person, row.printed_name, "yes" if row.enabled else "no", "; ".join(row.grants)) for row in rows],
    )


def _ask_secret(by: str) -> str:
    if not by:
        raise InputError("name the administrator who does this with --by", code="by_missing")
    secret: str = click.prompt(f"secret of {by}", hide_input=True, err=True)
    return secret


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError(f"“{text}” is not a date such as 2026-12-31", code="not_a_date") from error


COMMANDS = (serve, db, account)
