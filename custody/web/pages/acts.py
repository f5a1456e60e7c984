"""The act forms: chosen by stage, filled in, read once more with every value in words, signed, recorded."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ACTS, Act, ActRule, field_types
from custody.domain.duties import slot_of
from custody.domain.ids import Node
from custody.errors import CustodyError, InputError, NotFoundError, RepeatedKeyError, StaleError
from custody.web import current, meanwhile
from custody.web.access import signed_in
from custody.web.deeds import (
    ELSEWHERE,
    Task,
    empty_typed,
    form_fields,
    happened_at,
    happened_field,
    may_sign_first,
    offered_rule,
    read_act,
    shown_instead,
    subject_from,
    task,
)
from custody.web.desk_parts import PAGES_OF, signature_texts
from custody.web.errors import judged_here, sentence, status_of
from custody.web.forms import Typed, one, without_row
from custody.web.outcomes import outcome_page
from custody.web.problems import Problem, problems_of
from custody.web.scans_judged import scanned_on
from custody.web.signing import digest_sent, key_sent, method_given, must_sign, policy_first, refused_signature
from custody.web.typed_by_hand import noting
from custody.web.wording import act_lines
from custody.words import Words
from custody.workflows.door import NotKeptError, unit_of_work
from custody.workflows.outcome import proposal_digest
from custody.workflows.proposing import suggestions
from custody.workflows.recording import record

blueprint = Blueprint("acts", __name__)
STAGES = ("donation", "manufacturing", "quality", "release", "allocation", "shipping", "bedside", "study", "people")
NOT_TYPED = frozenset({"csrf_token", "secret", "digest", "idempotency_key", "about", "add", "remove", meanwhile.FIELD})
LISTED_MAX = 12
KINDS_NAMED = 3
Page = str | Response | tuple[str, int]


@blueprint.get("/acts")
@signed_in
def every() -> str:
    """All acts this person's roles may begin, by stage."""
    words = current.words()
    mine = [rule for rule in ACTS.values() if _offered(rule) and may_sign_first(rule)]
    stages = [
        (words.say(f"term.stage.{stage}"), [(words.act_title(rule.name), _href(rule)) for rule in mine if rule.stage == stage])
        for stage in STAGES
    ]
    return render_template("pages/acts.html", page_title=words.say("acts.title"), stages=[each for each in stages if each[1]])


@blueprint.get("/acts/<name>")
@signed_in
def form(name: str) -> Page:
    """The empty form of an act; first a question for the thing it is about, where that stands already."""
    rule = offered_rule(name)
    if name in ELSEWHERE:
        return _elsewhere(rule)
    current.signer(rule, 0)
    there = policy_first(rule, 0, request.full_path)
    if there is not None:
        return there
    text = request.args.get("about", "")
    try:
        with current.store().reading() as connection:
            subject = subject_from(connection, rule, text)
            if subject is None and rule.opens != "first":
                return _about_page(rule, "", None), 200
            todo = task(connection, rule, subject)
    except (InputError, NotFoundError) as error:
        return _about_page(rule, text, error), status_of(error)
    return _form_page(todo, {**empty_typed(todo, scanned=text), **_given(rule)}, {})


def _given(rule: ActRule) -> Typed:
    """Values the address fills in, as a desk that knows the participant or the duty gives them."""
    return {name: [value] for name, value in request.args.items() if name in field_types(rule.cls)}


@blueprint.post("/acts/<name>/review")
@signed_in
def review(name: str) -> Page:
    """Everything typed, in words, with the digest of what will be signed."""
    rule = _rule_with_form(name)
    current.signer(rule, 0)
    typed = request.form.to_dict(flat=False)
    todo = _task_again(rule)
    if one(typed, "remove"):
        typed = dict(without_row(typed, one(typed, "remove")))
    typed, goes_on = scanned_on(rule, typed)
    if goes_on:
        return _form_page(todo, typed, {})
    act, errors = _read(todo, typed)
    if act is None or errors:
        return _form_page(todo, typed, errors)
    return _review_page(todo, act, typed)


@blueprint.post("/acts/<name>")
@signed_in
def write(name: str) -> Page:
    """Sign where the act is signed, and record."""
    rule = _rule_with_form(name)
    judged_here(rule)
    typed = request.form.to_dict(flat=False)
    todo = _task_again(rule)
    act, errors = _read(todo, typed)
    if act is None or errors:
        return _form_page(todo, typed, errors)
    method = None
    if must_sign(rule, 0):
        refused = refused_signature()
        if refused is not None and refused.locked:
            return redirect(url_for("sign_in.form", why="locked"))
        if refused is not None:
            return _review_page(todo, act, typed, secret_error=refused.text, status=403)
        method = method_given()
    return _record(todo, act, typed, method)


def _rule_with_form(name: str) -> ActRule:
    """Raises NotFoundError for an act that has a page of its own, too: it is not recorded past that page."""
    rule = offered_rule(name)
    if name in ELSEWHERE:
        raise NotFoundError(f"{name} has a page of its own", code="page_not_found")
    return rule


def _record(todo: Task, act: Act, typed: Typed, method: str | None) -> Page:
    errors: dict[str, CustodyError] = {}
    at = happened_at(typed, errors)
    try:
        with unit_of_work(current.store()) as connection:
            signer = noting(current.signer(todo.rule, 0, about=act.subject, method=method, key=key_sent()), typed)
            meanwhile.check_undecided(connection, act, typed)
            outcome = record(connection, act, signer, current.now(), happened_at=at, digest_shown=digest_sent())
    except (RepeatedKeyError, NotKeptError):
        raise
    except StaleError as error:
        return _review_page(todo, act, typed, problems=(Problem(sentence(error)),), status=409)
    except CustodyError as error:
        return _refused(todo, act, typed, error)
    return outcome_page(outcome, todo.rule, signed=1)


