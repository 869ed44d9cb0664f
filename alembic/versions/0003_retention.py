"""Retention: each mailbox knows up to which revision its changes can no longer be told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # With a default of the database's: the version before, which may still run, makes mailboxes without this column.
    op.add_column(
        "notifs_mailboxes", sa.Column("pruned_through", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    op.drop_column("notifs_mailboxes", "pruned_through")
