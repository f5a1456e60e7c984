"""Helps a person fill in an act: finds the thing a text means, and fills what the record already knows."""

from __future__ import annotations

import hashlib
import secrets
import string
import unicodedata
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from custody.codes.scan import expect, read_scan
from custody.domain.acts.allocation import DoseDeallocated, DoseRequested, ParticipantEligibilityRecorded
from custody.domain.acts.base import ActRule, field_types
from custody.domain.acts.codec import encoded
from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.quality import ResultRecorded, ResultReviewed
from custody.domain.acts.shipping import ShipperSealed
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest
from custody.domain.duties import AccountFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.shipment import ShipmentFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, BagId, Digest, DoseId, Node, PersonId, ShipmentId, StudyId, node_of
from custody.domain.masking import Viewer
from custody.errors import CustodyError, NotFoundError, UnreadableCodeError
from custody.store import entries, identities
from custody.store.keys import keys_in
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import unknown_thing

SCAN_KINDS = {"donation": "donation", "account": "badge", "site": ""}
"""What a symbol of this kind of thing is called, where it differs from the kind itself."""
BAG_LETTERS = string.ascii_uppercase + string.digits
SUGGESTED = 50
NEW_BAGS = 4
"""How many bag numbers a form offers; people add or remove lines."""


def find_node(connection: Connection, kinds: tuple[type[Node], ...], text: str, *, may_be_new: bool, viewer: Viewer) -> Node:
    """The thing of one of these kinds that a scanned or typed text means.

    Raises UnreadableCodeError for a code of another kind, NotFoundError for a thing that does not exist for this viewer (unless it may
    be new).
    """
    node = _read(connection, kinds, text, viewer)
    if not may_be_new:
        sight.require(connection, viewer, node)
    return node


def _read(connection: Connection, kinds: tuple[type[Node], ...], text: str, viewer: Viewer) -> Node:
    if text.startswith(("CU1:", "]", "=", "&")):
        return _scanned(kinds, text)
    if ":" in text:
        node = node_of(text)
        if not isinstance(node, kinds):
            raise UnreadableCodeError(
                f"this is a {node.kind}; expected {' or '.join(k.kind_word() for k in kinds)}",
                code="wrong_kind",
                seen=node.kind,
                expected=" or ".join(k.kind for k in kinds),
            )
        return node
    if len(kinds) == 1:
        return kinds[0].parse(text)
    return _by_name(connection, kinds, text, viewer)


def _scanned(kinds: tuple[type[Node], ...], text: str) -> Node:
    scan = read_scan(text)
    refusal: CustodyError | None = None
    for kind in kinds:
        try:
            found = expect(scan, SCAN_KINDS.get(kind.kind, kind.kind))
            # Badges carry the account name in capitals, because symbols know no small letters.
            return kind.parse(found.lower() if kind is AccountId else found)
        except UnreadableCodeError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _by_name(connection: Connection, kinds: tuple[type[Node], ...], text: str, viewer: Viewer) -> Node:
    """A bare identifier where several kinds are possible: the one that exists."""
    wanted = {f"{kind.kind}:{text}": kind for kind in kinds}
    known = [wanted[key].parse(text) for key in entries.heads(connection, list(wanted))]
    found = [node for node in known if sight.may_find(connection, viewer, node)]
    if len(found) == 1:
        return found[0]
    expected = " or ".join(kind.kind for kind in kinds)
    raise NotFoundError(f"“{text[:40]}” is no known {expected}", code="unknown_thing", kind=kinds[0].kind, seen=text[:40])


def filled_in(connection: Connection, rule: ActRule, subject: Node | None, study: StudyId | None) -> dict[str, Any]:
    """Fields the record knows and nobody types: study, criteria version, positions, results to review, participant, cohort."""
    fields = field_types(rule.cls)
    known: dict[str, Any] = {}
    if study is not None:
        if "study" in fields:
            known["study"] = study.key
        if "criteria_version" in fields:
            last = dossier_of(connection, [study]).last(study, StudyApproved)
            known["criteria_version"] = last.act.study_version if last is not None else 0
    if study is not None and rule.cls is StudyApproved:
        known |= _newest_proposed(connection, study)
    if subject is None:
        return known
    if "up_to_position" in fields:
        head = entries.heads(connection, [subject.key]).get(subject.key)
        known["up_to_position"] = head.position if head is not None else 0
    if rule.cls is ResultReviewed:
        known["results"] = [digest.value for digest in unreviewed_results(connection, subject)]
    return known | _of_the_dose(connection, rule, subject)


