"""What the desks with pages of their own share: codes typed instead of scanned, refused scans, and what a person signs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import request

from custody.domain.acts.base import ActRule
from custody.domain.masking import Seen
from custody.errors import CustodyError
from custody.web import current, typed_by_hand
from custody.web.forms import Typed
from custody.web.outcomes import site_here
from custody.web.wording import Both, Line, VerdictShown, verdict_shown
from custody.workflows.door import unit_of_work
from custody.workflows.refusals import keep_scan
from custody.workflows.signer import Signer
from custody.workflows.verdicts import VerdictRead

TYPED = typed_by_hand.TYPED


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


def typed() -> Typed:
    """Everything the browser sent, under its name."""
    return request.form.to_dict(flat=False)


def noting_typed(signer: Signer) -> Signer:
    """The same person, with a note when codes of this form were typed instead of scanned. Raises InputError for one without its reason."""
    return typed_by_hand.noting(signer, typed())


def keep_refused(where: str, text: str, error: CustodyError) -> None:
    """Keep a scan that named nothing usable here, as evidence."""
    with unit_of_work(current.store()) as connection:
        keep_scan(connection, current.present(), current.study(), where=where, seen=text, refusal=error.code, now=current.now())


def said(key: str) -> Both:
    return Both(*current.words().both(key))


def shown(verdict: Seen[VerdictRead], *, at_go: tuple[str, ...] = (), **more: object) -> VerdictShown:
    """A verdict as the page shows it; `at_go` are keys of what to do after a GO."""
    made = verdict_shown(current.words(), verdict.value, site_here(), **more)
    return replace(made, steps=tuple(map(said, at_go))) if made.word == "GO" else made


def signature_of(rule: ActRule, place: int, *, lines: tuple[Line, ...], digest: str, error: str, button: str) -> ShownSignature:
    """What this person would sign at this place of an act. Raises NotPermittedError when none of their roles may."""
    words = current.words()
    return ShownSignature(
        title=words.act_title(rule.name),
        lines=lines,
        meaning=words.term(rule.slots[place].meaning),
        signer=current.present().printed_name,
        role=words.term(current.signer(rule, place).role),
        digest=digest,
        error=error,
        button=words.say(button),
    )
