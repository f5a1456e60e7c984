"""Correcting an entry: the form as it was filled in, the reason, what changes from what to what, and the signature the act needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import Act, ActRule, field_types
from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Corrected
from custody.domain.dossier import Deed
from custody.domain.duties import slot_of
from custody.domain.ids import Digest, Node, node_of
from custody.errors import CustodyError, InputError, RepeatedKeyError
from custody.web import current, meanwhile
from custody.web.access import signed_in
from custody.web.corrected import lines_to_sign
from custody.web.deeds import TEXT_DIGESTS, Task, form_fields, read_act, task
from custody.web.desk_parts import signature_texts
from custody.web.errors import judged_here, sentence, status_of
from custody.web.forms import Field, Typed, as_typed, one, without_row
from custody.web.outcomes import outcome_page
from custody.web.pages.acts import hidden_values
from custody.web.problems import Problem, problems_of
from custody.web.scans_judged import scanned_on
from custody.web.signing import digest_sent, key_sent, method_given, must_sign, policy_first, refused_signature
from custody.workflows.desks.corrections import correction, deed_to_correct
from custody.workflows.door import NotKeptError, unit_of_work
from custody.workflows.outcome import proposal_digest
from custody.workflows.recording import record

blueprint = Blueprint("corrections", __name__, url_prefix="/corrections")
REASON = "correction.reason"
REASON_MAX = 2000
Page = str | Response | tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """The deed to correct, and the form of its act filled with what stands."""

    deed: Deed[Act]
    todo: Task

    @property
    def rule(self) -> ActRule:
        return self.deed.act.rule

    @property
    def address(self) -> dict[str, Any]:
        """What names the entry in a path."""
        node = self.deed.act.subject
        return {"kind": node.kind, "name": node.value, "digest": self.deed.digest.value}


@blueprint.get("/<kind>/<name>/<digest>")
@signed_in
def form(kind: str, name: str, digest: str) -> Page:
    """What stands, to be changed."""
    wrong = _wrong(node_of(f"{kind}:{name}"), digest)
    current.signer(wrong.rule, 0)
    there = policy_first(wrong.rule, 0, request.full_path)
    return there if there is not None else _form_page(wrong, _as_stands(wrong), {})


@blueprint.post("/<kind>/<name>/<digest>/review")
@signed_in
def review(kind: str, name: str, digest: str) -> Page:
    """From what to what, once more, before it is signed."""
    wrong = _wrong(node_of(f"{kind}:{name}"), digest)
    current.signer(wrong.rule, 0)
    typed = request.form.to_dict(flat=False)
    if one(typed, "remove"):
        typed = dict(without_row(typed, one(typed, "remove")))
    typed, goes_on = scanned_on(wrong.rule, typed)
    if goes_on:
        return _form_page(wrong, typed, {})
    act, errors = _read(wrong, typed)
    return _form_page(wrong, typed, errors) if act is None or errors else _review_page(wrong, act, typed)


@blueprint.post("/<kind>/<name>/<digest>")
@signed_in
def write(kind: str, name: str, digest: str) -> Page:
    """Sign as the act itself is signed, and record; where it takes two, the second person finds it in their list."""
    wrong = _wrong(node_of(f"{kind}:{name}"), digest)
    judged_here(wrong.rule)
    typed = request.form.to_dict(flat=False)
    act, errors = _read(wrong, typed)
    if act is None or errors:
        return _form_page(wrong, typed, errors)
    method = None
    if must_sign(wrong.rule, 0):
        refused = refused_signature()
        if refused is not None and refused.locked:
            return redirect(url_for("sign_in.form", why="locked"))
        if refused is not None:
            return _review_page(wrong, act, typed, secret_error=refused.text, status=403)
        method = method_given()
    return _record(wrong, act, typed, method)


def _record(wrong: Wrong, act: Corrected, typed: Typed, method: str | None) -> Page:
    try:
        with unit_of_work(current.store()) as connection:
            signer = current.signer(wrong.rule, 0, method=method, key=key_sent())
            meanwhile.check_undecided(connection, act, typed)
            outcome = record(connection, act, signer, current.now(), digest_shown=digest_sent())
    except (RepeatedKeyError, NotKeptError):
        raise
    except CustodyError as error:
        return _review_page(wrong, act, typed, problems=(Problem(sentence(error)),), status=status_of(error))
    return outcome_page(outcome, wrong.rule, signed=1)


def _wrong(node: Node, digest: str) -> Wrong:
    with current.store().reading() as connection:
        deed = deed_to_correct(connection, current.viewer(), node, Digest.parse(digest)).value
        todo = task(connection, deed.act.rule, node)
    body = body_of(deed.act)
    # What nobody types stands as it stood, and a correction is about the same thing.
    kept = {name: body[name] for name in (*todo.fixed, deed.act.rule.subject_field) if name in body}
    return Wrong(deed=deed, todo=replace(todo, fixed=kept))


def _as_stands(wrong: Wrong) -> dict[str, list[str]]:
    """The deed as if somebody had typed it; what is kept as a digest only stays blank, and blank means unchanged."""
    body = {name: value for name, value in body_of(wrong.deed.act).items() if name not in _digests(wrong.rule)}
    return as_typed(wrong.rule, body, current.words(), current.now())


def _digests(rule: ActRule) -> frozenset[str]:
    fields = field_types(rule.cls)
    return frozenset(name for name in TEXT_DIGESTS & set(fields) if fields[name].plain is Digest)


def _read(wrong: Wrong, typed: Typed) -> tuple[Corrected | None, dict[str, CustodyError]]:
    """The correction as typed, or what does not fit by field."""
    body = body_of(wrong.deed.act)
    unchanged = {name: body[name] for name in _digests(wrong.rule) if not one(typed, name)}
    with current.store().reading() as connection:
        right, errors = read_act(connection, wrong.todo, typed, fixed={**wrong.todo.fixed, **unchanged})
    reason = one(typed, REASON)
    if not reason:
        errors[REASON] = InputError("a correction needs its reason", code="reason_needed")
    if len(reason) > REASON_MAX:
        errors[REASON] = InputError("the reason is too long", code="too_long", seen=len(reason), limit=REASON_MAX)
    if right is not None and right == wrong.deed.act:
        errors[""] = InputError("this correction changes nothing; change the value that is wrong", code="nothing_corrected")
    return (correction(wrong.deed, right, reason) if right is not None and not errors else None), errors


def _form_page(wrong: Wrong, typed: Typed, errors: Mapping[str, CustodyError]) -> tuple[str, int]:
    words = current.words()
    fields = tuple(_not_needed(wrong, field) for field in form_fields(wrong.todo, typed, errors))
    reason = _reason_field(typed, errors)
    text = render_template(
        "pages/correction_form.html",
        page_title=words.say("correction.title", act=words.act_title(wrong.rule.name)),
        fields=(*fields, reason),
        problems=problems_of(errors, (*fields, reason)),
        signatures=signature_texts(words, wrong.rule),
        key=one(typed, "idempotency_key"),
        post=url_for("corrections.review", **wrong.address),
        **_about(wrong),
    )
    return text, 422 if errors else 200


def _not_needed(wrong: Wrong, field: Field) -> Field:
    if field.name not in _digests(wrong.rule):
        return field
    return replace(field, required=False, hint=current.words().say("correction.blank_keeps"))


def _reason_field(typed: Typed, errors: Mapping[str, CustodyError]) -> Field:
    words = current.words()
    error = errors.get(REASON)
    return Field(
        name=REASON,
        kind="long_text",
        label=words.say("correction.reason"),
        hint=words.say("correction.reason_hint"),
        value=one(typed, REASON),
        error=sentence(error) if error is not None else "",
    )


def _about(wrong: Wrong) -> dict[str, Any]:
    words, deed = current.words(), wrong.deed
    names = words.say("format.comma").join(signer.printed_name for signer in deed.signers)
    return {
        "about": deed.act.subject.key,
        "about_text": words.named(deed.act.subject),
        "about_href": url_for("things.passport", kind=deed.act.subject.kind, name=deed.act.subject.value),
        "stands": words.say("correction.stands", names=names, at=deed.recorded_at),
    }


def _review_page(
    wrong: Wrong, act: Corrected, typed: Typed, *, problems: tuple[Problem, ...] = (), secret_error: str = "", status: int = 200
) -> tuple[str, int]:
    words, rule = current.words(), wrong.rule
    slot = slot_of(rule, 0)
    if secret_error:
        problems = (*problems, Problem(secret_error, "secret"))
    text = render_template(
        "pages/correction_review.html",
        page_title=words.say("act_review.title"),
        hidden=hidden_values(typed),
        news=meanwhile.told(act.subject, typed),
        seen_until=meanwhile.newest(act.subject.key),
        key=one(typed, "idempotency_key"),
        problems=problems,
        signed=slot is not None,
        post=url_for("corrections.write", **wrong.address),
        change_post=url_for("corrections.review", **wrong.address),
        shown={
            "title": words.say("correction.title", act=words.act_title(rule.name)),
            "lines": lines_to_sign(words, act),
            "meaning": words.term(slot.meaning) if slot is not None else "",
            "signer": current.present().printed_name,
            "role": words.term(current.signer(rule, 0).role),
            "digest": proposal_digest(act).value,
            "error": secret_error,
            "button": words.say("button.propose" if len(rule.slots) > 1 else "button.sign_and_record"),
        },
        **_about(wrong),
    )
    return text, status
