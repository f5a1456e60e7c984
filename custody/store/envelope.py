"""An act with everything about its recording as the canonical text that is hashed, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from custody import __version__
from custody.domain.acts import ACTS, Act
from custody.domain.acts.codec import act_from, body_of
from custody.domain.dossier import Entry, Signed
from custody.domain.ids import AccountId, Digest, PersonId, SiteId, StudyId, parsed
from custody.domain.terms import Meaning, Role
from custody.errors import CustodyError, InputError, LedgerBrokenError
from custody.ledger.canonical import canonical

KEYS = frozenset(
    {
        "account", "act", "act_version", "body", "happened_at", "idempotency_key", "person", "position", "previous", "printed_name",
        "recorded_at", "role", "signature", "site", "software_version", "station", "stream", "study",
    }
)  # fmt: skip
SIGNATURE_KEYS = frozenset({"meaning", "digest", "method"})


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An act about to be recorded. `signature` is None or has exactly `meaning`, `digest` and `method`."""

    act: Act
    happened_at: datetime
    by: Signed
    study: StudyId | None
    station: str
    signature: Mapping[str, str] | None = None
    idempotency_key: str | None = None


class Row(NamedTuple):
    """One stored entry as it came from the database; nothing about it is known to be true yet."""

    stream: str
    position: int
    act: str
    evidence: int
    site: str
    study: str | None
    recorded_at: str
    previous: bytes
    digest: bytes
    envelope: str


def iso(at: datetime) -> str:
    """Six decimals, the offset kept. Raises InputError for a time without an offset."""
    if at.utcoffset() is None:
        raise InputError(f"the time {at} has no offset from UTC")
    return at.isoformat(timespec="microseconds")


def is_evidence(act: str) -> int:
    """1 for acts that no gate reads, 0 for the others; raises LedgerBrokenError for an act nobody knows."""
    rule = ACTS.get(act)
    if rule is None:
        raise LedgerBrokenError(f"there is no act called “{str(act)[:60]}”")
    return int(rule.evidence)


def fields_of(new: NewEntry, *, position: int, previous: bytes, recorded_at: datetime) -> dict[str, Any]:
    """What the canonical text of one entry says. Raises InputError when something in it cannot be kept."""
    _check_signature(new)
    by = new.by
    return {
        "act": new.act.rule.name,
        "act_version": new.act.rule.version,
        "stream": new.act.subject.key,
        "position": position,
        "previous": previous.hex(),
        "happened_at": iso(new.happened_at),
        "recorded_at": iso(recorded_at),
        "account": by.account.value,
        "person": by.person.value,
        "printed_name": by.printed_name,
        "role": by.role.value,
        "site": by.site.value,
        "study": new.study.value if new.study else None,
        "station": new.station,
        "signature": dict(new.signature) if new.signature else None,
        "idempotency_key": new.idempotency_key,
        "software_version": __version__,
        "body": body_of(new.act),
    }


def text_of(fields: Mapping[str, Any]) -> str:
    """The text that is hashed. Raises InputError when something in it cannot be kept."""
    return canonical(fields).decode()


def _check_signature(new: NewEntry) -> None:
    if new.signature is None:
        if new.by.meaning is not None:
            raise InputError(f"{new.act.rule.name} was signed as “{new.by.meaning}”, but no signature is given")
        return
    if new.signature.keys() != SIGNATURE_KEYS:
        raise InputError(f"a signature has {', '.join(sorted(SIGNATURE_KEYS))}; seen: {', '.join(sorted(new.signature))}")
    if new.by.meaning is None or new.signature["meaning"] != new.by.meaning.value:
        raise InputError(f"the signature means “{new.signature['meaning']}”, the signer “{new.by.meaning}”")


def entry_of(new: NewEntry, *, position: int, digest: bytes, recorded_at: datetime) -> Entry:
    """The entry as reading it back gives it: the person's part is timed by the recording."""
    return Entry(
        stream=new.act.subject.key,
        position=position,
        digest=Digest(digest.hex()),
        act=new.act,
        happened_at=new.happened_at,
        recorded_at=recorded_at,
        by=replace(new.by, at=recorded_at),
        study=new.study,
        station=new.station,
    )


def check_columns(row: Row) -> None:
    """Compare the columns of a row whose digest was checked with its text; errors as `decoded`."""
    try:
        _compare(row, json.loads(row.envelope))
    except (CustodyError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise broken(row.stream, row.position, f"it cannot be read ({error})") from error


def decoded(row: Row) -> Entry:
    """The entry in a stored row whose digest was checked, with its columns compared with its text.

    Raises LedgerBrokenError that names the entry for anything that does not fit.
    """
    try:
        fields = json.loads(row.envelope)
        _compare(row, fields)
        return _entry(row, fields)
    except (CustodyError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise broken(row.stream, row.position, f"it cannot be read ({error})") from error


def broken(stream: object, position: object, why: str) -> LedgerBrokenError:
    place = f"{str(stream)[:80]} entry {str(position)[:20]}"
    return LedgerBrokenError(f"the record does not prove itself: {place}: {why}", stream=stream, position=position)


def _compare(row: Row, fields: dict[str, Any]) -> None:
    if fields.keys() != KEYS:
        raise ValueError(f"its text has other fields: {', '.join(sorted(fields.keys() ^ KEYS))}")
    seen = (row.stream, row.position, row.act, row.site, row.study, row.recorded_at, row.previous.hex(), row.evidence)
    names = ("stream", "position", "act", "site", "study", "recorded_at", "previous")
    expected = (*(fields[name] for name in names), is_evidence(fields["act"]))
    for name, one, other in zip((*names, "evidence"), seen, expected, strict=True):
        if one != other or type(one) is not type(other):
            raise ValueError(f"its column {name} differs from its text")


def _entry(row: Row, fields: dict[str, Any]) -> Entry:
    recorded_at = datetime.fromisoformat(fields["recorded_at"])
    signature = fields["signature"]
    if signature is not None and signature.keys() != SIGNATURE_KEYS:
        raise ValueError("its signature has other fields")
    by = Signed(
        account=parsed(AccountId, fields["account"]),
        person=parsed(PersonId, fields["person"]),
        printed_name=fields["printed_name"],
        role=Role(fields["role"]),
        site=parsed(SiteId, fields["site"]),
        meaning=None if signature is None else Meaning(signature["meaning"]),
        at=recorded_at,
    )
    act = act_from(fields["act"], fields["act_version"], fields["body"])
    if act.subject.key != row.stream:
        raise ValueError("its act is about another thing than its stream")
    return Entry(
        stream=row.stream,
        position=row.position,
        digest=Digest(row.digest.hex()),
        act=act,
        happened_at=datetime.fromisoformat(fields["happened_at"]),
        recorded_at=recorded_at,
        by=by,
        study=None if fields["study"] is None else parsed(StudyId, fields["study"]),
        station=fields["station"],
    )
