"""What the desks with pages of their own share: who works there, forms of acts, the secret again, and verdicts in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import request

from custody.domain.acts.base import Act, ActRule
from custody.domain.acts.record import FindingKept, VerdictGiven
from custody.domain.ids import Node
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import VerdictWord
from custody.errors import CustodyError
from custody.web import current, errors
from custody.web.answers import Answers, Reader
from custody.web.forms import Field, FormMaker, Typed
from custody.web.moments import Choice
from custody.words import Words
from custody.workflows import people
from custody.workflows.door import unit_of_work
from custody.workflows.judging import reason_from
from custody.workflows.proposing import find_node
from custody.workflows.reading import site_seen
from custody.workflows.signer import Signer
from custody.workflows.verdicts import places_hold


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One line of the error summary; `field` is the name of a form field, or empty."""

    text: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Both:
    """One sentence in both languages; of a reason also the rule, and the bag it speaks of."""

    english: str
    chinese: str
    rule: str = ""
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Phone:
    name: str
    number: str


@dataclass(frozen=True, kw_only=True)
class ShownVerdict:
    """What templates/parts/verdict.html reads."""

    word: str
    at_bedside: bool
    reasons: tuple[Both, ...]
    steps: tuple[Both, ...]
    phone: Phone | None
    judged_at: datetime
    valid_until: datetime | None
    compared: tuple[Line, ...]
    remarks: tuple[Both, ...]


@dataclass(frozen=True, kw_only=True)
class ShownSignature:
    """What templates/parts/signature.html reads."""

    title: str
    lines: tuple[Line, ...]
    meaning: str
    signer: str
    role: str
    digest: str
    error: str
    button: str


# ── who works here ──


def viewer() -> Viewer:
    with current.store().reading() as connection:
        return people.viewer_of(connection, current.present(), current.study())


def phone() -> Phone | None:
    """The telephone of the site this person works at."""
    site = current.site()
    if site is None:
        return None
    with current.store().reading() as connection:
        found = site_seen(connection, site)
    return Phone(name=found.name, number=found.phone) if found.phone else None


def typed_by_hand(signer: Signer) -> Signer:
    """The same person, with a note at the station when codes were typed instead of scanned: the entry says so for ever."""
    names = sorted(name.removeprefix("typed.") for name, value in request.form.items() if name.startswith("typed.") and value)
    note = f"typed: {', '.join(names)}"[:200] if names else ""
    return replace(signer, station=" ".join(part for part in (signer.station, note) if part)) if note else signer


# ── forms ──


def typed() -> dict[str, list[str]]:
    """Everything the browser sent, under its name."""
    return {name: request.form.getlist(name) for name in request.form}


@dataclass(frozen=True, kw_only=True)
class ActForm:
    """A form of one act at a desk: its fields, and the act they make. `fixed`: what the server fills in, as the ledger writes it."""

    rule: ActRule
    fixed: Mapping[str, Any]
    typed: Typed = field(default_factory=dict)
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)

    def fields(self, problems: Mapping[str, str] | None = None) -> tuple[Field, ...]:
        maker = FormMaker(
            rule=self.rule,
            words=current.words(),
            typed=self.typed,
            now=current.now(),
            choices=lambda name: self.choices.get(name, ()),
            fixed=frozenset(self.fixed),
            errors=problems or {},
        )
        return maker.fields()

    def read(self) -> tuple[Act | None, dict[str, CustodyError]]:
        """The act that was typed, or None and what is wrong, by field."""
        answers = Answers(
            rule=self.rule,
            typed=self.typed,
            words=current.words(),
            now=current.now(),
            find=_known,
            fixed=self.fixed,
            readers=self.readers,
        )
        return answers.act(), answers.errors


def _known(kinds: tuple[type[Node], ...], text: str) -> Node:
    with current.store().reading() as connection:
        return find_node(connection, kinds, text, may_be_new=False)


def sentences(found: Mapping[str, CustodyError]) -> dict[str, str]:
    return {name: errors.sentence(error) for name, error in found.items()}


def problems_of(found: Mapping[str, str]) -> tuple[Problem, ...]:
    return tuple(Problem(text=text, field=name) for name, text in found.items())


def secret_fault() -> str:
    """Empty when the secret in this form is that of the person at the keyboard; else the sentence to show. Wrong ones are counted."""
    store, config, now = current.store(), current.installation().config, current.now()
    with unit_of_work(store) as connection:
        refusal = people.check_secret(connection, store, config, current.present(), request.form.get("secret", ""), now)
    if refusal is None:
        return ""
    if refusal.locked_until is not None:
        return current.words().say("error.account_locked", until=refusal.locked_until)
    return current.words().say("error.secret_wrong")


def signature_of(rule: ActRule, place: int, *, title: str, lines: tuple[Line, ...], digest: str, error: str = "") -> ShownSignature:
    """What this person would sign at this place of an act. Raises NotPermittedError when none of their roles may."""
    words, who = current.words(), current.present()
    signer = current.signer(rule, place)
    return ShownSignature(
        title=title,
        lines=lines,
        meaning=words.term(rule.slots[place].meaning),
        signer=who.printed_name,
        role=words.term(signer.role),
        digest=digest,
        error=error,
        button=words.say("button.sign" if len(rule.slots) > 1 else "button.sign_and_record"),
    )


# ── verdicts ──


def shown_verdict(
    given: Seen[VerdictGiven],
    *,
    at_bedside: bool,
    valid_until: datetime | None = None,
    compared: tuple[Line, ...] = (),
    steps_at_go: tuple[str, ...] = (),
) -> ShownVerdict:
    """A verdict as the page shows it; `steps_at_go` are keys of what to do after a GO."""
    words, verdict = current.words(), given.value
    blocking = [finding for finding in verdict.findings if finding.outcome == "blocked"]
    is_go = verdict.word is VerdictWord.GO
    return ShownVerdict(
        word=verdict.word.value,
        at_bedside=at_bedside,
        reasons=tuple(dict.fromkeys(reason_shown(words, finding) for finding in blocking)),
        steps=tuple(_said(words, key) for key in steps_at_go) if is_go else _next_steps(words, blocking),
        phone=phone(),
        judged_at=verdict.judged_at,
        valid_until=valid_until if is_go else None,
        compared=compared,
        remarks=_remarks(words, verdict, blocking),
    )


def reason_shown(words: Words, finding: FindingKept) -> Both:
    reason = reason_from(finding.reason)
    english, chinese = words.both_reason(reason.code, reason.values)
    return Both(english=english, chinese=chinese, rule=finding.gate, about=finding.bag.partition(":")[2])


def _next_steps(words: Words, blocking: list[FindingKept]) -> tuple[Both, ...]:
    steps = []
    for finding in blocking:
        reason = reason_from(finding.reason)
        english, chinese = words.both_next_step(reason.code, reason.values)
        if english or chinese:
            steps.append(Both(english=english, chinese=chinese))
    return tuple(dict.fromkeys(steps))


def _remarks(words: Words, verdict: VerdictGiven, blocking: list[FindingKept]) -> tuple[Both, ...]:
    if verdict.word is VerdictWord.GO:
        return ()
    if verdict.word is VerdictWord.CANNOT_CHECK:
        return (_said(words, "verdict.treat_as_stop"),)
    held = any(map(places_hold, blocking))
    return (_said(words, "verdict.bag_held" if held else "verdict.nothing_held"), _said(words, "verdict.near_miss"))


def _said(words: Words, key: str) -> Both:
    english, chinese = words.both(key)
    return Both(english=english, chinese=chinese)

