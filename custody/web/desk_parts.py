"""What the parts of a desk page read: buttons, queues, criteria, the acts of a desk and the form of one. No rule is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from custody.domain.acts.base import ACTS, ActRule
from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.duties import roles_at
from custody.domain.ids import Node
from custody.web import current
from custody.web.addresses import address
from custody.web.deeds import ELSEWHERE
from custody.web.desks import Desk, desk_for
from custody.web.forms import Field
from custody.web.standings import blocked_text, next_text, state_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.offers import Offer, Why
from custody.workflows.standing import Standing

PAGES_OF = {
    "bedside": "bedside.choose",
    "receiving": "receiving.choose",
    "logger-files": "logger_files.form",
    "secret": "sign_in.secret_form",
    "policy": "sign_in.policy_form",
    "people": "people.every",
    "access-review": "access_review.form",
}
"""Where acts with a page of their own are done."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """A link that looks like a button; with `why_not` it is disabled and says so in words."""

    label: str
    href: str
    why_not: str = ""
    is_main: bool = False


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One thing that waits. `remark`: what a person should know of it; `bad`: something is wrong, shown by shape and word."""

    thing: str
    href: str
    state: str
    left: str
    until: datetime | None = None
    late: bool = False
    bad: bool = False
    remark: str = ""
    who: str = ""
    step: Button | None = None


