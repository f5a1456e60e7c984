"""Studies as signed data: propose, look at the difference, approve."""

from __future__ import annotations

from pathlib import Path

import click

from custody import clock
from custody.cli.asking import require_recorded, secret_of
from custody.cli.output import as_json, configured, print_json, print_table, shown
from custody.domain.ids import StudyId
from custody.domain.terms import Role
from custody.errors import InputError
from custody.workflows import roster, studies
from custody.workflows.door import Store, unit_of_work

VERSION = click.IntRange(min=1)


@click.group()
def study() -> None:
    """Propose, compare and approve studies: limits as signed data."""


@study.command("propose")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--by", required=True, help="Account of the sponsor who proposes it (asked for the secret).")
def study_propose(folder: Path, by: str) -> None:
    """Propose the study in FOLDER (TOML files) as its next version."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; a study is a folder of .toml files", code="study_empty")
    study_id = studies.study_in(folder).protocol.id
    store, config = configured()
    now = clock.now()
    signer = roster.with_role(store, config, by, secret_of(by), now, Role.SPONSOR, study_id)
    with unit_of_work(store) as connection:
        version, outcome = studies.propose(connection, folder, signer, now)
        require_recorded(outcome)
        problems = studies.problems(connection, study_id, version)
    click.echo(f"{study_id} version {version} is proposed; see it with: custody study diff {study_id}")
    for problem in problems:
        click.echo(f"it cannot be approved yet: {problem}", err=True)


@study.command("diff")
@click.argument("study_id", metavar="STUDY")
@click.option("--old", type=VERSION, default=None, help="Version to compare with; left out: the one in force.")
@click.option("--new", type=VERSION, default=None, help="Version to look at; left out: the newest proposed.")
@as_json
def study_diff(study_id: str, old: int | None, new: int | None, json_wanted: bool) -> None:
    """Show every value that a proposed version changes.

    Where the newest version is in force already, it is shown whole. JSON: a list of {key, before, after}; empty text where nothing stands.
    """
    node = StudyId.parse(study_id)
    store, _ = configured()
    with store.reading() as connection:
        after = new or studies.newest_version(connection, node)
        in_force = studies.version_in_force(connection, node)
        # A version compared with itself would say nothing; it is shown whole instead, unless that was asked for.
        before = old or (in_force if in_force != after else None)
        changed = studies.changes(connection, node, before, after)
    if json_wanted:
        print_json([{"key": c.key, "before": c.before, "after": c.after} for c in changed])
        return
    title = f"{node}: version {before} to {after}" if before else f"{node}: version {after}, whole"
    print_table(title, ("key", "before", "after"), [(c.key, c.before, c.after) for c in changed])


@study.command("approve")
@click.argument("study_id", metavar="STUDY")
@click.option("--version", type=VERSION, default=None, help="Version to put in force; left out: the newest proposed.")
@click.option("--by", required=True, help="Account of the qualified person who approves it (asked for the secret).")
@click.option("--confirm", multiple=True, help="Name of a default that is accepted; repeat it. Left out: each is shown and asked.")
def study_approve(study_id: str, version: int | None, by: str, confirm: tuple[str, ...]) -> None:
    """Put a proposed version in force, confirming by name every setting that stands at custody's default."""
    node = StudyId.parse(study_id)
    store, config = configured()
    number, left = _approvable(store, node, version)
    confirmed = confirm or _ask(left)
    _check_confirmed(confirmed, left)
    now = clock.now()
    signer = roster.with_role(store, config, by, secret_of(by), now, Role.QP, node)
    with unit_of_work(store) as connection:
        require_recorded(studies.approve(connection, node, number, confirmed, signer, now))
    click.echo(f"{node} version {number} is in force")


def _approvable(store: Store, study_id: StudyId, version: int | None) -> tuple[int, dict[str, str]]:
    """The version's number and its defaults by name. Raises InputError when it cannot be put in force."""
    with store.reading() as connection:
        number = version or studies.newest_version(connection, study_id)
        problems = studies.problems(connection, study_id, number)
        left = dict(studies.defaults(connection, study_id, number))
    if problems:
        raise InputError(problems[0], code="study_incomplete")
    return number, left


def _ask(left: dict[str, str]) -> tuple[str, ...]:
    return tuple(name for name, value in left.items() if click.confirm(f"accept the default {name} = {shown(value)}?", err=True))


def _check_confirmed(confirmed: tuple[str, ...], left: dict[str, str]) -> None:
    """Told before the secret is asked for. A name that is no default is a typing mistake, not a confirmation."""
    unknown = [name for name in confirmed if name not in left]
    if unknown:
        names = ", ".join(left) or "none"
        raise InputError(f"“{shown(unknown[0])}” is no default of this version; they are: {names}", code="no_such_default")
    missing = [name for name in left if name not in confirmed]
    if missing:
        raise InputError(f"confirm each of these defaults by name: {', '.join(missing)}", code="defaults_unconfirmed")


COMMANDS = (study,)
