"""The forms a mother signed: version, ticks and uses beside what the study asks for, and what she took back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from custody.domain.acts.donation import ConsentSigned, ConsentWithdrawn
from custody.domain.criteria import ConsentForm, StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, DonorId
from custody.gates.consent import DONOR_FORM


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A box of the form or a use: whether she ticked it, and whether the form asks for it."""

    code: str
    ticked: bool
    required: bool


@dataclass(frozen=True, kw_only=True)
class Consent:
    """One signed form. `in_force` is None where the study knows no such version."""

    digest: Digest
    form_version: str
    in_force: bool | None
    signed_at: datetime
    by_birth_mother: bool
    identity_checked: bool
    ticks: tuple[Tick, ...]
    scopes: tuple[str, ...]
    witness: str
    withdrawn_at: datetime | None
    withdrawn_because: str
    corrected: bool

    @property
    def open_ticks(self) -> tuple[str, ...]:
        """Boxes the form asks for that she did not tick."""
        return tuple(tick.code for tick in self.ticks if tick.required and not tick.ticked)

    @property
    def is_whole(self) -> bool:
        return (
            self.in_force is True and self.by_birth_mother and self.identity_checked and not self.open_ticks and self.withdrawn_at is None
        )


def consents(dossier: Dossier, donor: DonorId, criteria: StudyContent | None) -> tuple[Consent, ...]:
    """Every form she signed, the latest first; a withdrawal takes back all that were signed before it."""
    signed = dossier.deeds(donor, ConsentSigned)
    withdrawals = dossier.deeds(donor, ConsentWithdrawn)
    return tuple(_consent(deed, withdrawals, criteria) for deed in reversed(signed))


def _consent(deed: Deed[ConsentSigned], withdrawals: tuple[Deed[ConsentWithdrawn], ...], criteria: StudyContent | None) -> Consent:
    act = deed.act
    form = criteria.consent_form(DONOR_FORM, act.form_version) if criteria is not None else None
    withdrawn = next((each for each in withdrawals if each.entry.position > deed.entry.position), None)
    return Consent(
        digest=deed.digest,
        form_version=act.form_version,
        in_force=None if form is None else form.in_force_on(act.signed_at.date()),
        signed_at=act.signed_at,
        by_birth_mother=act.by_birth_mother,
        identity_checked=act.identity_checked,
        ticks=tuple(_ticks(act, form)),
        scopes=act.scopes,
        witness=deed.signers[0].printed_name,
        withdrawn_at=None if withdrawn is None else withdrawn.act.withdrawn_at,
        withdrawn_because="" if withdrawn is None else withdrawn.act.reason,
        corrected=deed.corrected,
    )


def _ticks(act: ConsentSigned, form: ConsentForm | None) -> Iterator[Tick]:
    required = form.required_ticks if form is not None else ()
    for code in dict.fromkeys((*required, *act.ticks)):
        yield Tick(code=code, ticked=code in act.ticks, required=code in required)


def criteria_now(study: StudyFold | None) -> StudyContent | None:
    """The study version in force; None where there is none, and then nothing can be judged."""
    if study is None:
        return None
    try:
        return study.criteria_now
    except MissingFact:
        return None
