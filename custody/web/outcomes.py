"""What became of an act, as a page: recorded, waiting for somebody, STOP, CANNOT CHECK, or an answer given before."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for

from custody.domain.acts.base import ACTS, ActRule
from custody.domain.duties import roles_at
from custody.domain.masking import Seen
from custody.domain.terms import VerdictWord
from custody.web import current
from custody.web.wording import Phone, verdict_shown
from custody.workflows.next_steps import next_act, roles_of_next
from custody.workflows.outcome import Outcome
from custody.workflows.reading import SiteSeen, site_seen
from custody.workflows.verdicts import VerdictRead, verdict_of

Page = tuple[str, int]
SHORT = 12


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    title: str
    remark: str
    reference: str
    steps: tuple[str, ...]
    contact: Phone | None


def outcome_page(outcome: Outcome, rule: ActRule, *, signed: int) -> Page:
    """The page of an outcome. `signed`: how many have signed now, for an act that still waits."""
    with current.store().reading() as connection:
        verdict = verdict_of(connection, current.viewer(), outcome)
    if outcome.kind in {"stopped", "cannot_check"} and verdict is not None:
        return stop_page(outcome, verdict)
    title = current.words().act_title(outcome.act) if outcome.act in ACTS else rule.title
    text = render_template(
        "pages/outcome.html",
        page_title=title,
        confirmation=_confirmation(outcome, rule, signed),
        thing=current.words().named(outcome.subject),
        thing_href=url_for("things.passport", kind=outcome.subject.kind, name=outcome.subject.value),
        again_href=url_for("acts.form", name=rule.name),
        act_title=current.words().act_title(rule.name),
        verdict=None,
    )
    return text, 200


def stop_page(outcome: Outcome, verdict: Seen[VerdictRead]) -> Page:
    """STOP or CANNOT CHECK is an answer, not a fault: the page says so with its reasons."""
    words = current.words()
    text = render_template(
        "pages/outcome.html",
        page_title=words.say("verdict.stop_other" if verdict.value.word is VerdictWord.STOP else "verdict.cannot_check_other"),
        confirmation=None,
        thing=words.named(outcome.subject),
        thing_href=url_for("things.passport", kind=outcome.subject.kind, name=outcome.subject.value),
        again_href=url_for("acts.form", name=outcome.act, about=outcome.subject.key),
        act_title=words.act_title(outcome.act),
        verdict=verdict_shown(words, verdict.value, site_here()),
        still_waiting=outcome.proposal is not None and len(ACTS[outcome.act].slots) > 1 if outcome.act in ACTS else False,
    )
    return text, 200


def site_here() -> SiteSeen | None:
    """The site of the person, with the number to call."""
    site = current.site()
    if site is None:
        return None
    with current.store().reading() as connection:
        return site_seen(connection, site)


def _confirmation(outcome: Outcome, rule: ActRule, signed: int) -> Confirmation:
    words = current.words()
    waiting = outcome.kind == "waiting"
    title = words.say("confirmation.proposed") if waiting else words.act_title(outcome.act)
    remark = words.named(outcome.subject) if not waiting else f"{words.act_title(rule.name)}: {words.named(outcome.subject)}"
    if outcome.again and outcome.answered_at is not None:
        remark = words.say("confirmation.again", at=outcome.answered_at)
    return Confirmation(
        title=title,
        remark=remark,
        reference=outcome.entry.value[:SHORT] if outcome.entry is not None else "",
        steps=_waited_for(rule, signed) if waiting else _what_next(outcome.act),
        contact=None,
    )


def _waited_for(rule: ActRule, signed: int) -> tuple[str, ...]:
    words = current.words()
    roles = words.say("format.or").join(words.term(role) for role in sorted(roles_at(rule, signed)))
    key = "outcome.repeat" if rule.second == "repeat" else "outcome.sign"
    return (words.say("work.waiting_for", role=roles), words.say(key))


def _what_next(act: str) -> tuple[str, ...]:
    following = next_act(act)
    if not following:
        return ()
    words = current.words()
    roles = words.say("format.or").join(words.term(role) for role in roles_of_next(following))
    return (words.say("outcome.next", act=words.act_title(following), role=roles),)
