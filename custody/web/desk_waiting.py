"""What waits for another signature on the thing a desk shows: who has signed, who may sign next, and the way there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from custody.domain.ids import Node
from custody.web import current
from custody.web.desk_parts import Button
from custody.web.standings import time_left
from custody.words import Words
from custody.workflows.worklist import Waiting, waiting_on


@dataclass(frozen=True, kw_only=True)
class WaitingShown:
    """What templates/parts/desk_waiting.html reads. `step`: the way to sign, for somebody who may."""

    title: str
    signed: str
    left: str
    step: Button | None


def waiting_shown(words: Words, *nodes: Node) -> tuple[WaitingShown, ...]:
    """The proposals on some things that this person may know of, thing by thing."""
    with current.store().reading() as connection:
        found = waiting_on(connection, current.viewer(), current.present(), nodes, current.now()).value
    return tuple(_shown(words, each) for each in found)


def _shown(words: Words, each: Waiting) -> WaitingShown:
    href = url_for("proposals.show", kind=each.node.kind, name=each.node.value, digest=each.proposal.value)
    return WaitingShown(
        title=words.act_title(each.act),
        signed=words.say(
            "desk.kit.signed_and_next",
            people=words.say("format.comma").join(signer.printed_name for signer in each.signed),
            roles=words.say("format.or").join(words.term(role) for role in each.roles),
        ),
        left=time_left(words, each.expires_at),
        step=Button(label=words.say("button.countersign"), href=href, is_main=True) if each.mine else None,
    )