@dataclass(frozen=True, kw_only=True)
class QueueShown:
    """What templates/parts/desk_queue.html reads. `note`: an honest word beneath, such as that the list was cut."""

    title: str
    rows: tuple[QueueRow, ...]
    empty: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultLine:
    """One result or piece of evidence of a criterion, with the facts beside it and what can be done about it."""

    text: str
    word: str
    tags: tuple[str, ...] = ()
    facts: tuple[Line, ...] = ()
    steps: tuple[Button, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CriterionRow:
    """One criterion of templates/parts/desk_criteria.html. `state`: bad, open or good; good ones are folded away."""

    name: str
    limit: str
    state: str
    word: str
    results: tuple[ResultLine, ...] = ()
    steps: tuple[Button, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActPanel:
    """The form of one act within a desk. `beside`: what stands beside the form, such as the limit; `why_not` stands instead of it."""

    title: str
    act: str
    about: str
    fields: tuple[Field, ...]
    happened: Field
    signatures: tuple[str, ...]
    then: str
    beside: tuple[Line, ...]
    leave_href: str
    key: str = ""
    why_not: str = ""


def why_text(words: Words, why: Why | None) -> str:
    """The reason in words; nothing where there is none."""
    if why is None:
        return ""
    values: dict[str, object] = dict(why.values)
    if why.roles:
        values["roles"] = words.say("format.or").join(words.term(role) for role in why.roles)
    if why.acts:
        values["acts"] = words.say("format.or").join(words.act_title(act) for act in why.acts)
    return words.say(why.key, **values)


def desk_href(desk: Desk, node: Node | None = None, act: str = "", **given: str) -> str:
    """The address of a desk, of a thing within it, or of the form of an act there with some values filled in."""
    if node is None or not desk.has_sheets:
        return address(desk.endpoint)
    values: dict[str, Any] = {name: value for name, value in (("act", act), *given.items()) if value}
    return address(f"desk_{desk.name}.sheet", kind=node.kind, name=node.value, **values)


def step_href(act: str, node: Node, desk: Desk | None) -> str:
    """Where a step about a thing is done: at this desk when it offers it, at another of this person's desks, or on the general form."""
    if act == LoggerFileRead.rule.name and node.kind in {"shipment", "bag"}:
        return address(PAGES_OF["receiving"])  # what travelled is read with its shipment
    if act in ELSEWHERE and ELSEWHERE[act] in PAGES_OF:
        return address(PAGES_OF[ELSEWHERE[act]])
    at = desk if desk is not None and act in desk.acts and node.kind in desk.kinds else desk_for(act, node.kind, current.present().roles)
    if at is not None and ACTS[act].opens == "first":
        return start_href(at, act)
    if at is None or type(node) not in ACTS[act].about:
        # The next step is sometimes one of another thing: the passport shows which.
        return thing_href(node) if at is None or not at.has_sheets else desk_href(at, node)
    return desk_href(at, node, act) if at.has_sheets else address("acts.form", name=act, about=node.key, then=desk_href(at))


def step_button(words: Words, desk: Desk | None, node: Node, act: str) -> Button | None:
    """The next step as a button, for somebody who may take it; None for everybody else."""
    if not act or not _may_begin(ACTS[act]):
        return None
    return Button(label=words.act_title(act), href=step_href(act, node, desk))


def thing_href(node: Node) -> str:
    return address("things.passport", kind=node.kind, name=node.value)


def correct_href(desk: Desk, node: Node, digest: str) -> str:
    """The form that corrects an entry of a thing; afterwards back to the desk."""
    return address("corrections.form", kind=node.kind, name=node.value, digest=digest, then=desk_href(desk, node))


def start_href(desk: Desk, act: str) -> str:
    """The form of an act, or the question what it is about; afterwards back to the desk."""
    if act in ELSEWHERE and ELSEWHERE[act] in PAGES_OF:
        return address(PAGES_OF[ELSEWHERE[act]])
    return address("acts.form", name=act, then=address(desk.endpoint))


def act_links(words: Words, desk: Desk) -> tuple[tuple[Button, ...], tuple[Button, ...]]:
    """The acts of a desk this person may begin: those that start something new, and those about a thing."""
    mine = [ACTS[act] for act in desk.acts if _may_begin(ACTS[act])]
    new = tuple(Button(label=words.act_title(rule.name), href=start_href(desk, rule.name)) for rule in mine if rule.opens == "first")
    rest = tuple(Button(label=words.act_title(rule.name), href=start_href(desk, rule.name)) for rule in mine if rule.opens != "first")
    return new, rest


def _may_begin(rule: ActRule) -> bool:
    wanted = roles_at(rule, 0)
    return any(grant.role in wanted and grant.covers(current.study()) for grant in current.present().grants)


def offer_buttons(words: Words, desk: Desk, node: Node, offers: Iterable[Offer], *, main: str = "") -> tuple[Button, ...]:
    """One button for each act of the desk about this thing; `main` is the step that comes next."""
    return tuple(
        Button(
            label=words.act_title(offer.act),
            href=step_href(offer.act, node, desk),
            why_not=why_text(words, offer.why_not),
            is_main=offer.act == main and offer.why_not is None,
        )
        for offer in offers
    )


def standing_rows(words: Words, desk: Desk | None, rows: Iterable[Standing]) -> tuple[QueueRow, ...]:
    """Things as they stand, each with its next step where one of this person's desks has it."""
    who = cache(partial(next_text, words))  # a long list knows few next steps
    return tuple(_standing_row(words, desk, row, who) for row in rows)


def _standing_row(words: Words, desk: Desk | None, row: Standing, who: Callable[[str], str]) -> QueueRow:
    at = desk or desk_for(row.next, row.node.kind, current.present().roles)
    within = at is not None and at.has_sheets and row.node.kind in at.kinds
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(at, row.node) if at is not None and within else thing_href(row.node),
        state=state_text(words, row),
        left=time_left(words, row.expires_at),
        until=row.expires_at,
        late=row.expires_at is not None and row.expires_at <= current.now(),
        bad=bool(row.blocked),
        remark=" · ".join(text for text in (blocked_text(words, row), row.holder) if text),
        who=who(row.next),
        step=step_button(words, at, row.node, row.next) if not row.blocked else None,
    )


def signature_texts(words: Words, rule: ActRule) -> tuple[str, ...]:
    """Who signs, in order, with what meaning."""
    either = words.say("format.or")
    named = ((either.join(words.term(role) for role in sorted(roles_at(rule, n))), slot) for n, slot in enumerate(rule.slots))
    return tuple(words.say("acts.signature", role=roles, meaning=words.term(slot.meaning)) for roles, slot in named)
