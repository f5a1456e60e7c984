"""The tables of the store, and the triggers that refuse change on those that only grow.

Hashes are bytes, times are ISO text with their offset, everything else is text or a whole number. On SQLite every
table is STRICT, so that no value changes its type on the way in; on PostgreSQL texts have the collation "C", so that both put them in
order alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# Names that do not depend on the database, so that one migration can speak of them on both.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def _table(name: str, *parts: Any, clustered: bool = False) -> Table:
    """`clustered`: small rows that SQLite keeps in the order of their key (WITHOUT ROWID)."""
    return Table(name, metadata, *parts, sqlite_strict=True, sqlite_with_rowid=not clustered)


NUMBER = Integer().with_variant(BigInteger(), "postgresql")


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _number(name: str) -> Column[int]:
    return Column(name, NUMBER, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


# --- the ledger -------------------------------------------------------------------------------------------------------
entry = _table(
    "entry",
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    _text("stream"),
    _number("position"),
    # From here to recorded_at: a projection of the envelope, which verification re-derives and compares.
    _text("act"),
    _number("evidence"),
    _text("site"),
    _text("study", nullable=True),
    _text("recorded_at"),
    _bytes("previous"),
    _bytes("digest"),
    _bytes("salt"),
    # The exact text that is hashed. The last column, so that reading the others does not touch a long one.
    _text("envelope"),
    UniqueConstraint("stream", "position"),
    UniqueConstraint("digest"),
)
# Verdicts, sign-ins and refused scans outnumber everything else; what gates read is found without passing over them.
Index("ix_entry_read_by_gates", entry.c.stream, entry.c.position, sqlite_where=text("evidence = 0"), postgresql_where=text("evidence = 0"))
Index("ix_entry_evidence", entry.c.stream, entry.c.position, sqlite_where=text("evidence = 1"), postgresql_where=text("evidence = 1"))

stream_head = _table(
    "stream_head",
    Column("stream", Text, primary_key=True, nullable=False),
    _number("position"),
    _bytes("digest"),
    clustered=True,
)
leaf = _table(
    "leaf",
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("entry_id", NUMBER, ForeignKey("entry.id"), nullable=False),
    _bytes("hash"),
    UniqueConstraint("entry_id"),
)
node = _table(
    "node",
    _number("level"),
    _number("number"),
    _bytes("hash"),
    PrimaryKeyConstraint("level", "number"),
    clustered=True,
)

# --- lookups: written with the entry, rebuilt from nothing, read by no gate -------------------------------------------
stream_summary = _table(
    "stream_summary",
    Column("stream", Text, primary_key=True, nullable=False),
    _text("kind"),
    _number("position"),
    _text("act"),
    _text("site"),
    _text("study", nullable=True),
    _text("recorded_at"),
    clustered=True,
)
Index("ix_stream_summary_kind_recorded_at", stream_summary.c.kind, stream_summary.c.recorded_at)
# Of most kinds nearly everything has ended: what still waits is found by the act it stands at.
Index("ix_stream_summary_kind_act_recorded_at", stream_summary.c.kind, stream_summary.c.act, stream_summary.c.recorded_at)
# Where the people sat who wrote in a stream, evidence left out; with the edges it narrows lists to the sites of a person.
stream_site = _table(
    "stream_site",
    _text("stream"),
    _text("site"),
    PrimaryKeyConstraint("stream", "site"),
    clustered=True,
)
Index("ix_stream_site_site_stream", stream_site.c.site, stream_site.c.stream)
# By the number of the entry that carries the act: new rows come last, and verification meets them in the order of the log.
edge = _table(
    "edge",
    _number("entry_id"),
    _text("parent"),
    _text("child"),
    PrimaryKeyConstraint("entry_id", "parent", "child"),
    clustered=True,
)
Index("ix_edge_parent_child", edge.c.parent, edge.c.child)
Index("ix_edge_child_parent", edge.c.child, edge.c.parent)
entry_name = _table(
    "entry_name",
    _number("entry_id"),
    _text("name"),
    _text("stream"),
    PrimaryKeyConstraint("entry_id", "name"),
    clustered=True,
)
Index("ix_entry_name_name_stream", entry_name.c.name, entry_name.c.stream)
waiting_proposal = _table(
    "waiting_proposal",
    _text("stream"),
    _text("proposal"),
    _number("entry_id"),
    _number("position"),
    _text("act"),
    _number("act_version"),
    _text("body"),
    _number("signers"),
    _text("site"),
    _text("study", nullable=True),
    _text("account"),
    _text("recorded_at"),
    _text("expires_at"),
    PrimaryKeyConstraint("stream", "proposal"),
    clustered=True,
)

# --- beside the ledger, append-only -----------------------------------------------------------------------------------
attachment = _table(
    "attachment",
    Column("digest", Text, primary_key=True, nullable=False),
    _text("media_type"),
    _text("name"),
    _number("size"),
    _bytes("content"),
)
series = _table(
    "series",
    Column("digest", Text, primary_key=True, nullable=False),
    _number("readings"),
    _text("start"),
    _text("end"),
    _bytes("content"),
)
answer = _table(
    "answer",
    _text("account"),
    _text("key"),
    _text("request_digest"),
    _text("answer"),
    _text("answered_at"),
    PrimaryKeyConstraint("account", "key"),
)
credential = _table(
    "credential",
    _text("account"),
    _number("number"),
    _text("kind"),
    _text("secret_hash"),
    _text("set_at"),
    _number("must_change"),
    PrimaryKeyConstraint("account", "number"),
)
reset_ticket = _table(
    "reset_ticket",
    Column("digest", Text, primary_key=True, nullable=False),
    _text("account"),
    _text("code_hash"),
    _text("valid_until"),
)
identity = _table(
    "identity",
    _text("subject"),
    _text("field"),
    _number("number"),
    _bytes("sealed"),
    _text("written_at"),
    PrimaryKeyConstraint("subject", "field", "number"),
)
identity_view = _table(
    "identity_view",
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    _text("subject"),
    _text("field"),
    _text("account"),
    _text("reason"),
    _text("viewed_at"),
)
store_fact = _table("store_fact", Column("name", Text, primary_key=True, nullable=False), _text("text"))

# --- beside the ledger, outside verification --------------------------------------------------------------------------
sign_in_guard = _table(
    "sign_in_guard",
    Column("account", Text, primary_key=True, nullable=False),
    _number("failures"),
    _text("last_failure_at"),
    _text("locked_until", nullable=True),
    _number("pin_barred"),
    clustered=True,
)
session = _table(
    "session",
    Column("token_digest", Text, primary_key=True, nullable=False),
    _text("account"),
    _text("station"),
    _text("csrf_secret"),
    _text("created_at"),
    _text("last_seen_at"),
    _text("ends_at"),
    _text("opened_with"),
    _text("bench", nullable=True),
    _text("revoked_at", nullable=True),
    clustered=True,
)
Index("ix_session_account", session.c.account)
bench = _table(
    "bench",
    Column("token_digest", Text, primary_key=True, nullable=False),
    _text("station"),
    _text("opened_by"),
    _text("opened_at"),
    _text("ends_at"),
    _text("closed_at", nullable=True),
    clustered=True,
)
# When somebody last gave their whole secret for a signature, at a bench or within one session (21 CFR 11.200(a)(1)).
shift = _table(
    "shift",
    _text("place"),
    _text("account"),
    _text("secret_given_at"),
    PrimaryKeyConstraint("place", "account"),
    clustered=True,
)

# Every way in which a new row could take the place of an old one.
APPEND_ONLY: dict[str, tuple[Sequence[str], ...]] = {
    "entry": (("id",), ("stream", "position"), ("digest",)),
    "leaf": (("number",), ("entry_id",)),
    "node": (("level", "number"),),
    "attachment": (("digest",),),
    "series": (("digest",),),
    "answer": (("account", "key"),),
    "credential": (("account", "number"),),
    "reset_ticket": (("digest",),),
    "identity": (("subject", "field", "number"),),
    "identity_view": (("number",),),
    "store_fact": (("name",),),
}
LOOKUPS: tuple[Table, ...] = (stream_summary, stream_site, edge, entry_name, waiting_proposal)
OUTSIDE_VERIFICATION: tuple[str, ...] = (
    *("alembic_version", "answer", "bench", "session", "shift", "sign_in_guard", "store_fact"),
    *("attachment.media_type", "attachment.name", "identity", "identity_view"),
)
"""Tables, and columns of others, that nothing in the ledger vouches for; no verdict reads any of them.

Of an identity, a text that was changed or moved is found where there are keys; that the newest was removed is not.
"""
