"""One act on its way into the record: who signs it, what is known about it, and what exactly each person signs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.dossier import Dossier, Signed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, StudyId
from custody.ledger.canonical import canonical
from custody.store.entries import NewEntry
from custody.workflows.order import guarding_rule
from custody.workflows.signer import Signer

PROPOSAL_WAITS = timedelta(hours=12)
"""How long a proposal waits where no study says so."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """`signers` have signed, the last of them now. `second` is the act as the second person scanned and read it, where it is repeated.

    `happened_at` is when this person's part happened, `deed_at` when the act itself did, as its first signer said. `known` is the
    dossier the act is judged on: everything, except what a correction puts right.
    """

    connection: Connection
    act: Act
    signer: Signer
    signers: tuple[Signed, ...]
    dossier: Dossier
    known: Dossier
    study: StudyId | None
    now: datetime
    happened_at: datetime
    deed_at: datetime
    proposal: Digest
    second: Act | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everyone the act needs has signed."""
        return len(self.signers) >= len(guarding_rule(self.act).slots)

    def own_entry(self, act: Act) -> NewEntry:
        """The entry of the person who signs now."""
        return self._entry(act, self.signers[-1], self.happened_at)

    def beside(self, act: Act) -> NewEntry:
        """The same deed in another stream: it happened when the act happened, and nobody signs it again."""
        return self._entry(act, self._unsigned, self.deed_at)

    def found(self, act: Act) -> NewEntry:
        """What custody itself found or did just now: a verdict, a hold."""
        return self._entry(act, self._unsigned, self.now)

    @property
    def _unsigned(self) -> Signed:
        return replace(self.signers[-1], meaning=None)

    def _entry(self, act: Act, by: Signed, happened_at: datetime) -> NewEntry:
        return NewEntry(
            act=act,
            happened_at=happened_at,
            by=by,
            study=self.study,
            station=self.signer.station,
            signature=self._signature(by),
            idempotency_key=self.signer.key,
        )

    def _signature(self, by: Signed) -> dict[str, str] | None:
        if by.meaning is None:
            return None
        return {"meaning": by.meaning.value, "digest": self._signed_digest(by), "method": self.signer.method or ""}

    def _signed_digest(self, by: Signed) -> str:
        return signed_digest(self.proposal, by, self._criteria_version())

    @property
    def proposal_waits(self) -> timedelta:
        """How long the other people have to sign."""
        if self.study is None:
            return PROPOSAL_WAITS
        try:
            return timedelta(hours=float(StudyFold(self.dossier, self.study).criteria_now.settings.proposal_valid_h))
        except MissingFact:
            return PROPOSAL_WAITS

    def _criteria_version(self) -> int | None:
        try:
            return None if self.study is None else StudyFold(self.dossier, self.study).criteria_now.version
        except MissingFact:
            return None


def signed_digest(proposal: Digest, by: Signed, criteria_version: int | None) -> str:
    """The digest of exactly what was signed: the act, the meaning, the signer and the criteria in force (21 CFR 11.70)."""
    text = canonical(
        {
            "proposal": proposal.value,
            "meaning": by.meaning.value if by.meaning else None,
            "account": by.account.value,
            "person": by.person.value,
            "role": by.role.value,
            "criteria_version": criteria_version,
        }
    )
    return hashlib.sha256(text).hexdigest()
