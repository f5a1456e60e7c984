"""The passport of a bag, and recall in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone
from typing import Any

import click

from custody import clock
from custody.cli.output import as_json, configured, print_json, print_json_list, print_table, shown
from custody.domain.ids import AccountId, BagId, SiteId, StudyId
from custody.domain.masking import Viewer
from custody.domain.scope import EVERYTHING
from custody.errors import NotFoundError
from custody.words import Words
from custody.workflows import reading, tracing, viewing
from custody.workflows.door import Connection
from custody.workflows.standing import Fault, Standing
from custody.workflows.worklist import standing_of

UTC_WORDS = Words("en", timezone.utc)  # noqa: UP017 - the words layer wants any zone


@click.group()
def bag() -> None:
    """Look at bags."""


@bag.command("show")
@click.argument("bag_id", metavar="BAG")
@as_json
def bag_show(bag_id: str, json_wanted: bool) -> None:
    """Show the passport of BAG: where it is, and everything that happened to it, oldest first.

    JSON: {bag, state, holder, expires_at, blocked, came_from, events}; times in UTC.
    """
    node = BagId.parse(bag_id.removeprefix("bag:"))
    store, _ = configured()
    with store.reading() as connection:
        story, stands = _passport(connection, node)
    if json_wanted:
        print_json(_passport_json(story, stands))
        return
    expires = UTC_WORDS.date_time(stands.expires_at) if stands.expires_at else "unknown"
    state = UTC_WORDS.say(stands.state) if stands.state else "unknown"
    click.echo(shown(f"bag {story.node}: {state}, held by {stands.holder or 'unknown'}, expires {expires}"))
    for fault in stands.blocked:
        click.echo(shown(f"! {_fault(fault)}"))
    print_table("What happened", ("recorded", "what", "by", "role", ""), [_row(event) for event in story.events])


def _passport(connection: Connection, node: BagId) -> tuple[viewing.Passport, Standing]:
    """The passport as the bag's own study tells it: only that study's settings say when the bag expires. Raises NotFoundError."""
    now = clock.now()
    for study in (*reading.studies(connection), None):
        viewer = _operator(study)
        try:
            story = viewing.passport(connection, viewer, node, now).value
        except NotFoundError:
            if study is None:
                raise
            continue
        return story, standing_of(connection, viewer, node, now).value
    raise AssertionError("the last viewer, of no study, either sees it or is told that there is none")


def _operator(study: StudyId | None) -> Viewer:
    """Whoever runs commands on the server sees what the database holds anyway."""
    return Viewer(
        account=AccountId("command-line"),
        printed_name="command line",
        roles=frozenset(),
        site=SiteId("COMMAND"),
        study=study,
        blind=False,
        by_grants=EVERYTHING,
    )


def _fault(fault: Fault) -> str:
    return UTC_WORDS.say(fault.key, number=fault.number, thing=UTC_WORDS.named(fault.node) if fault.node is not None else "")


def _row(event: viewing.TimelineEvent) -> tuple[str, str, str, str, str]:
    name = event.by.printed_name if event.by else ""
    role = UTC_WORDS.term(event.by.role) if event.by else ""
    return UTC_WORDS.date_time(event.recorded_at), _what(event), name, role, "!" if event.bad else ""


def _what(event: viewing.TimelineEvent) -> str:
    if event.kind == "gap":
        return f"no custodian until {UTC_WORDS.date_time(event.ends_at)}" if event.ends_at else "no custodian"
    title = UTC_WORDS.act_title(event.act)
    if event.verdict is not None:
        codes = " ".join(finding.gate for finding in event.verdict.findings if finding.outcome == "blocked")
        return f"{event.verdict.word} at {event.verdict.hold_point.value} for “{title}” {codes}".rstrip()
    return title if event.kind == "act" else f"{title} ({event.kind})"


def _passport_json(story: viewing.Passport, stands: Standing) -> dict[str, Any]:
    return {
        "bag": story.node.value,
        "state": stands.state.rpartition(".")[2],
        "holder": stands.holder,
        "expires_at": stands.expires_at.isoformat() if stands.expires_at else None,
        "blocked": [_fault(fault) for fault in stands.blocked],
        "came_from": [node.key for node in story.parents],
        "events": [_event_json(event) for event in story.events],
    }


def _event_json(event: viewing.TimelineEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "act": event.act,
        "stream": event.stream.key,
        "position": event.position,
        "happened_at": event.happened_at.isoformat(),
        "ends_at": event.ends_at.isoformat() if event.ends_at else None,
        "recorded_at": event.recorded_at.isoformat(),
        "by": event.by.printed_name if event.by else None,
        "role": event.by.role.value if event.by else None,
        "bad": event.bad,
        "late": event.late,
        "verdict": event.verdict.word.value if event.verdict else None,
        "codes": [finding.gate for finding in event.verdict.findings if finding.outcome == "blocked"] if event.verdict else [],
    }


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--forward", is_flag=True, help="What came from it: lots, bags, doses, participants.")
@click.option("--backward", is_flag=True, help="What it came from: lots, banks, materials, donor.")
@as_json
def trace(identifier: str, forward: bool, backward: bool, json_wanted: bool) -> None:
    """Trace ID for a recall, one way or the other, nearest things first.

    ID is `kind:value` (lot:LOT-0001), or a value that only one thing carries. JSON: a list of {id, kind, steps, newest_act}.
    """
    if forward == backward:
        raise click.UsageError("say --forward or --backward, one of them")
    store, _ = configured()
    with store.reading() as connection:
        node = tracing.named(connection, identifier.strip())
        if json_wanted:
            print_json_list(_each(tracing.followed(connection, node, forward=forward, viewer=None).value))
            return
        found = tracing.trace(connection, node, forward=forward, viewer=None).value
    rows = [(t.node.kind, t.node.value, t.steps, UTC_WORDS.act_title(t.newest_act) if t.newest_act else "") for t in found]
    things = "1 thing" if len(found) == 1 else f"{len(found)} things"
    print_table(f"{node.key} {'forward' if forward else 'backward'}: {things}", ("kind", "identifier", "steps", "newest act"), rows)


def _each(found: Iterator[tracing.Reached]) -> Iterator[dict[str, object]]:
    """Half a million bags are told while they are found."""
    for steps, things in found:
        for stream, _, act, *_ in sorted(things):
            yield {"id": stream, "kind": stream.partition(":")[0], "steps": steps, "newest_act": act}


COMMANDS = (bag, trace)
