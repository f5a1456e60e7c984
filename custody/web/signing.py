"""The secret at a signature: checked in a transaction of its own, because a refusal must be kept although nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.base import ActRule
from custody.domain.duties import slot_of
from custody.domain.ids import Digest
from custody.errors import InputError
from custody.web import current
from custody.workflows.door import unit_of_work
from custody.workflows.people import check_secret

KEY_MAX = 100


@dataclass(frozen=True)
class SecretRefused:
    """`text` says why; `locked`: every session of the account has ended."""

    text: str
    locked: bool


def refused_secret() -> SecretRefused | None:
    """None when the secret of this request is that of the person at the keyboard."""
    words = current.words()
    secret = request.form.get("secret", "")
    if not secret:
        return SecretRefused(words.error("secret_needed", {}, "enter your password again to sign"), locked=False)
    here = current.installation()
    with unit_of_work(here.store) as connection:
        refusal = check_secret(connection, here.store, here.config, current.present(), secret, current.now())
    if refusal is None:
        return None
    if refusal.code == "locked_out":
        return SecretRefused(words.say("sign_in.locked"), locked=True)
    return SecretRefused(words.error("secret_wrong", {}, "this password is not right"), locked=False)


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
