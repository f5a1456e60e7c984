"""Accounts of an installation: the first one, further ones, grants, secrets and their reset, disabling."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import click

from custody import clock
from custody.cli.asking import require_recorded, secret_of
from custody.cli.output import as_json, configured, print_json, print_table, shown
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, RoleRevoked, SiteRegistered
from custody.domain.ids import AccountId, PersonId, SiteId, StudyId
from custody.domain.terms import Role, SiteKind
from custody.errors import InputError
from custody.workflows import people, resets, roster
from custody.workflows.door import Connection, Store, unit_of_work
from custody.workflows.recording import record


@click.group()
def account() -> None:
    """Add, grant, list and disable accounts; choose a secret of one's own, and reset one that was forgotten.

    What an administrator must sign asks for their secret; without a terminal it is read as a line of standard input.
    """


@account.command("add")
@click.argument("name")
@click.option("--person", required=True, help="Code of the human being; one person has one enabled account.")
@click.option("--printed-name", required=True, help="Name printed beside every signature.")
@click.option("--identity", required=True, help="How the person proved who they are.")
@click.option("--bootstrap", is_flag=True, help="The first account of an empty ledger: an administrator, with its site.")
@click.option("--site", default="", help="With --bootstrap: code of the first site.")
@click.option("--site-name", default="", help="With --bootstrap: its name; left out: its code.")
@click.option("--zone", default="UTC", show_default=True, help="With --bootstrap: its time zone, such as Asia/Shanghai.")
@click.option("--phone", default="", help="With --bootstrap: who to call.")
@click.option("--by", "by", default="", help="Administrator who adds the account (asked for their secret).")
def account_add(
    name: str, person: str, printed_name: str, identity: str, bootstrap: bool, site: str, site_name: str, zone: str, phone: str, by: str
) -> None:
    """Add an account and print its one-time secret; its owner replaces it at the first sign-in."""
    if bootstrap == bool(by):
        raise click.UsageError("say --bootstrap for the first account, or --by for any other")
    if bootstrap and not site:
        raise click.UsageError("the first account needs --site")
    created = AccountCreated(
        account=AccountId.parse(name),
        person=PersonId.parse(person),
        printed_name=_said(printed_name, "--printed-name"),
        identity_verified_by=_said(identity, "--identity"),
    )
    now = clock.now()
    if bootstrap:
        registered = SiteRegistered(site=SiteId.parse(site), name=site_name or site, kind=SiteKind.SPONSOR, zone=_zone(zone), phone=phone)
        secret = _bootstrap(created, registered, now)
    else:
        secret = _add(created, by, now)
    click.echo(f"account {created.account} added; one-time secret: {secret}")


def _bootstrap(created: AccountCreated, site: SiteRegistered, now: datetime) -> str:
    store, _ = configured()
    with unit_of_work(store) as connection:
        people.bootstrap(
            connection,
            account=created.account,
            person=created.person,
            printed_name=created.printed_name,
            site=site,
            identity_verified_by=created.identity_verified_by,
            now=now,
        )
        return _first_secret(connection, store, created.account, created.account, now)


def _add(created: AccountCreated, by: str, now: datetime) -> str:
    store, config = configured()
    signer = roster.administrator(store, config, by, secret_of(by), now)
    with unit_of_work(store) as connection:
        require_recorded(record(connection, created, signer, now))
        return _first_secret(connection, store, created.account, signer.account, now)


def _first_secret(connection: Connection, store: Store, account: AccountId, by: AccountId, now: datetime) -> str:
    secret = roster.one_time_secret()
    people.give_first_secret(connection, store, account, secret, by, now)
    return secret


@account.command("grant")
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option("--site", required=True, help="Code of the site.")
@click.option("--study", default="", help="Study; left out: every study.")
@click.option("--until", default="", help="Last day, as YYYY-MM-DD; left out: no end.")
@click.option("--by", required=True, help="Administrator who grants it (asked for their secret).")
def account_grant(name: str, role: str, site: str, study: str, until: str, by: str) -> None:
    """Grant a role at a site from today on."""
    now, place = clock.now(), SiteId.parse(site)
    store, config = configured()
    with store.reading() as connection:
        today = roster.today_at(connection, place, now)
    granted = RoleGranted(
        account=AccountId.parse(name),
        role=Role(role),
        site=place,
        study=StudyId.parse(study) if study else None,
        valid_from=today,
        valid_until=_day(until),
    )
    if granted.valid_until is not None and granted.valid_until < granted.valid_from:
        raise InputError(f"{until} is over already; the last day must not lie before today, {granted.valid_from}", code="not_a_date")
    signer = roster.administrator(store, config, by, secret_of(by), now)
    with unit_of_work(store) as connection:
        require_recorded(record(connection, granted, signer, now))
    click.echo(f"{granted.account} is {role} at {granted.site}")


@account.command("disable")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@click.option("--by", required=True, help="Administrator who disables it (asked for their secret).")
def account_disable(name: str, reason: str, by: str) -> None:
    """Disable an account; its sessions end at once."""
    now = clock.now()
    disabled = AccountDisabled(account=AccountId.parse(name), reason=_said(reason, "--reason"))
    store, config = configured()
    signer = roster.administrator(store, config, by, secret_of(by), now)
    with unit_of_work(store) as connection:
        require_recorded(record(connection, disabled, signer, now))
        roster.end_sessions(connection, disabled.account, now)
    click.echo(f"{disabled.account} is disabled")


@account.command("revoke")
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option("--site", required=True, help="Code of the site.")
@click.option("--study", default="", help="Study of the grant; left out: the grant for every study.")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@click.option("--by", required=True, help="Administrator who revokes it (asked for their secret).")
def account_revoke(name: str, role: str, site: str, study: str, reason: str, by: str) -> None:
    """Take a role back, from now on."""
    now = clock.now()
    revoked = RoleRevoked(
        account=AccountId.parse(name),
        role=Role(role),
        site=SiteId.parse(site),
        study=StudyId.parse(study) if study else None,
        reason=_said(reason, "--reason"),
    )
    store, config = configured()
    signer = roster.administrator(store, config, by, secret_of(by), now)
    with unit_of_work(store) as connection:
        require_recorded(record(connection, revoked, signer, now))
    click.echo(f"{revoked.account} is no longer {role} at {revoked.site}")


@account.command("secret")
@click.argument("name")
def account_secret(name: str) -> None:
    """Choose a secret of your own: asks for the one you have, or were given, and twice for the new one.

    Without a terminal the three are lines of standard input.
    """
    store, config = configured()
    old, new, again = secret_of(name), secret_of(f"{name} (new)"), secret_of(f"{name} (new, once more)")
    if new != again:
        raise InputError("the two new secrets differ; type the same one twice", code="secrets_differ")
    roster.choose_own(store, config, name, old, new, clock.now())
    click.echo(f"{name} has a secret of their own")


@account.command("reset")
@click.argument("name")
@click.option("--identity", required=True, help="How the person proved who they are.")
@click.option("--reason", required=True, help="Why; it stays in the record.")
@click.option("--by", required=True, help="Administrator who resets it (asked for their secret).")
def account_reset(name: str, identity: str, reason: str, by: str) -> None:
    """Reset a secret: prints a code with which its owner chooses another, after a witness has signed on the web pages."""
    now = clock.now()
    said = _said(identity, "--identity"), _said(reason, "--reason")
    store, config = configured()
    signer = roster.administrator(store, config, by, secret_of(by), now)
    with unit_of_work(store) as connection:
        issued = resets.issue(connection, store, signer, AccountId.parse(name), *said, now)
    click.echo(
        f"code for {name}, shown this once: {issued.code}; it counts until {issued.valid_until:%H:%M} UTC, once a witness has signed"
    )


@account.command("list")
@as_json
def account_list(json_wanted: bool) -> None:
    """List accounts with their grants of today.

    JSON: a list of {account, person, printed_name, enabled, grants}.
    """
    store, _ = configured()
    with store.reading() as connection:
        rows = roster.accounts(connection, clock.now())
    if json_wanted:
        print_json([row.as_json() for row in rows])
        return
    print_table(
        "Accounts",
        ("account", "person", "printed name", "enabled", "grants today"),
        [(row.account, row.person, row.printed_name, "yes" if row.enabled else "no", "; ".join(row.grants)) for row in rows],
    )


def _said(text: str, option: str) -> str:
    if not text.strip() or shown(text) != text:
        raise InputError(f"{option} is “{shown(text)}”; expected a line of plain text", code="text_expected")
    return text.strip()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"“{shown(name)}” is no time zone known here; expected a name such as Asia/Shanghai", code="zone_unknown"
        ) from error
    return name


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError(f"“{shown(text)}” is not a date such as 2026-12-31", code="not_a_date") from error


COMMANDS = (account,)
