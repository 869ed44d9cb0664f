"""Snooze: what is put off, and when it comes back."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# The version before knows no snooze. What is snoozed is archived to its eyes, as of the moment at which it comes back;
# when it has taken that out of the archive and put it there again, it is archived as of another moment.
SNOOZED = "snoozed_until IS NOT NULL AND archived_at = snoozed_until AND retracted_at IS NULL"
PUT_AWAY = "archived_at IS NOT NULL AND (snoozed_until IS NULL OR snoozed_until <> archived_at)"
PLACE = ["recipient", "position"]


def _index(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"ix_notifs_receipts_{name}",
        "notifs_receipts",
        columns,
        if_not_exists=True,  # CHANGELOG.md: on a large PostgreSQL they are made before, beside who writes
        sqlite_where=condition,
        postgresql_where=condition,
    )


def upgrade() -> None:
    # The version before shows what is snoozed as archived, which it is to its eyes, and finds it by the primary key.
    op.drop_index("ix_notifs_receipts_put_away", "notifs_receipts")
    _index("archived", PLACE, f"{PUT_AWAY} AND retracted_at IS NULL")
    _index("snoozed", PLACE, SNOOZED)
    _index("due", ["snoozed_until", "recipient", "position"], SNOOZED)


def downgrade() -> None:
    for name in ("due", "snoozed", "archived"):
        op.drop_index(f"ix_notifs_receipts_{name}", "notifs_receipts")
    _index("put_away", PLACE, "archived_at IS NOT NULL AND retracted_at IS NULL")
    # Nobody brings them back any more: they stay in the archive.
    receipts = sa.table("notifs_receipts", sa.column("snoozed_until"))
    op.execute(receipts.update().where(receipts.c.snoozed_until.is_not(None)).values(snoozed_until=None))
