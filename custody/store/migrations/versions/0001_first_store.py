"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# In order by code points on both databases.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("request_digest", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("answered_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("account", "key", name=op.f("pk_answer")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "attachment",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attachment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "bench",
        sa.Column("token_digest", TEXT, nullable=False),
        sa.Column("station", TEXT, nullable=False),
        sa.Column("opened_by", TEXT, nullable=False),
        sa.Column("opened_at", TEXT, nullable=False),
        sa.Column("ends_at", TEXT, nullable=False),
        sa.Column("closed_at", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_bench")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "credential",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("set_at", TEXT, nullable=False),
        sa.Column("must_change", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account", "number", name=op.f("pk_credential")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "edge",
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.Column("parent", TEXT, nullable=False),
        sa.Column("child", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "parent", "child", name=op.f("pk_edge")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edge_child_parent", "edge", ["child", "parent"], unique=False)
    op.create_index("ix_edge_parent_child", "edge", ["parent", "child"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("evidence", NUMBER, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.Column("study", TEXT, nullable=True),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("digest", name=op.f("uq_entry_digest")),
        sa.UniqueConstraint("stream", "position", name=op.f("uq_entry_stream_position")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_entry_evidence",
        "entry",
        ["stream", "position"],
        unique=False,
        sqlite_where=sa.text("evidence = 1"),
        postgresql_where=sa.text("evidence = 1"),
    )
    op.create_index(
        "ix_entry_read_by_gates",
        "entry",
        ["stream", "position"],
        unique=False,
        sqlite_where=sa.text("evidence = 0"),
        postgresql_where=sa.text("evidence = 0"),
    )
    op.create_table(
        "entry_name",
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "name", name=op.f("pk_entry_name")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entry_name_name_stream", "entry_name", ["name", "stream"], unique=False)
    op.create_table(
        "identity",
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("subject", "field", "number", name=op.f("pk_identity")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "identity_view",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("viewed_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_identity_view")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "node",
        sa.Column("level", NUMBER, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_node")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reset_ticket",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("code_hash", TEXT, nullable=False),
        sa.Column("valid_until", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_reset_ticket")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "series",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("readings", NUMBER, nullable=False),
        sa.Column("start", TEXT, nullable=False),
        sa.Column("end", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_series")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "session",
        sa.Column("token_digest", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("station", TEXT, nullable=False),
        sa.Column("csrf_secret", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("last_seen_at", TEXT, nullable=False),
        sa.Column("ends_at", TEXT, nullable=False),
        sa.Column("opened_with", TEXT, nullable=False),
        sa.Column("bench", TEXT, nullable=True),
        sa.Column("revoked_at", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_session")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_account", "session", ["account"], unique=False)
    op.create_table(
        "shift",
        sa.Column("place", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("secret_given_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("place", "account", name=op.f("pk_shift")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sign_in_guard",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("failures", NUMBER, nullable=False),
        sa.Column("last_failure_at", TEXT, nullable=False),
        sa.Column("locked_until", TEXT, nullable=True),
        sa.Column("pin_barred", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_sign_in_guard")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "store_fact",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_fact")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "stream_head",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_head")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stream_site",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("stream", "site", name=op.f("pk_stream_site")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stream_site_site_stream", "stream_site", ["site", "stream"], unique=False)
    op.create_table(
        "stream_summary",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.Column("study", TEXT, nullable=True),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_summary")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stream_summary_kind_recorded_at", "stream_summary", ["kind", "recorded_at"], unique=False)
    op.create_index("ix_stream_summary_kind_act_recorded_at", "stream_summary", ["kind", "act", "recorded_at"], unique=False)
    op.create_table(
        "waiting_proposal",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("proposal", TEXT, nullable=False),
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("act_version", NUMBER, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("signers", NUMBER, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.Column("study", TEXT, nullable=True),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("expires_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("stream", "proposal", name=op.f("pk_waiting_proposal")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leaf",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_leaf_entry_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_leaf")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_leaf_entry_id")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
