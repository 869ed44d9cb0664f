"""Sign-in: providers, sessions that can be told apart, counts of tries, what works once, the audit log."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)
SESSION = {
    "id": sa.Uuid,
    "seen_at": INSTANT,
    "address": sa.String(45),
    "agent": sa.String(200),
    "issuer": sa.String(255),
    "provider_session": sa.String(255),
    "id_token": sa.Text,
}


def upgrade() -> None:
    # With defaults of the database's, or empty: the version before may still run, and makes rows without these.
    op.add_column("notifs_users", sa.Column("admin", sa.Boolean, nullable=False, server_default=sa.false()))
    for name, type_ in SESSION.items():
        op.add_column("notifs_sessions", sa.Column(name, type_))
    # Nobody knows when these were last used. Without a moment it would be that of the sign-in, and those that are used
    # every day would end with the upgrade as if they were idle.
    sessions = sa.table("notifs_sessions", sa.column("seen_at", INSTANT))
    op.execute(sessions.update().values(seen_at=datetime.now(UTC)))
    by_provider = sa.text("issuer IS NOT NULL")
    op.create_index("ix_notifs_sessions_id", "notifs_sessions", ["id"], unique=True)
    op.create_index(
        "ix_notifs_sessions_provider",
        "notifs_sessions",
        ["issuer", "provider_session"],
        sqlite_where=by_provider,
        postgresql_where=by_provider,
    )
    op.create_table(
        "notifs_identities",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("notifs_users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("provider", sa.String(50), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
    )
    op.create_table(
        "notifs_spent",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("expires_at", INSTANT, nullable=False, index=True),
    )
    op.create_table(
        "notifs_counts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("window", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False, index=True),
    )
    op.create_table(
        "notifs_audit",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("event", sa.String(50), nullable=False),
        sa.Column("recipient", sa.String(200)),
        sa.Column("actor", sa.String(200)),
        sa.Column("address", sa.String(45)),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_notifs_audit_recipient", "notifs_audit", ["recipient", "id"])


def downgrade() -> None:
    for table in ("audit", "counts", "spent", "identities"):
        op.drop_table(f"notifs_{table}")
    op.drop_index("ix_notifs_sessions_provider")
    op.drop_index("ix_notifs_sessions_id")
    for name in SESSION:
        op.drop_column("notifs_sessions", name)
    op.drop_column("notifs_users", "admin")