def _refused(todo: Task, act: Act, typed: Typed, error: CustodyError) -> Page:
    """Nothing was recorded: beside the field where one is to blame, else above everything typed."""
    if error.field is not None and isinstance(error, InputError):
        return _form_page(todo, typed, {error.field: error})
    return _review_page(todo, act, typed, problems=(Problem(sentence(error)),), status=status_of(error))


def _read(todo: Task, typed: Typed) -> tuple[Act | None, dict[str, CustodyError]]:
    with current.store().reading() as connection:
        act, errors = read_act(connection, todo, typed)
    happened_at(typed, errors)
    return act, errors


def _task_again(rule: ActRule) -> Task:
    with current.store().reading() as connection:
        return task(connection, rule, subject_from(connection, rule, request.form.get("about", "")))


def _form_page(todo: Task, typed: Typed, errors: Mapping[str, CustodyError]) -> tuple[str, int]:
    words = current.words()
    rule = todo.rule
    fields = form_fields(todo, typed, errors)
    text = render_template(
        "pages/act_form.html",
        page_title=words.act_title(rule.name),
        act=rule.name,
        about=todo.subject.key if todo.subject is not None else "",
        about_text=words.named(todo.subject) if todo.subject is not None else "",
        about_href=_thing(todo.subject),
        fields=fields,
        happened=happened_field(typed, errors),
        problems=problems_of(errors, fields),
        signatures=signature_texts(current.words(), rule),
        key=one(typed, "idempotency_key"),
    )
    return text, 422 if errors else 200


def _review_page(
    todo: Task, act: Act, typed: Typed, *, problems: tuple[Problem, ...] = (), secret_error: str = "", status: int = 200
) -> tuple[str, int]:
    words = current.words()
    rule = todo.rule
    slot = slot_of(rule, 0)
    signer = current.signer(rule, 0, about=act.subject)
    if secret_error:
        problems = (*problems, Problem(secret_error, "secret"))
    text = render_template(
        "pages/act_review.html",
        page_title=words.say("act_review.title"),
        act=rule.name,
        about=todo.subject.key if todo.subject is not None else "",
        hidden=hidden_values(typed),
        key=one(typed, "idempotency_key"),
        problems=problems,
        news=meanwhile.told(act.subject, typed),
        done_before=meanwhile.done_before(act),
        seen_until=meanwhile.newest(todo.subject.key if todo.subject is not None else ""),
        signed=slot is not None,
        shown={
            "title": words.act_title(rule.name),
            "lines": act_lines(words, act, instead=shown_instead(act, typed)),
            "meaning": words.term(slot.meaning) if slot is not None else "",
            "signer": current.present().printed_name,
            "role": words.term(signer.role),
            "digest": proposal_digest(act).value,
            "error": secret_error,
            "button": words.say("button.propose" if len(rule.slots) > 1 else "button.sign_and_record"),
        },
    )
    return text, status


def hidden_values(typed: Typed) -> list[tuple[str, str]]:
    """What was typed, to travel with the signature; the secret never does."""
    return [(name, value) for name, values in typed.items() if name not in NOT_TYPED for value in values]


def _about_page(rule: ActRule, text: str, error: CustodyError | None) -> str:
    """Which thing? A scan, or one of the newest."""
    words = current.words()
    with current.store().reading() as connection:
        newest = [
            (f"{kind.kind}:{name}", words.named(f"{kind.kind}:{name}") if len(rule.about) > 1 else name)
            for kind in rule.about
            for name in suggestions(connection, kind.kind, current.viewer())[:LISTED_MAX]
        ]
    return render_template(
        "pages/act_about.html",
        page_title=words.act_title(rule.name),
        act=rule.name,
        prompt=_prompt(words, rule),
        typed=text,
        error=sentence(error) if error is not None else "",
        problems=(Problem(sentence(error), "about"),) if error is not None else (),
        newest=[(label, url_for("acts.form", name=rule.name, about=key)) for key, label in newest],
    )


def _prompt(words: Words, rule: ActRule) -> str:
    """A few kinds are named; a longer list is no prompt, and the newest things beneath show what is meant."""
    kinds = [words.say(f"term.node.{kind.kind}") for kind in rule.about]
    return words.say("acts.which", kind=words.say("format.or").join(kinds)) if len(kinds) <= KINDS_NAMED else words.say("scan.any")


def _elsewhere(rule: ActRule) -> Page:
    words = current.words()
    where = ELSEWHERE[rule.name]
    href = page_href(PAGES_OF.get(where, ""))
    return render_template(
        "pages/acts_elsewhere.html", page_title=words.act_title(rule.name), text=words.say(f"acts.elsewhere_{where}"), href=href
    )


def page_href(endpoint: str) -> str:
    """The address of a page, empty where this installation has none."""
    from flask import current_app  # noqa: PLC0415 - only links that may be missing ask

    return url_for(endpoint) if endpoint in current_app.view_functions else ""


def _thing(node: Node | None) -> str:
    return "" if node is None else url_for("things.passport", kind=node.kind, name=node.value)


def _href(rule: ActRule) -> str:
    return url_for("acts.form", name=rule.name)


def _offered(rule: ActRule) -> bool:
    try:
        offered_rule(rule.name)
    except NotFoundError:
        return False
    return ELSEWHERE.get(rule.name) not in {"secret", "policy", "command"}
