"""Accounts in the reader's words: their events, grants, training, delegations and what runs out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from custody.domain.acts.people import (
    AccountDisabled,
    BadgeRevoked,
    BenchOpened,
    RoleGranted,
    RoleRevoked,
    SecretResetIssued,
    SecretSet,
    SignedIn,
    SignInRefused,
)
from custody.domain.duties import Grant
from custody.domain.terms import Role
from custody.words import Words
from custody.workflows.access import AccountSeen, Due, GrantSeen, RecordSeen
from custody.workflows.own_account import AccountEvent

REFUSALS = ("wrong secret", "wrong pin", "wrong reset code", "revoked badge", "account disabled")
"""Reasons of refused attempts that have words; others are shown as they stand."""


@dataclass(frozen=True, kw_only=True)
class EventShown:
    """One line: when, what, who, and what else a person should know of it."""

    at: datetime
    title: str
    who: str
    more: str
    station: str
    warning: bool


@dataclass(frozen=True, kw_only=True)
class ResetShown:
    """The reset by which somebody's secret came about, for its owner."""

    who: str
    witness: str
    at: datetime
    more: str


@dataclass(frozen=True, kw_only=True)
class RecordShown:
    """A grant, training or delegation. `state`: a word; `warn`: it runs out or has run out; `stands`: it counts today."""

    what: str
    days: str
    by: str
    state: str
    warn: bool
    stands: bool


@dataclass(frozen=True, kw_only=True)
class RecordsShown:
    grants: tuple[RecordShown, ...]
    training: tuple[RecordShown, ...]
    delegations: tuple[RecordShown, ...]
    due: tuple[str, ...]


def event_shown(words: Words, event: AccountEvent) -> EventShown:
    names = words.say("format.comma").join(f"{each.printed_name} ({words.term(each.role)})" for each in event.signers)
    title = words.act_title(event.act.rule.name)
    return EventShown(
        at=event.at,
        title=words.say("own.waits", what=title) if event.waits else title,
        who=names,
        more=_more(words, event),
        station=event.station,
        warning=event.is_warning,
    )


def reset_shown(words: Words, event: AccountEvent) -> ResetShown:
    """Who, and who saw it; a reset that counts has both."""
    administrator, witness = event.signers
    return ResetShown(who=administrator.printed_name, witness=witness.printed_name, at=event.at, more=_more(words, event))


def _more(words: Words, event: AccountEvent) -> str:  # noqa: PLR0911 - one line for each kind of event
    match event.act:
        case SignInRefused(reason=reason, locked_until=until):
            said = words.say(f"own.refusal.{reason.replace(' ', '_')}") if reason in REFUSALS else reason
            return said if until is None else words.say("own.locked_until", why=said, until=until)
        case SecretResetIssued(identity_verified_by=how, reason=reason):
            return words.say("own.reset_because", reason=reason, how=how)
        case SecretSet(kind=kind, by_owner=by_owner, reset=reset):
            key = "own.set_after_reset" if reset is not None else "own.set_by_owner" if by_owner else "own.set_one_time"
            return words.say(key, kind=words.term(kind))
        case SignedIn(opened_with=opened_with):
            return words.say("own.signed_in_with", kind=words.term(opened_with))
        case BenchOpened(station=station, ends_at=until):
            return words.say("own.bench_until", station=station, until=until)
        case BadgeRevoked(reason=reason) | AccountDisabled(reason=reason):
            return reason
        case RoleGranted() as act:
            return dated_grant_text(words, Grant(act.role, act.site, act.study), act.valid_from, act.valid_until)
        case RoleRevoked() as act:
            return f"{grant_text(words, Grant(act.role, act.site, act.study))}: {act.reason}"
        case _:
            return ""


def grant_text(words: Words, grant: Grant) -> str:
    """The role, where, and for which study."""
    study = grant.study.value if grant.study is not None else words.say("people.every_study")
    return words.say("people.grant", role=words.term(grant.role), site=grant.site.value, study=study)


def dated_grant_text(words: Words, grant: Grant, start: date, end: date | None) -> str:
    return words.say("format.comma").join((grant_text(words, grant), days_text(words, start, end)))


def records_shown(words: Words, seen: AccountSeen) -> RecordsShown:
    return RecordsShown(
        grants=tuple(_grant(words, each, seen) for each in reversed(seen.grants)),
        training=tuple(_record(words, each, seen) for each in reversed(seen.training)),
        delegations=tuple(_record(words, each, seen) for each in reversed(seen.delegations)),
        due=tuple(due_text(words, each, seen.today) for each in seen.due),
    )


def _grant(words: Words, each: GrantSeen, seen: AccountSeen) -> RecordShown:
    warn = any(due.kind == "grant" and due.word == each.grant.role and due.on == each.valid_until for due in seen.due)
    return RecordShown(
        what=grant_text(words, each.grant),
        days=days_text(words, each.valid_from, each.valid_until),
        by=each.by.printed_name,
        state=words.say("people.revoked") if each.revoked else _state(words, each.valid_from, each.valid_until, each.today or seen.today),
        warn=warn and not each.revoked,
        stands=each.stands,
    )


def _record(words: Words, each: RecordSeen, seen: AccountSeen) -> RecordShown:
    warn = each.counts and any(due.kind != "grant" and due.word == each.word and due.on == each.valid_until for due in seen.due)
    return RecordShown(
        what=words.word("training", each.word),
        days=days_text(words, each.valid_from, each.valid_until),
        by=each.by.printed_name,
        state=_state(words, each.valid_from, each.valid_until, seen.today) if each.counts else words.say("people.replaced"),
        warn=warn,
        stands=each.counts and each.valid_from <= seen.today <= each.valid_until,
    )


def days_text(words: Words, start: date, end: date | None) -> str:
    return words.say("people.since", start=start) if end is None else words.say("people.from_to", start=start, end=end)


def _state(words: Words, start: date, end: date | None, day: date) -> str:
    if day < start:
        return words.say("people.not_yet")
    if end is None or end >= day:
        left = None if end is None else (end - day).days
        return words.say("people.stands") if left is None else words.say("people.days_left", days=left)
    return words.say("people.over_since", days=(day - end).days)


def due_text(words: Words, due: Due, day: date) -> str:
    """What runs out, or has run out, and when."""
    what = words.say(f"people.due_{due.kind}", what=words.term(Role(due.word)) if due.kind == "grant" else words.word("training", due.word))
    key = "people.was_until" if due.is_over(day) else "people.ends_on"
    return words.say(key, what=what, on=due.on, days=abs((due.on - day).days))
