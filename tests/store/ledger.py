"""Short ways for the tests to append, to read, and to change rows behind the application."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256

from custody.domain.acts.codec import body_of
from custody.domain.acts.donation import ConsentSigned, ConsentWithdrawn, CordCollected, DonorRegistered, TissueAccepted
from custody.domain.acts.people import AccountCreated, SignedIn
from custody.domain.acts.record import Corrected, Countersigned, ProposalWithdrawn, Proposed
from custody.domain.dossier import Signed
from custody.domain.ids import AccountId, Digest, Din, DonorId, PersonId, SealNumber, SiteId, StudyId, TissueId
from custody.domain.terms import Meaning, Role
from custody.ledger.canonical import canonical
from custody.store.entries import NewEntry, append, entry_by_digest, load_streams
from custody.store.verification import verify
from tests.databases import edit, raw

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=8)))
DONOR = DonorId.parse("D-1")
STREAM = DONOR.key


def new(act, *, meaning=None, happened_at=NOW, account="lin.wei", person="P-1", site="A9990", key=None) -> NewEntry:
    """`act` by one person; signed when a meaning is given."""
    by = Signed(
        account=AccountId.parse(account),
        person=PersonId.parse(person),
        printed_name="Lín Wěi 林伟",
        role=Role.DONOR_COORDINATOR,
        site=SiteId.parse(site),
        meaning=meaning,
        at=NOW,
    )
    signature = None if meaning is None else {"meaning": meaning.value, "digest": "0" * 64, "method": "secret"}
    return NewEntry(
        act=act, happened_at=happened_at, by=by, study=StudyId.parse("DEMO"), station="desk 1", signature=signature, idempotency_key=key
    )


def registered(donor=DONOR):
    return DonorRegistered(donor=donor)


def consent(donor=DONOR, form="1.0"):
    return ConsentSigned(
        donor=donor, form_version=form, signed_at=NOW, by_birth_mother=True, identity_checked=True, ticks=("use", "testing")
    )


def withdrawn(donor=DONOR, reason="asked to"):
    return ConsentWithdrawn(donor=donor, withdrawn_at=NOW, reason=reason)


def collected(number=1, donor=DONOR):
    return CordCollected(
        donation=Din.parse(f"A999926{number:06d}"),
        donor=donor,
        delivered_at=NOW,
        collected_at=NOW,
        mother_age_years=30,
        gestation_days=275,
        membranes_ruptured_minutes=60,
        highest_fever_celsius=Decimal("37.0"),
        chorioamnionitis=False,
        cord_length_cm=Decimal("20.5"),
    )


def accepted(tissue="T-1", seal="S-77"):
    return TissueAccepted(tissue=TissueId.parse(tissue), seal=SealNumber.parse(seal), label_code="L-9", pieces=2, documents=())


def signed_in(account="lin.wei"):
    return SignedIn(account=AccountId.parse(account))


def account_created(account="lin.wei"):
    return AccountCreated(
        account=AccountId.parse(account), person=PersonId.parse("P-1"), printed_name="Lín Wěi 林伟", identity_verified_by="passport"
    )


def digest_of(act, salt="") -> Digest:
    return Digest(sha256(canonical([act.rule.name, body_of(act), salt])).hexdigest())


def proposed(act, salt=""):
    return Proposed(
        node=act.subject,
        proposal=digest_of(act, salt),
        act=act.rule.name,
        act_version=act.rule.version,
        body=canonical(body_of(act)).decode(),
        expires_at=NOW + timedelta(hours=1),
    )


def countersigned(act, salt=""):
    return Countersigned(node=act.subject, proposal=digest_of(act, salt), meaning=Meaning.VERIFIED)


def proposal_withdrawn(act, salt=""):
    return ProposalWithdrawn(node=act.subject, proposal=digest_of(act, salt), reason="mistake")


def corrected(entry_digest, replacement):
    return Corrected(
        node=replacement.subject,
        entry=entry_digest,
        reason="typed wrong",
        act=replacement.rule.name,
        act_version=replacement.rule.version,
        replacement=canonical(body_of(replacement)).decode(),
    )


class Ledger:
    """One store."""

    def __init__(self, store) -> None:
        self.store = store

    def record(self, *acts, at=NOW, **how):
        with self.store.writing() as connection:
            return append(connection, [new(act, **how) for act in acts], recorded_at=at)

    def load(self, *streams):
        with self.store.reading() as connection:
            return load_streams(connection, streams or (STREAM,))

    def by_digest(self, digest):
        with self.store.reading() as connection:
            return entry_by_digest(connection, digest)

    def verify(self, checkpoint=None):
        with self.store.reading() as connection:
            return verify(connection, checkpoint=checkpoint)

    def first_fault(self, checkpoint=None) -> str:
        report = self.verify(checkpoint)
        assert not report.ok
        return str(report.faults[0])

    def edit(self, *statements, parameters=()) -> None:
        """Change rows behind the application: the triggers go and come back word for word."""
        edit(self.store, *statements, parameters=parameters)

    def raw(self, statement, parameters=()):
        return raw(self.store, statement, parameters)
