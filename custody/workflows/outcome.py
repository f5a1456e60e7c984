"""What became of a request, as a value that can be kept and given again for the same idempotency key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Countersigned, Proposed, VerdictGiven
from custody.domain.ids import Digest, Node, node_of
from custody.domain.terms import VerdictWord
from custody.domain.verdict import Verdict
from custody.errors import CustodyError, LedgerBrokenError
from custody.ledger.canonical import canonical
from custody.store import entries, idempotency
from custody.workflows.signer import Signer

Kind = Literal["recorded", "waiting", "stopped", "cannot_check"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Recorded, waiting for another person, stopped by the hold point, or not checkable.

    `entry` carries the act; `proposal` is the digest the next person signs; `verdict_entry` keeps the verdict. `again`: this very
    request was answered before, at `answered_at`.
    """

    kind: Kind
    subject: Node
    act: str
    entry: Digest | None = None
    proposal: Digest | None = None
    verdict_entry: Digest | None = None
    verdict: Verdict | None = None
    answered_at: datetime | None = None
    again: bool = False


def proposal_digest(act: Act) -> Digest:
    """What every signer of an act signs: its name, version and body in canonical form."""
    text = canonical({"act": act.rule.name, "act_version": act.rule.version, "body": body_of(act)})
    return Digest(hashlib.sha256(text).hexdigest())


def request_digest(signer: Signer, request: dict[str, Any]) -> Digest:
    """What tells one request from another under the same key: who asked, in which role, and everything they sent."""
    text = canonical({"role": signer.role.value, "site": signer.site.value, "request": request})
    return Digest(hashlib.sha256(text).hexdigest())


def answered(connection: Connection, signer: Signer, request: Digest) -> Outcome | None:
    """The first answer to this very request, or None. Raises RepeatedKeyError for the same key with another body."""
    if signer.key is None:
        return None
    first = idempotency.first_answer(connection, signer.account, signer.key, request)
    if first is None:
        return None
    outcome = _kept(first.answer)
    if not _is_told_by_entries(connection, signer, outcome):
        raise LedgerBrokenError("the answer that was kept under this key is not what its entries say", code="ledger_broken")
    return outcome


def _kept(answer: str) -> Outcome:
    try:
        kept = json.loads(answer)
        return Outcome(
            kind=kept["kind"],
            subject=node_of(kept["subject"]),
            act=kept["act"],
            entry=_digest(kept["entry"]),
            proposal=_digest(kept["proposal"]),
            verdict_entry=_digest(kept["verdict_entry"]),
            answered_at=datetime.fromisoformat(kept["answered_at"]),
            again=True,
        )
    except (ValueError, KeyError, TypeError, CustodyError) as error:
        raise LedgerBrokenError(f"the answer that was kept under this key cannot be read ({error})", code="ledger_broken") from error


def _is_told_by_entries(connection: Connection, signer: Signer, outcome: Outcome) -> bool:
    """Nothing in the ledger vouches for kept answers, so one counts only where the entries that it names say the same."""
    entry, verdict = (
        None if each is None else entries.entry_by_digest(connection, each) for each in (outcome.entry, outcome.verdict_entry)
    )
    word = verdict.act.word if verdict is not None and isinstance(verdict.act, VerdictGiven) else None
    for digest, found in ((outcome.entry, entry), (outcome.verdict_entry, verdict)):
        if digest is not None and (found is None or (found.stream, found.by.account) != (outcome.subject.key, signer.account)):
            return False
    if outcome.kind == "stopped":
        return entry is None and word is VerdictWord.STOP
    if entry is None or (outcome.verdict_entry is not None and word is not VerdictWord.GO):
        return False
    return outcome.kind == "recorded" or (outcome.kind == "waiting" and isinstance(entry.act, Proposed | Countersigned))


def remembered(connection: Connection, signer: Signer, request: Digest, outcome: Outcome, now: datetime) -> Outcome:
    """Keep the answer with the entries it speaks of, in their transaction."""
    if signer.key is not None and outcome.kind != "cannot_check":
        answer = {
            "kind": outcome.kind,
            "subject": outcome.subject.key,
            "act": outcome.act,
            "entry": _text(outcome.entry),
            "proposal": _text(outcome.proposal),
            "verdict_entry": _text(outcome.verdict_entry),
            "answered_at": now.isoformat(timespec="microseconds"),
        }
        idempotency.remember(connection, signer.account, signer.key, request, canonical(answer).decode(), answered_at=now)
    return replace(outcome, answered_at=now)


def verdict_kept(connection: Connection, digest: Digest) -> VerdictGiven:
    """The verdict an entry keeps."""
    entry = entries.entry_by_digest(connection, digest)
    assert entry is not None
    assert isinstance(entry.act, VerdictGiven)
    return entry.act


def _digest(text: str | None) -> Digest | None:
    return None if text is None else Digest(text)


def _text(digest: Digest | None) -> str | None:
    return None if digest is None else digest.value
