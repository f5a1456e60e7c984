"""What a signature is signed with: checked in a transaction of its own, because a refusal must be kept although nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ActRule
from custody.domain.acts.people import SecretKind
from custody.domain.duties import slot_of
from custody.domain.ids import Digest
from custody.errors import InputError
from custody.web import current
from custody.workflows import shifts
from custody.workflows.door import unit_of_work
from custody.workflows.people import SignInRefusal, check_secret
from custody.workflows.secret_checks import compare_ahead

KEY_MAX = 100


@dataclass(frozen=True)
class SecretRefused:
    """`text` says why; `locked`: every session of the account has ended."""

    text: str
    locked: bool


def signed_with() -> SecretKind | SecretRefused:
    """With what the person at the keyboard signs this request: their whole secret, or later in a shift their PIN (21 CFR 11.200(a)(1)).

    Goes into the entry as the method of signing.
    """
    given = request.form.get("secret", "")
    if not given:
        return _secret_missing()
    here, now = current.installation(), current.now()
    # Comparing takes long on purpose: it is done before the store is locked.
    already = compare_ahead(here.store, current.present().account, given, now, shifts.kind_of(given))
    with unit_of_work(here.store) as connection:
        answer = shifts.check_signature(connection, here.store, here.config, current.present(), given, now, already=already)
    return _worded(answer) if isinstance(answer, SignInRefusal) else answer


def refused_signature() -> SecretRefused | None:
    """None when the person at the keyboard may sign this request; `method_given` then says with what."""
    answer = signed_with()
    if isinstance(answer, SecretRefused):
        return answer
    g.signed_with = answer
    return None


def method_given() -> str:
    """The method of signing for the entry. Only after `refused_signature` has let this very request through."""
    given: SecretKind = g.signed_with
    return given.value


def refused_secret() -> SecretRefused | None:
    """None when the whole secret of this request is that of the person at the keyboard; a PIN never does here."""
    given = request.form.get("secret", "")
    if not given:
        return _secret_missing()
    here, now = current.installation(), current.now()
    already = compare_ahead(here.store, current.present().account, given, now, SecretKind.SECRET)
    with unit_of_work(here.store) as connection:
        refusal = check_secret(connection, here.store, here.config, current.present(), given, now, already=already)
    return None if refusal is None else _worded(refusal)


def _secret_missing() -> SecretRefused:
    return SecretRefused(current.words().error("secret_needed", {}, "enter your password again to sign"), locked=False)


def _worded(refusal: SignInRefusal) -> SecretRefused:
    words = current.words()
    if refusal.code == "locked_out":
        return SecretRefused(words.say("sign_in.locked"), locked=True)
    if refusal.code in {"whole_secret_needed", "own_secret_first"}:
        return SecretRefused(words.error(refusal.code, {}, "give your whole password"), locked=False)
    return SecretRefused(words.error("secret_wrong", {}, "this password is not right"), locked=False)


def pin_will_do() -> bool:
    """Whether the person of this request may sign with their PIN now; asked by the pages that show the field."""
    if "pin_will_do" not in g:
        with current.store().reading() as connection:
            g.pin_will_do = shifts.pin_will_do(connection, current.installation().config, current.present(), current.now())
    answer: bool = g.pin_will_do
    return answer


def must_sign(rule: ActRule, place: int) -> bool:
    return slot_of(rule, place) is not None


def policy_first(rule: ActRule, place: int, then: str) -> Response | None:
    """The way to the signature policy for somebody who has not accepted it and is about to sign."""
    if must_sign(rule, place) and not current.present().has_accepted_policy:
        return redirect(url_for("sign_in.policy_form", then=then))
    return None


def key_sent() -> str:
    """The idempotency key of this form. Raises InputError when a form came without one."""
    key = request.form.get("idempotency_key", "")
    if not key or len(key) > KEY_MAX:
        raise InputError("the form came without its key; open it again", code="unknown_field")
    return key


def digest_sent() -> Digest:
    """The digest of what the page showed. Raises UnreadableCodeError."""
    return Digest.parse(request.form.get("digest", ""))
