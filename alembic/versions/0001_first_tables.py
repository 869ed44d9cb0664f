"""First tables: epoch, mailboxes, notifications, receipts, users, sessions."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
FILTERS = {
    "archived": "archived_at IS NOT NULL",
    "kept": "archived_at IS NULL",
    "unseen": "seen_at IS NULL AND archived_at IS NULL",
    "unread": "read_at IS NULL AND archived_at IS NULL",
}


def upgrade() -> None:
    epoch = op.create_table("notifs_epoch", sa.Column("value", sa.String(32), primary_key=True))
    op.bulk_insert(epoch, [{"value": secrets.token_hex(8)}])
    op.create_table(
        "notifs_mailboxes",
        sa.Column("recipient", sa.String(200), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("unread", sa.BigInteger, nullable=False),
        sa.Column("unseen", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notifs_notifications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("icon", sa.Text),
        sa.Column("actor", sa.JSON),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("priority", sa.String(6), nullable=False),
        sa.Column("group", sa.String(200)),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
    )
    op.create_table(
        "notifs_receipts",
        sa.Column("recipient", sa.String(200), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("notification_id", sa.Uuid, sa.ForeignKey("notifs_notifications.id"), nullable=False),
        sa.Column("seen_at", INSTANT),
        sa.Column("read_at", INSTANT),
        sa.Column("archived_at", INSTANT),
        sa.Column("snoozed_until", INSTANT),
    )
    op.create_index("ix_notifs_receipts_revision", "notifs_receipts", ["recipient", "revision"])
    op.create_index("ix_notifs_receipts_notification", "notifs_receipts", ["notification_id", "recipient"], unique=True)
    for name, condition in FILTERS.items():
        where = sa.text(condition)
        op.create_index(
            f"ix_notifs_receipts_{name}",
            "notifs_receipts",
            ["recipient", "position"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "notifs_users",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT),
    )
    op.create_table(
        "notifs_sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("notifs_users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("sessions", "users", "receipts", "notifications", "mailboxes", "epoch"):
        op.drop_table(f"notifs_{table}")
