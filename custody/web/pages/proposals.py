"""Proposals that wait for their next person: signed as shown, or scanned and read again unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ACTS, Act, ActRule
from custody.domain.acts.record import Corrected
from custody.domain.dossier import Signed
from custody.domain.duties import may_join, slot_of
from custody.domain.ids import Digest, Node, node_of
from custody.domain.masking import act_shown
from custody.errors import CustodyError, InputError, RepeatedKeyError, StaleError
from custody.web import current
from custody.web.access import signed_in
from custody.web.corrected import lines_to_sign
from custody.web.deeds import Task, form_fields, read_act, task
from custody.web.errors import judged_here, sentence, status_of
from custody.web.forms import Typed
from custody.web.outcomes import outcome_page
from custody.web.pages.desks.bench_place import station_line
from custody.web.problems import Problem, problems_of
from custody.web.second_person import asked_again, copied
from custody.web.signing import key_sent, method_given, must_sign, policy_first, refused_signature
from custody.web.typed_by_hand import noting
from custody.web.wording import Line, act_lines
from custody.workflows.door import Connection, NotKeptError, unit_of_work
from custody.workflows.line_clearance import AT_THE_PRODUCT
from custody.workflows.meanwhile import no_longer_waits
from custody.workflows.order import guarding_rule, proposed_act, proposed_of, unknown_thing
from custody.workflows.recording import countersign, find_proposal, withdraw
from custody.workflows.sight import require
from custody.workflows.worklist import Waiting, waiting_for

blueprint = Blueprint("proposals", __name__)
Page = str | Response | tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A waiting proposal: the act, its guarding rule, who has signed, and the work for the next person."""

    node: Node
    digest: Digest
    act: Act
    rule: ActRule
    signed: tuple[Signed, ...]
    todo: Task

    @property
    def place(self) -> int:
        return len(self.signed)

    @property
    def repeats(self) -> bool:
        return self.rule.second == "repeat" and not isinstance(self.act, Corrected)


@blueprint.get("/waiting")
@signed_in
def waiting() -> str:
    """Everything that waits for a signature: what this person may sign first."""
    with current.store().reading() as connection:
        found = waiting_for(connection, current.viewer(), current.present(), current.now()).value
    mine = [waiting_row(each) for each in found if each.mine]
    others = [waiting_row(each) for each in found if not each.mine]
    return render_template(
        "pages/waiting.html", page_title=current.words().say("nav.waiting"), columns=waiting_columns(), mine=mine, others=others
    )


@blueprint.get("/proposals/<kind>/<name>/<digest>")
@signed_in
def show(kind: str, name: str, digest: str) -> Page:
    """The content to sign, or an empty form for the person who reads everything again."""
    with current.store().reading() as connection:
        found = _found(connection, kind, name, digest)
    there = policy_first(found.rule, found.place, request.path)
    return there if there is not None else _page(found, {}, {})


@blueprint.post("/proposals/<kind>/<name>/<digest>/countersign")
@signed_in
def sign(kind: str, name: str, digest: str) -> Page:
    typed = request.form.to_dict(flat=False)
    with current.store().reading() as connection:
        found = _found(connection, kind, name, digest)
        answers, errors = _answers(connection, found, typed)
    judged_here(found.rule)
    if errors:
        return _page(found, typed, errors)
    method = None
    if must_sign(found.rule, found.place):
        refused = refused_signature()
        if refused is not None and refused.locked:
            return redirect(url_for("sign_in.form", why="locked"))
        if refused is not None:
            return _page(found, typed, {}, secret_error=refused.text, status=403)
        method = method_given()
    return _countersigned(found, typed, answers, method)


@blueprint.post("/proposals/<kind>/<name>/<digest>/withdraw")
@signed_in
def take_back(kind: str, name: str, digest: str) -> Page:
    """Only the first signer's roles may; the reason is kept."""
    reason = request.form.get("reason", "").strip()[:2000]
    with current.store().reading() as connection:
        found = _found(connection, kind, name, digest)
    if not reason:
        text = sentence(InputError("write the reason", code="reason_needed"))
        return _page(found, {}, {}, problems=(Problem(text, "reason"),), status=422)
    with unit_of_work(current.store()) as connection:
        signer = current.signer(found.rule, 0, about=found.node, key=key_sent())
        outcome = withdraw(connection, found.node, found.digest, signer, reason, current.now())
    return outcome_page(outcome, found.rule, signed=0)


def _act_beside(found: Found) -> Found:
    """Who reads again does so where the first person is, with a grant of theirs at that site where there is one."""
    if found.repeats and found.signed:
        current.act_at(found.signed[0].site)
    return found


def _found(connection: Connection, kind: str, name: str, digest: str) -> Found:
    node, viewer = node_of(f"{kind}:{name}"), current.viewer()
    require(connection, viewer, node)
    proposal = Digest.parse(digest)
    try:
        entry, signed = find_proposal(connection, node, proposal)
    except StaleError as error:
        raise no_longer_waits(connection, viewer, node, proposal) from error
    act = proposed_act(entry)
    if not act_shown(viewer, act):
        raise unknown_thing(node)
    found = Found(
        node=node,
        digest=proposed_of(entry).proposal,
        act=act,
        rule=guarding_rule(act),
        signed=signed,
        todo=task(connection, act.rule, act.subject),
    )
    return _act_beside(found)


