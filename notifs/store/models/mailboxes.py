"""The tables. A receipt is one recipient's copy of a notification; a mailbox counts a recipient's receipts.

Every change of a mailbox takes the next revision under the mailbox row's lock; `position` is the revision at which
a receipt was made, and is the feed's order. docs/design.md says why.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, TextClause, text
from sqlalchemy.orm import Mapped, mapped_column

from notifs.store.models.base import Base


class Epoch(Base):
    """One row: the name of this database's life. It is new after a restore, and then no old cursor is believed."""

    __tablename__ = "notifs_epoch"

    value: Mapped[str] = mapped_column(String(32), primary_key=True)


class Mailbox(Base):
    """One row per recipient: the change counter and the counts, changed in the transaction that changes receipts."""

    __tablename__ = "notifs_mailboxes"

    recipient: Mapped[str] = mapped_column(String(200), primary_key=True)
    revision: Mapped[int]
    unread: Mapped[int]
    unseen: Mapped[int]
    pruned_through: Mapped[int] = mapped_column(server_default=text("0"))
    """Changes up to this revision cannot all be told any more: copies that had them are deleted."""
    announced_through: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the last announcement that was taken in."""


_NAMED = text("subject_type IS NOT NULL")
_KEYED = text("dedupe_key IS NOT NULL")


class Notification(Base):
    """The content: one row however many receive it."""

    __tablename__ = "notifs_notifications"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    icon: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    actions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    priority: Mapped[str] = mapped_column(String(6))
    group: Mapped[str | None] = mapped_column(String(200))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    producer: Mapped[str] = mapped_column(String(200), server_default=text("''"))
    """Who sent it, by the name of the API key; "" for the application itself."""
    dedupe_key: Mapped[str | None] = mapped_column(String(200))
    subject_type: Mapped[str | None] = mapped_column(String(100))
    subject_id: Mapped[str | None] = mapped_column(String(200))
    send_at: Mapped[datetime | None]
    """When it goes, or went, to its recipients; None: when it was created."""
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts the changes of its content."""
    retracted_at: Mapped[datetime | None]
    """When it was taken back or had expired; its content is gone since."""

    __table_args__ = (
        Index(
            "ix_notifs_notifications_subject",
            "subject_type",
            "subject_id",
            sqlite_where=_NAMED,
            postgresql_where=_NAMED,
        ),
        Index("ix_notifs_notifications_dedupe", "producer", "dedupe_key", sqlite_where=_KEYED, postgresql_where=_KEYED),
        Index("ix_notifs_notifications_producer", "producer", "id"),
    )


CONTENT = tuple(Notification.__table__.c)[:13]
"""The columns of a notification that its recipients get to see."""

UNREAD = text("read_at IS NULL AND archived_at IS NULL")
UNSEEN = text("seen_at IS NULL AND archived_at IS NULL")
KEPT = text("archived_at IS NULL")
PUT_AWAY = "archived_at IS NOT NULL AND (snoozed_until IS NULL OR snoozed_until <> archived_at)"
ARCHIVED = text(f"{PUT_AWAY} AND retracted_at IS NULL")
PUT_OFF = "snoozed_until IS NOT NULL AND archived_at = snoozed_until"
SNOOZED = text(f"{PUT_OFF} AND retracted_at IS NULL")


def _where(name: str, condition: TextClause) -> Index:
    return Index(name, "recipient", "position", sqlite_where=condition, postgresql_where=condition)


class Receipt(Base):
    """One recipient's copy. `revision` is the mailbox's revision at this copy's last change."""

    __tablename__ = "notifs_receipts"

    recipient: Mapped[str] = mapped_column(String(200), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]
    notification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_notifications.id"))
    seen_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    """When it comes back. Until then it is archived too, as of that moment: it counts nowhere, and is kept, whatever
    version reads it. Above the store it is snoozed and not archived (`many.line`). What a version that knows no snooze
    has taken out of its archive has a moment still, but is not archived as of it."""
    retracted_at: Mapped[datetime | None]
    """When it was taken back. Such a copy is archived too: it counts nowhere, whatever version reads it."""

    # One partial index per filter: a page costs what it returns, however much of the mailbox the filter leaves out.
    # The narrowest come last: of indexes that serve alike, SQLite takes the one made last.
    __table_args__ = (
        Index("ix_notifs_receipts_revision", "recipient", "revision"),
        Index("ix_notifs_receipts_notification", "notification_id", "recipient", unique=True),
        _where("ix_notifs_receipts_archived", ARCHIVED),
        _where("ix_notifs_receipts_snoozed", SNOOZED),
        Index(
            "ix_notifs_receipts_due",
            "snoozed_until",
            "recipient",
            "position",
            sqlite_where=SNOOZED,
            postgresql_where=SNOOZED,
        ),
        _where("ix_notifs_receipts_kept", KEPT),
        _where("ix_notifs_receipts_unseen", UNSEEN),
        _where("ix_notifs_receipts_unread", UNREAD),
    )


class Idempotency(Base):
    """What was answered to a producer's request under its key; the fingerprint tells that request from another."""

    __tablename__ = "notifs_idempotency"

    producer: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
