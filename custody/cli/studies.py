"""Studies as signed data: propose, look at the difference, approve."""

from __future__ import annotations

from pathlib import Path

import click

from custody import clock
from custody.cli.output import as_json, configured, print_json, print_table
from custody.domain.ids import StudyId
from custody.domain.terms import Role
from custody.errors import InputError
from custody.workflows import roster, studies
from custody.workflows.door import unit_of_work


@click.group()
def study() -> None:
    """Limits as signed data."""


@study.command("propose")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--by", required=True, help="Account of the sponsor who proposes it (asked for the secret).")
def study_propose(folder: Path, by: str) -> None:
    """Propose the study in FOLDER (TOML files) as its next version."""
    store, config = configured()
    now = clock.now()
    study_id = studies.study_in(folder).protocol.id
    secret: str = click.prompt(f"secret of {by}", hide_input=True, err=True)
    signer = roster.with_role(store, config, by, secret, now, Role.SPONSOR, study_id)
    with unit_of_work(store) as connection:
        version, _ = studies.propose(connection, folder, signer, now)
        problems = studies.problems(connection, study_id, version)
    click.echo(f"{study_id} version {version} is proposed; see it with: custody study diff {study_id}")
    for problem in problems:
        click.echo(f"it cannot be approved yet: {problem}", err=True)


@study.command("diff")
@click.argument("study_id", metavar="STUDY")
@click.option("--old", type=int, default=None, help="Version to compare with; left out: the one in force.")
@click.option("--new", type=int, default=None, help="Version to look at; left out: the newest proposed.")
@as_json
def study_diff(study_id: str, old: int | None, new: int | None, json_wanted: bool) -> None:
    """Show every value that a proposed version changes."""
    store, _ = configured()
    study = StudyId.parse(study_id)
    with store.reading() as connection:
        after = new or studies.newest_version(connection, study)
        before = old or studies.version_in_force(connection, study)
        changed = studies.changes(connection, study, before if before != after else None, after)
    if json_wanted:
        print_json([{"key": c.key, "before": c.before, "after": c.after} for c in changed])
        return
    print_table(f"{study}: version {before or 'none'} to {after}", ("key", "before", "after"), [(c.key, c.before, c.after) for c in changed])


@study.command("approve")
@click.argument("study_id", metavar="STUDY")
@click.option("--version", type=int, default=None, help="Version to put in force; left out: the newest proposed.")
@click.option("--by", required=True, help="Account of the qualified person who approves it (asked for the secret).")
@click.option("--confirm", multiple=True, help="Name of a default that is accepted; repeat it. Left out: each is shown and asked.")
def study_approve(study_id: str, version: int | None, by: str, confirm: tuple[str, ...]) -> None:
    """Put a proposed version in force, confirming by name every setting that stands at custody's default."""
    store, config = configured()
    study = StudyId.parse(study_id)
    with store.reading() as connection:
        number = version or studies.newest_version(connection, study)
        problems = studies.problems(connection, study, number)
        left = studies.defaults(connection, study, number)
    if problems:
        raise InputError(problems[0], code="study_incomplete")
    confirmed = confirm or tuple(name for name, value in left if click.confirm(f"accept the default {name} = {value}?"))
    secret: str = click.prompt(f"secret of {by}", hide_input=True, err=True)
    now = clock.now()
    signer = roster.with_role(store, config, by, secret, now, Role.QP, study)
    with unit_of_work(store) as connection:
        studies.approve(connection, study, number, tuple(confirmed), signer, now)
    click.echo(f"{study} version {number} is in force")


COMMANDS = (study,)
