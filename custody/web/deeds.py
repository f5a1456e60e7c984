"""One act on its way from a form to the ledger: what the server fills in, what was typed, what is signed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g

from custody.domain.acts.base import ACTS, Act, ActRule, alternatives, field_types
from custody.domain.acts.record import Corrected
from custody.domain.ids import BagId, Digest, Node, PersonId, ShipmentId, StudyId, node_of
from custody.errors import CustodyError, InputError, NotFoundError, NotPermittedError, UnreadableCodeError
from custody.web import current
from custody.web.answers import SYMBOL_STARTS, Answers, Reader
from custody.web.errors import sentence
from custody.web.forms import NEW_IN, Field, FormMaker, Typed, as_typed, one
from custody.web.moments import Choice, Moment
from custody.web.scans_judged import judged_scans
from custody.web.typed_by_hand import reasons_missing
from custody.web.wording import known_label
from custody.workflows import choices as choice_lists
from custody.workflows import proposing, sight
from custody.workflows.choices import Known
from custody.workflows.door import Connection, unit_of_work
from custody.workflows.from_outside import find_for
from custody.workflows.nearby import nearby
from custody.workflows.receivers import TO_PERSON, printed_names, receivers
from custody.workflows.refusals import keep_scan
from custody.workflows.unlikely import unlikely

ELSEWHERE: dict[str, str] = {
    "bedside_scanned": "bedside",
    "infusion_started": "bedside",
    "next_bag_started": "bedside",
    "logger_file_read": "logger-files",
    "secret_set": "secret",
    "signature_policy_accepted": "policy",
    "study_proposed": "command",
    "secret_reset_issued": "people",
    "badge_revoked": "people",
    "access_reviewed": "access-review",
}
"""Acts with a page of their own, and the word for it."""
TEXT_DIGESTS = frozenset({"code", "second_identifier"})
"""Kept as digests, typed as text."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """An act somebody is about to do, about one thing (None: the act makes it known)."""

    rule: ActRule
    subject: Node | None
    fixed: Mapping[str, Any]
    suggested: Mapping[str, Any]
    known: Mapping[str, tuple[Known, ...]]
    near: Mapping[str, tuple[Known, ...]] = dataclasses.field(default_factory=dict)

    @property
    def subject_fixed(self) -> bool:
        """Whether the thing stands already and need not be scanned."""
        return self.rule.subject_field in self.fixed

    def choices(self, name: str) -> tuple[Choice, ...]:
        words = current.words()
        closed = tuple(Choice(value, words.choice(self.rule.name, name, value)) for value in words.choices(self.rule.name, name))
        return closed or tuple(Choice(known.value, known_label(words, known)) for known in self.known.get(name, ()))

    def picks(self, name: str) -> tuple[Choice, ...]:
        """What may be picked for a field that names a thing; anything else may be scanned."""
        words = current.words()
        return tuple(Choice(known.value, known_label(words, known)) for known in self.near.get(name, ()))


def offered_rule(name: str) -> ActRule:
    """The act of this name, when it has a form. Raises NotFoundError."""
    rule = ACTS.get(name)
    if rule is None or rule.companion or rule.evidence or rule.stage == Corrected.rule.stage:
        raise NotFoundError(f"there is no form for “{name[:60]}”", code="page_not_found")
    return rule


def task(connection: Connection, rule: ActRule, subject: Node | None) -> Task:
    """Everything the record knows for this act. A subject that is scanned stays to be scanned."""
    study = sight.study_of(connection, current.viewer())
    filled = dict(proposing.filled_in(connection, rule, subject, study))
    if subject is not None and not field_types(rule.cls)[rule.subject_field].scanned:
        filled[rule.subject_field] = subject.key
    return Task(
        rule=rule,
        subject=subject,
        fixed=filled,
        suggested=proposing.suggested(connection, rule, subject, study),
        known=choice_lists.choices(connection, rule, subject, current.viewer()) | _people(connection, rule),
        near=nearby(connection, rule, subject, current.viewer()),
    )


def _people(connection: Connection, rule: ActRule) -> dict[str, tuple[Known, ...]]:
    if TO_PERSON not in field_types(rule.cls):
        return {}
    return {TO_PERSON: receivers(connection, current.viewer(), current.now())}


def subject_from(connection: Connection, rule: ActRule, text: str) -> Node | None:
    """The thing an act is about, from a link, a scan or typed text; None where nobody named one. Raises as `find_node`."""
    if rule.about == (StudyId,) and not text:
        return current.study()
    if not text:
        return None
    return proposing.find_node(connection, _kinds(rule), text.strip(), may_be_new=rule.opens != "no", viewer=current.viewer())


def _kinds(rule: ActRule) -> tuple[type[Node], ...]:
    return rule.about


def empty_typed(todo: Task, *, scanned: str = "") -> dict[str, list[str]]:
    """What the form shows at first. `scanned`: the symbol by which the thing was named."""
    typed = as_typed(todo.rule, todo.suggested, current.words(), current.now())
    if scanned.startswith(SYMBOL_STARTS):
        typed[todo.rule.subject_field] = [scanned]
    elif todo.subject is not None:
        typed |= _same_thing(todo)
    return typed


def _same_thing(todo: Task) -> dict[str, list[str]]:
    """Typed fields that can only mean the thing the form is about."""
    subject = todo.subject
    return {
        name: [subject.value]
        for name, field in field_types(todo.rule.cls).items()
        if subject is not None and name not in todo.fixed and not field.scanned and not field.repeated and field.plain is type(subject)
    }


def form_fields(todo: Task, typed: Typed, errors: Mapping[str, CustodyError], *, only: frozenset[str] | None = None) -> tuple[Field, ...]:
    return FormMaker(
        rule=todo.rule,
        words=current.words(),
        typed=typed,
        now=current.now(),
        choices=todo.choices,
        near=todo.picks,
        judge=lambda kinds, texts: judged_scans(todo.rule, kinds, texts),
        fixed=frozenset(todo.fixed),
        errors={name: sentence(error) for name, error in errors.items()},
    ).fields(only)


def happened_field(typed: Typed, errors: Mapping[str, CustodyError]) -> Field:
    """When it happened, for what is written down later."""
    words = current.words()
    error = errors.get("happened_at")
    value = Moment.typed(typed, "happened_at", words.zone, current.now())
    from custody.web.moments import offsets  # noqa: PLC0415 - only this field stands outside the table of acts

    return Field(
        name="happened_at",
        kind="time",
        label=words.say("form.happened_at"),
        hint=words.say("form.happened_hint"),
        required=False,
        value=value,
        choices=offsets(value.offset, words.say("form.site_clock")),
        error=sentence(error) if error is not None else "",
    )


def read_act(
    connection: Connection, todo: Task, typed: Typed, fixed: Mapping[str, Any] | None = None
) -> tuple[Act | None, dict[str, CustodyError]]:
    """The act as typed, or what does not fit by field. Scans nobody could use are kept as evidence."""
    answers = Answers(
        rule=todo.rule,
        typed=typed,
        words=current.words(),
        now=current.now(),
        find=lambda kinds, text: _find(connection, todo, kinds, text),
        fixed=todo.fixed if fixed is None else fixed,
        readers=readers(connection, todo),
    )
    act = answers.act()
    if act is not None and todo.subject is not None and act.subject != todo.subject:
        words = current.words()
        answers.errors[todo.rule.subject_field] = UnreadableCodeError(
            f"this is {act.subject}; the form is about {todo.subject}",
            code="other_thing",
            seen=words.named(act.subject),
            expected=words.named(todo.subject),
        )
        act = None
    _keep_refused_scans(typed, answers.errors, todo.rule)
    for error in unlikely(connection, act, current.study(), current.now()) if act is not None else ():
        answers.errors.setdefault(error.field or "", error)
    for name, missing in reasons_missing(typed).items():
        answers.errors.setdefault(name, missing)
    return act, answers.errors


def _find(connection: Connection, todo: Task, kinds: tuple[type[Node], ...], text: str) -> Node:
    subject_may_be_new = todo.rule.opens != "no" and set(kinds) == set(todo.rule.about)
    new_here = any(BagId in kinds for name in NEW_IN.get(todo.rule.name, ()) if name == "bags")
    may_be_new = subject_may_be_new or new_here
    return find_for(connection, todo.rule.cls, kinds, text, may_be_new=may_be_new, viewer=current.viewer())


def readers(connection: Connection, todo: Task) -> dict[str, Reader]:
    """Fields that are read in a way of their own."""

    def code(text: str, body: Mapping[str, Any]) -> str:
        node = node_of(body["node"]) if body.get("node") else todo.subject
        if not isinstance(node, ShipmentId | BagId):
            raise InputError("scan the shipment or bag first", code="missing_field")
        return proposing.possession_code(node, text).value

    def identifier(text: str, body: Mapping[str, Any]) -> str:
        del body
        return proposing.second_identifier(current.installation().config.key_dir, text).value

    def person(text: str, body: Mapping[str, Any]) -> str:
        del body
        return proposing.person_of(connection, text, current.viewer()).value

    def digest(text: str, body: Mapping[str, Any]) -> str:
        del body
        return Digest.parse(text.strip().lower()).value

    special: dict[str, Reader] = {}
    for name, field in field_types(todo.rule.cls).items():
        plain = alternatives(field.plain)[0]
        if plain is Digest:
            special[name] = {"code": code, "second_identifier": identifier}.get(name, digest)
        elif plain is PersonId and todo.rule.name == "handoff_offered":
            special[name] = person
    return special


def shown_instead(act: Act, typed: Typed) -> dict[str, str]:
    """What to show for fields that are kept as a digest only (as it was typed), and for the number of a person (their printed name)."""
    fields = field_types(type(act))
    shown = {name: one(typed, name) for name in TEXT_DIGESTS & set(fields) if fields[name].plain is Digest}
    person = getattr(act, TO_PERSON, None)
    if person is None:
        return shown
    with current.store().reading() as connection:
        return shown | {TO_PERSON: printed_names(connection, {person}).get(person, str(person))}


def happened_at(typed: Typed, errors: dict[str, CustodyError]) -> datetime | None:
    moment = Moment.typed(typed, "happened_at", current.words().zone, current.now())
    if moment.is_blank:
        return None
    try:
        return moment.read()
    except InputError as error:
        errors["happened_at"] = error
        return None


def _keep_refused_scans(typed: Typed, errors: Mapping[str, CustodyError], rule: ActRule) -> None:
    refused = [(one(typed, name), error) for name, error in errors.items() if isinstance(error, UnreadableCodeError) and one(typed, name)]
    if not refused or g.get("scans_kept"):
        return
    g.scans_kept = True
    with unit_of_work(current.store()) as connection:
        for text, error in refused:
            where = f"acts/{rule.name}"
            keep_scan(connection, current.present(), current.study(), where=where, seen=text, refusal=error.code, now=current.now())


def may_sign_first(rule: ActRule) -> bool:
    try:
        current.signer(rule, 0)
    except NotPermittedError:
        return False
    return True