def _answers(connection: Connection, found: Found, typed: Typed) -> tuple[Act | None, dict[str, CustodyError]]:
    if not found.repeats:
        return None, {}
    return read_act(connection, found.todo, typed, fixed=copied(found.act))


def _countersigned(found: Found, typed: Typed, answers: Act | None, method: str | None) -> Page:
    try:
        with unit_of_work(current.store()) as connection:
            signer = noting(current.signer(found.rule, found.place, about=found.node, method=method, key=key_sent()), typed)
            outcome = countersign(connection, found.node, found.digest, signer, current.now(), answers=answers)
    except (RepeatedKeyError, NotKeptError):
        raise
    except CustodyError as error:
        return _refused(found, typed, error)
    return outcome_page(outcome, found.rule, signed=found.place + 1)


def _refused(found: Found, typed: Typed, error: CustodyError) -> Page:
    fields = asked_again(found.act) if found.repeats else frozenset()
    if error.field in fields:
        return _page(found, typed, {error.field or "": error})
    return _page(found, typed, {}, problems=(Problem(_worded(found, error)),), status=status_of(error))


def _worded(found: Found, error: CustodyError) -> str:
    """Fields that differ by their labels."""
    named = error.values.get("fields")
    if error.code != "readings_differ" or not isinstance(named, tuple):
        return sentence(error)
    words = current.words()
    labels = words.say("format.comma").join(words.field(found.act.rule.name, name) for name in named)
    return words.error(error.code, {"fields": labels}, str(error))


def _page(
    found: Found,
    typed: Typed,
    errors: Mapping[str, CustodyError],
    *,
    problems: tuple[Problem, ...] = (),
    secret_error: str = "",
    status: int = 200,
) -> tuple[str, int]:
    words = current.words()
    slot = slot_of(found.rule, found.place)
    fields = form_fields(found.todo, typed, errors, only=asked_again(found.act)) if found.repeats else ()
    lines = _lines(found)
    if secret_error:
        problems = (*problems, Problem(secret_error, "secret"))
    may = _may_sign(found)
    text = render_template(
        "pages/proposal.html",
        page_title=words.act_title(found.act.rule.name),
        about_text=words.named(found.node),
        about_href=url_for("things.passport", kind=found.node.kind, name=found.node.value),
        repeats=found.repeats,
        station=station_line(words) if may and isinstance(found.act, AT_THE_PRODUCT) else "",
        may_sign=may,
        may_withdraw=_may_withdraw(found),
        fields=fields,
        problems=(*problems, *problems_of(errors, fields)),
        post=url_for("proposals.sign", kind=found.node.kind, name=found.node.value, digest=found.digest.value),
        withdraw_post=url_for("proposals.take_back", kind=found.node.kind, name=found.node.value, digest=found.digest.value),
        signed=[Line(signer.printed_name, words.term(signer.meaning) if signer.meaning is not None else "") for signer in found.signed],
        shown={
            "title": words.act_title(found.act.rule.name),
            "lines": lines,
            "meaning": words.term(slot.meaning) if slot is not None else "",
            "signer": current.present().printed_name,
            "role": words.term(current.signer(found.rule, found.place, about=found.node).role) if may else "",
            "digest": found.digest.value,
            "error": secret_error,
            "button": words.say("button.countersign"),
        },
    )
    return text, 422 if errors else status


def _lines(found: Found) -> tuple[Line, ...]:
    """What stands fixed. Of an act that is read again, nothing the first person scanned or read is shown."""
    if isinstance(found.act, Corrected):
        return lines_to_sign(current.words(), found.act)
    lines = act_lines(current.words(), found.act)
    if not found.repeats:
        return lines
    words = current.words()
    hidden = {words.field(found.act.rule.name, name) for name in asked_again(found.act)}
    return tuple(line for line in lines if line.label not in hidden and line.label.partition(":")[0] not in hidden)


def _may_sign(found: Found) -> bool:
    if current.present().person in {signer.person for signer in found.signed}:
        return False
    return _holds(found, found.place, beside=found.repeats)


def _may_withdraw(found: Found) -> bool:
    return _holds(found, 0)


def _holds(found: Found, place: int, *, beside: bool = False) -> bool:
    try:
        signer = current.signer(found.rule, place)
    except CustodyError:
        return False
    return not beside or may_join(found.rule, found.signed[0], signer.site)


def waiting_columns() -> list[dict[str, object]]:
    words = current.words()
    return [{"label": words.say(key), "number": False} for key in ("work.what", "form.about", "work.next_person", "work.time_left")]


def waiting_row(each: Waiting) -> list[dict[str, object]]:
    """One waiting proposal as a row of templates/parts/table.html."""
    words = current.words()
    href = url_for("proposals.show", kind=each.node.kind, name=each.node.value, digest=each.proposal.value)
    title = words.act_title(each.act) if each.act in ACTS else each.act
    roles = words.say("format.or").join(words.term(role) for role in each.roles)
    cells = (title, href), (words.named(each.node), ""), (roles, ""), (words.duration(each.expires_at - current.now()), "")
    return [{"text": text, "href": href, "code": False} for text, href in cells]
