"""The list of a recall as tables that print."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import cache
from typing import Any

from custody.domain.acts.base import ACTS
from custody.domain.ids import Node
from custody.web.desk_parts import thing_href
from custody.web.pages.desks.quality_sheet import cell, columns
from custody.words import Words
from custody.workflows.desks.recall_bags import BagListed
from custody.workflows.desks.recalls import BagTraced, RecallList
from custody.workflows.tracing import Traced

HrefOf = Callable[[Node], str]


def tables(words: Words, found: RecallList, recall_href: HrefOf) -> dict[str, Any]:
    """What templates/pages/desks/recall.html reads of the bags and things."""
    return {
        "bag_columns": columns(words, "bag", "state", "place", "lot", "dose", "participant"),
        "bags": [_bag(words, each, recall_href) for each in found.bags],
        "bags_counted": _counted(words, found.bags),
        "sisters": [_bag(words, each, recall_href) for each in found.sisters],
        "sisters_counted": _counted(words, found.sisters),
        "thing_columns": columns(words, "what", "steps", "state"),
        "others": [_thing(words, each) for each in found.others],
        "behind": [_thing(words, each) for each in found.behind],
        "participants": tuple(each.value for each in found.participants),
    }


def _counted(words: Words, bags: tuple[BagTraced, ...]) -> str:
    unknown = sum(bool(bag.unknown) for bag in bags)
    loose = sum(bag.is_loose and not bag.unknown for bag in bags)
    given = sum(bag.given for bag in bags)
    return words.say("desk.quality.recall_counts", loose=loose, given=given, gone=len(bags) - unknown - loose - given, unknown=unknown)


def _bag(words: Words, each: BagTraced, recall_href: HrefOf) -> list[dict[str, object]]:
    state = words.say(f"term.BagState.{each.state}") if each.state else words.say("desk.quality.unknown")
    tag = words.say("desk.quality.given_tag") if each.given else words.say("desk.quality.bring_back_tag") if each.is_loose else ""
    since = words.say("desk.quality.since", at=each.since) if each.since is not None else ""
    return [
        cell(each.bag.value, href=thing_href(each.bag), code=True),
        cell(" · ".join(part for part in (state, tag) if part)),
        cell(" ".join(part for part in (each.holder, since) if part)),
        cell(each.lot.value, href=recall_href(each.lot), code=True) if each.lot is not None else cell(""),
        cell(each.dose.value if each.dose is not None else "", code=True),
        cell(each.participant.value if each.participant is not None else "", code=True),
    ]


def _thing(words: Words, each: Traced) -> list[dict[str, object]]:
    newest = words.act_title(each.newest_act) if each.newest_act in ACTS else ""
    return [cell(words.named(each.node), href=thing_href(each.node)), cell(str(each.steps)), cell(newest)]


def file_head(words: Words, *, named: bool) -> tuple[str, ...]:
    """The columns of the file; `named`: with the participants."""
    columns = ("bag", "lot", "dose", *(("participant",) if named else ()), "last_act", "site", "recorded_at")
    return tuple(words.say(f"desk.quality.recall_file_{column}") for column in columns)


def file_rows(words: Words, found: Iterable[list[BagListed]], *, named: bool) -> Generator[list[tuple[str, ...]], None, None]:
    """What stands under them; times as they were recorded, in UTC."""
    title = cache(lambda act: words.act_title(act) if act in ACTS else "")
    for bags in found:
        if named:
            yield [(bag, lots, doses, people, title(act), site, at) for bag, lots, doses, people, act, site, at in bags]
        else:
            yield [(bag, lots, doses, title(act), site, at) for bag, lots, doses, _, act, site, at in bags]
