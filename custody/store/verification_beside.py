"""Proves what is kept beside the entries and vouched for by them: credentials, reset tickets, files, series, sealed identities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, literal_column, select

from custody.domain.ids import Digest
from custody.errors import LedgerBrokenError
from custody.store import attachments
from custody.store.credentials import digest_of_row
from custody.store.envelope_text import Told
from custody.store.identities import opened
from custody.store.keys import Keys, keys_in
from custody.store.series import unpacked
from custody.store.statements import Prepared, PreparedIn
from custody.store.tables import attachment, credential, entry, identity, reset_ticket, series
from custody.store.tickets import TICKET

FILES_AT_ONCE = 256


def _told(kind: str, *acts: str) -> Prepared:
    """What entries of some acts say in the streams of one kind; the index passes over all other streams."""
    return Prepared(
        select(entry.c.id, entry.c.stream, entry.c.act, entry.c.envelope)
        .where(entry.c.act.in_([literal_column(f"'{act}'") for act in acts]), entry.c.evidence == literal_column("0"))
        .where(entry.c.stream.between(literal_column(f"'{kind}:'"), literal_column(f"'{kind};'")))
        .order_by(entry.c.stream, entry.c.position)
    )


_SECRETS = _told("account", "secret_set")
_PROPOSALS = _told("account", "proposed")
_FILES_READ = _told("logger", "logger_file_read")
_KEPT = {
    "file": PreparedIn(lambda among: select(attachment.c.digest).where(among(attachment.c.digest))),
    "series": PreparedIn(lambda among: select(series.c.digest).where(among(series.c.digest))),
}


def check_credentials(connection: Connection) -> None:
    """Each credential row is the one that the account's `secret_set` entry of that number speaks of."""
    expected: dict[str, list[str]] = {}
    for told in starmap(Told, _SECRETS.rows(connection)):
        expected.setdefault(told.stream, []).append(told.body["row_digest"])
    seen: dict[str, list[str]] = {}
    for row in connection.execute(select(credential).order_by(*_from_the_rows(credential))):
        seen.setdefault(f"account:{row[0]}", []).append(_digest(f"a credential of account {row[0]}", row))
    for stream in sorted(seen.keys() | expected.keys()):
        if seen.get(stream, []) != expected.get(stream, []):
            raise LedgerBrokenError(f"the credentials of {stream} are not those its entries speak of", stream=stream)


def check_tickets(connection: Connection) -> None:
    """Each reset ticket is one that a reset of its account was proposed with, and each such reset has its ticket."""
    expected: dict[str, str] = {}
    for told in starmap(Told, _PROPOSALS.rows(connection)):
        if told.proposed_act == "secret_reset_issued":
            expected[json.loads(told.body["body"])["ticket"]] = told.stream
    seen: dict[str, str] = {}
    for digest, *row in connection.execute(select(reset_ticket).order_by(*_from_the_rows(reset_ticket))):
        stream = f"account:{row[0]}"
        if digest != _digest(f"a reset ticket of account {row[0]}", (TICKET, *row)):
            raise LedgerBrokenError(f"a reset ticket of {stream} is not the one that was given", stream=stream)
        seen[digest] = stream
    for digest in sorted(seen.keys() | expected.keys()):
        if seen.get(digest) != expected.get(digest):
            stream = expected.get(digest) or seen[digest]
            raise LedgerBrokenError(f"the reset tickets of {stream} are not those its entries speak of", stream=stream)


def _digest(of: str, row: Sequence[Any]) -> str:
    """The digest of a stored row, whatever its columns hold."""
    try:
        return digest_of_row(*row).value
    except Exception as error:
        raise LedgerBrokenError(f"{of} holds other kinds of values ({error})") from error


def check_attachments(connection: Connection) -> None:
    for digest, size, content in _one_by_one(connection, select(attachment.c.digest, attachment.c.size, attachment.c.content)):
        attachments.unpacked(digest, size, content)


def check_series(connection: Connection) -> None:
    for digest, *columns, content in _one_by_one(connection, select(series)):
        if columns != _told_by(unpacked(digest, content)):
            raise LedgerBrokenError(f"temperature series {digest} is not what was kept: its columns differ from its readings")


def _told_by(canonical: bytes) -> list[Any]:
    """How many readings, from when to when. The bytes are those of `Series.canonical_bytes`; reading them whole takes ten times as long."""
    _, _, told = canonical.partition(b'"readings":[[')
    readings = told.removesuffix(b"]]}").split(b"],[")
    return [len(readings), *(_time(readings[at]) for at in (0, -1))]


def _time(reading: bytes) -> str:
    """The time of a reading as the columns have it."""
    return reading.split(b'"')[1].decode().removesuffix("Z") + "+00:00"


def check_files_read(connection: Connection) -> None:
    """Every file that an entry says was read is kept, and so are the readings in it."""
    for rows in _FILES_READ.batches(connection, FILES_AT_ONCE):
        for name, kept in _KEPT.items():
            named = {Digest(told.body[name]).value: told.stream for told in starmap(Told, rows)}
            for (digest,) in kept.rows(connection, list(named)):
                del named[digest]
            for digest, stream in named.items():
                what = "attachment" if name == "file" else "temperature series"
                raise LedgerBrokenError(f"{what} {digest} is missing, and {stream} says that it was read", stream=stream)


def check_identities(connection: Connection, key_dir: Path | None) -> None:
    """The texts of a field are numbered without a gap, and each opens in its place; without `key_dir` only the numbers are seen."""
    statement = select(identity.c.subject, identity.c.field, identity.c.number, identity.c.sealed).order_by(*_from_the_rows(identity))
    before = ("", "", 0)
    keys = None
    for subject, field, number, sealed in _one_by_one(connection, statement):
        due = before[2] + 1 if before[:2] == (subject, field) else 1
        if number != due:
            raise LedgerBrokenError(f"the identity of {subject} lacks number {due} of the field {field}")
        before = (subject, field, number)
        if key_dir is None:
            continue
        keys = keys or _keys(key_dir)
        try:
            opened(keys, subject, field, number, sealed)
        except Exception as error:
            raise LedgerBrokenError(f"the identity of {subject} cannot be opened, field {field}, number {number}: {error}") from error


def _keys(key_dir: Path) -> Keys:
    # Looking for keys makes none: what they sealed would not open with new ones.
    if not key_dir.is_dir():
        raise LedgerBrokenError(f"the key folder {key_dir} is missing, and identities are sealed with its keys; restore it from its backup")
    return keys_in(key_dir)


def _from_the_rows(table: Table) -> list[Any]:
    """The order of the primary key, and not through its index: what stands there would be taken for what stands in the rows."""
    first, *others = table.primary_key
    return [first.concat(""), *others]


def _one_by_one(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    """Large rows: no more than one is held at a time."""
    with connection.execute(statement, execution_options={"yield_per": 1}) as found:
        yield from found
