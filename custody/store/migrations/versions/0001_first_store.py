"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "key", name=op.f("pk_answer")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "attachment",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_attachment")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "bench",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_bench")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "credential",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "number", name=op.f("pk_credential")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "edge",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "parent", "child", name=op.f("pk_edge")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edge_child_parent", "edge", ["child", "parent"], unique=False)
    op.create_index("ix_edge_parent_child", "edge", ["parent", "child"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("study", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
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
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "name", name=op.f("pk_entry_name")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entry_name_name_stream", "entry_name", ["name", "stream"], unique=False)
    op.create_table(
        "identity",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "field", "number", name=op.f("pk_identity")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "identity_view",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("viewed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_identity_view")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_node")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reset_ticket",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_reset_ticket")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "series",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_series")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "session",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("csrf_secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("opened_with", sa.Text(), nullable=False),
        sa.Column("bench", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_session")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_account", "session", ["account"], unique=False)
    op.create_table(
        "shift",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("secret_given_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", "account", name=op.f("pk_shift")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sign_in_guard",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.Text(), nullable=False),
        sa.Column("locked_until", sa.Text(), nullable=True),
        sa.Column("pin_barred", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_sign_in_guard")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "store_fact",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_fact")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "stream_head",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_head")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stream_site",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "site", name=op.f("pk_stream_site")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stream_site_site_stream", "stream_site", ["site", "stream"], unique=False)
    op.create_table(
        "stream_summary",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("study", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_stream_summary")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stream_summary_kind_recorded_at", "stream_summary", ["kind", "recorded_at"], unique=False)
    op.create_index("ix_stream_summary_kind_act_recorded_at", "stream_summary", ["kind", "act", "recorded_at"], unique=False)
    op.create_table(
        "waiting_proposal",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("act_version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signers", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("study", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "proposal", name=op.f("pk_waiting_proposal")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leaf",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_leaf_entry_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_leaf")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_leaf_entry_id")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