def _newest_proposed(connection: Connection, study: StudyId) -> dict[str, Any]:
    last = dossier_of(connection, [study]).last(study, StudyProposed)
    if last is None:
        return {}
    return {"study_version": last.act.study_version, "content_digest": content_digest(last.act.content).value}


def suggested(connection: Connection, rule: ActRule, subject: Node | None, study: StudyId | None) -> dict[str, Any]:
    """Values to begin with, which the person may change: new bag numbers, the criteria to answer, the bags of a plan."""
    if rule.cls is BagsFilled:
        return {"bags": [BagId.from_random(_twelve()).key for _ in range(NEW_BAGS)]}
    if study is None or subject is None:
        return {}
    dossier = dossier_of(connection, [subject, study])
    try:
        if rule.cls is ParticipantEligibilityRecorded:
            return {"lines": [{"code": line.code} for line in StudyFold(dossier, study).criteria_now.eligibility]}
        if rule.cls is ShipperSealed and isinstance(subject, ShipmentId):
            return {"bags": [bag.key for bag in ShipmentFold(dossier, subject, StudyFold(dossier, study)).packed_bags]}
        if rule.cls is DoseDeallocated and isinstance(subject, DoseId):
            return {"bags": [bag.key for bag in DoseFold(dossier, subject, StudyFold(dossier, study)).bags]}
    except MissingFact:
        pass  # nothing to suggest
    return {}


def _twelve() -> str:
    """An opaque bag number without its check character: it says nothing of lot, donor or arm."""
    return "".join(secrets.choice(BAG_LETTERS) for _ in range(12))


def person_of(connection: Connection, text: str, viewer: Viewer) -> PersonId:
    """The person a badge or an account name means, or a person's own number. Raises UnreadableCodeError, NotFoundError.

    A badge may be of any site: whoever takes something over from another site stands there with theirs.
    """
    scanned = text.startswith(("CU1:", "]"))
    if not scanned and AccountId.pattern.fullmatch(text) is None:
        return PersonId.parse(text)
    account = find_node(connection, (AccountId,), text, may_be_new=scanned, viewer=viewer)
    assert isinstance(account, AccountId)
    fold = AccountFold(dossier_of(connection, [account]), account)
    if not fold.dossier.knows(account):
        raise unknown_thing(account)
    return fold.person


def _of_the_dose(connection: Connection, rule: ActRule, subject: Node) -> dict[str, Any]:
    if subject.kind != "dose" or rule.cls is DoseRequested:
        return {}
    requested = dossier_of(connection, [subject]).first(subject, DoseRequested)
    if requested is None:
        return {}
    wanted = {"participant": requested.act.participant, "cohort": requested.act.cohort}
    return {name: encoded(value) for name, value in wanted.items() if name in field_types(rule.cls)}


def unreviewed_results(connection: Connection, node: Node) -> tuple[Digest, ...]:
    """Results of a node that no second person has reviewed, oldest first."""
    dossier = dossier_of(connection, [node])
    reviewed = {digest for deed in dossier.deeds(node, ResultReviewed) for digest in deed.act.results}
    return tuple(deed.digest for deed in dossier.deeds(node, ResultRecorded) if deed.digest not in reviewed)


def possession_code(node: ShipmentId | BagId, code: str) -> Digest:
    """What the ledger keeps of the code that giver and receiver read to each other: enough to compare, not the code itself."""
    return Digest(hashlib.sha256(f"possession {node.key} {code.strip().upper()}".encode()).hexdigest())


def second_identifier(key_dir: Path, text: str) -> Digest:
    """The keyed commitment to a participant's second identifier: spaces, case and width of letters do not count."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
    return identities.commitment("second_identifier", plain, keys=keys_in(key_dir))


def suggestions(connection: Connection, kind: str, viewer: Viewer) -> tuple[str, ...]:
    """Identifiers of the newest things of a kind, for people without a scanner at hand."""
    return tuple(item.stream.partition(":")[2] for item in sight.newest(connection, viewer, kind, SUGGESTED))
