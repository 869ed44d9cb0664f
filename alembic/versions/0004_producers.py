"""The producers' side: keys, topics, announcements, jobs, webhooks; and what a notification can be taken back by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
# With defaults of the database's, where there must be a value: the version before makes rows without these columns.
NOTIFICATION = (
    ("producer", sa.String(200), ""),
    ("dedupe_key", sa.String(200), None),
    ("subject_type", sa.String(100), None),
    ("subject_id", sa.String(200), None),
    ("send_at", MOMENT, None),
    ("version", sa.BigInteger, "1"),
    ("retracted_at", MOMENT, None),
)


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    for name, type_, default in NOTIFICATION:
        column = sa.Column(name, type_, nullable=default is None, server_default=_default(default))
        op.add_column("notifs_notifications", column)
    _index(
        "ix_notifs_notifications_subject",
        "notifs_notifications",
        ["subject_type", "subject_id"],
        "subject_type IS NOT NULL",
    )
    _index(
        "ix_notifs_notifications_dedupe", "notifs_notifications", ["producer", "dedupe_key"], "dedupe_key IS NOT NULL"
    )
    op.create_index("ix_notifs_notifications_producer", "notifs_notifications", ["producer", "id"])
    op.add_column(
        "notifs_mailboxes", sa.Column("announced_through", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.add_column("notifs_receipts", sa.Column("retracted_at", MOMENT))
    op.drop_index("ix_notifs_receipts_archived", "notifs_receipts")
    _index(
        "ix_notifs_receipts_put_away",
        "notifs_receipts",
        ["recipient", "position"],
        "archived_at IS NOT NULL AND retracted_at IS NULL",
    )
    op.add_column("notifs_users", sa.Column("external_id", sa.String(200)))
    op.create_index("ix_notifs_users_external_id", "notifs_users", ["external_id"], unique=True)
    _announcements_and_topics()
    _keys_and_jobs()
    _webhooks()


def _default(value: str | None) -> sa.TextClause | None:
    return None if value is None else sa.text(value or "''")


def _announcements_and_topics() -> None:
    op.create_table(
        "notifs_announcements",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("notification_id", sa.Uuid, sa.ForeignKey("notifs_notifications.id"), nullable=False, unique=True),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "notifs_topics",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "notifs_followers",
        sa.Column("topic", sa.String(200), sa.ForeignKey("notifs_topics.name", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "recipient", sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql"), primary_key=True
        ),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_index("ix_notifs_followers_recipient", "notifs_followers", ["recipient", "topic"])
    op.create_table(
        "notifs_links",
        sa.Column("system", sa.String(50), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("recipient", sa.String(200), primary_key=True),
    )
    op.create_index("ix_notifs_links_recipient", "notifs_links", ["recipient"])


def _keys_and_jobs() -> None:
    op.create_table(
        "notifs_keys",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("producer", sa.String(200), nullable=False, index=True),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("kinds", sa.JSON),
        sa.Column("topics", sa.JSON),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
    )
    op.create_table(
        "notifs_jobs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("notification_id", sa.Uuid, sa.ForeignKey("notifs_notifications.id"), nullable=False, index=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
    )
    _index("ix_notifs_jobs_due", "notifs_jobs", ["due_at"], "finished_at IS NULL")
    op.create_table(
        "notifs_job_parts",
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("notifs_jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("recipients", sa.JSON),
        sa.Column("topic", sa.String(200)),
        sa.Column("exclude", sa.JSON),
        sa.Column("after", sa.String(200), nullable=False),
    )


def _webhooks() -> None:
    op.create_table(
        "notifs_webhooks",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT),
    )
    op.create_table(
        "notifs_deliveries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "webhook_id",
            sa.String(20),
            sa.ForeignKey("notifs_webhooks.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("error", sa.Text),
    )
    _index("ix_notifs_deliveries_next", "notifs_deliveries", ["webhook_id", "next_at"], "finished_at IS NULL")


def downgrade() -> None:
    for table in (
        "deliveries",
        "webhooks",
        "job_parts",
        "jobs",
        "keys",
        "links",
        "followers",
        "topics",
        "announcements",
    ):
        op.drop_table(f"notifs_{table}")
    op.drop_index("ix_notifs_users_external_id", "notifs_users")
    op.drop_column("notifs_users", "external_id")
    op.drop_index("ix_notifs_receipts_put_away", "notifs_receipts")
    _index("ix_notifs_receipts_archived", "notifs_receipts", ["recipient", "position"], "archived_at IS NOT NULL")
    op.drop_column("notifs_receipts", "retracted_at")
    op.drop_column("notifs_mailboxes", "announced_through")
    for name in ("subject", "dedupe", "producer"):
        op.drop_index(f"ix_notifs_notifications_{name}", "notifs_notifications")
    for name, *_ in NOTIFICATION:
        op.drop_column("notifs_notifications", name)
