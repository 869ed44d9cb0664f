"""The tables. A receipt is one recipient's copy of a notification; a mailbox counts a recipient's receipts.

Every change of a mailbox takes the next revision under the mailbox row's lock; `position` is the revision at which
a receipt was made, and is the feed's order. docs/design.md says why.
"""

import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, String, Text, TextClause, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which has no zones, is given and gives back plain UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def utcnow() -> datetime:
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): ids made later sort later, which keeps the indexes' tails together."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=value)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: Instant, uuid.UUID: Uuid, int: BigInteger, dict[str, Any]: JSON}


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


_OPEN = text("finished_at IS NULL")
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
ARCHIVED = text("archived_at IS NOT NULL AND retracted_at IS NULL")


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
    retracted_at: Mapped[datetime | None]
    """When it was taken back. Such a copy is archived too: it counts and shows nowhere, whatever version reads it."""

    # One partial index per filter: a page costs what it returns, however much of the mailbox the filter leaves out.
    # The narrowest come last: of indexes that serve alike, SQLite takes the one made last.
    __table_args__ = (
        Index("ix_notifs_receipts_revision", "recipient", "revision"),
        Index("ix_notifs_receipts_notification", "notification_id", "recipient", unique=True),
        _where("ix_notifs_receipts_put_away", ARCHIVED),
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


class User(Base):
    """A person with an account here. A host app with its own users leaves this table empty."""

    __tablename__ = "notifs_users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(200), unique=True, index=True)
    """What the host calls this person: the recipient id then; else it is `id`."""


class Session(Base):
    """A sign-in. Only a keyed hash of the cookie is here: who reads this table cannot sign in with it."""

    __tablename__ = "notifs_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Announcement(Base):
    """A notification for everyone. Numbers are given out in the order of commits; a mailbox takes in the next ones."""

    __tablename__ = "notifs_announcements"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_notifications.id"), unique=True)
    until: Mapped[datetime]
    """From then on it is not taken in any more."""


class Topic(Base):
    """A named set of followers."""

    __tablename__ = "notifs_topics"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    created_at: Mapped[datetime]


class Follower(Base):
    """One recipient who follows a topic."""

    __tablename__ = "notifs_followers"

    topic: Mapped[str] = mapped_column(ForeignKey("notifs_topics.name", ondelete="CASCADE"), primary_key=True)
    recipient: Mapped[str] = mapped_column(
        String(200).with_variant(String(200, collation="C"), "postgresql"), primary_key=True
    )
    """In the same order everywhere, so that a page of the index is a page of the answer."""
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_notifs_followers_recipient", "recipient", "topic"),)


class Link(Base):
    """What a recipient is called elsewhere: a login on GitHub, say, or a team there, which is several recipients."""

    __tablename__ = "notifs_links"

    system: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    recipient: Mapped[str] = mapped_column(String(200), primary_key=True)

    __table_args__ = (Index("ix_notifs_links_recipient", "recipient"),)


class ApiKey(Base):
    """A producer's key to the API. Only the hash of its secret is here; the id is its public part."""

    __tablename__ = "notifs_keys"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    producer: Mapped[str] = mapped_column(String(200), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    topics: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Job(Base):
    """Work on the copies of one notification that is done in parts: by whichever worker, from `due_at` on.

    A part and its mark are one transaction, so that after a crash nothing is done twice.
    """

    __tablename__ = "notifs_jobs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    act: Mapped[str] = mapped_column(String(10))
    """send, update or retract."""
    notification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_notifications.id"), index=True)
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    total: Mapped[int]
    """Recipients, as far as they were known when it began."""
    done: Mapped[int]

    __table_args__ = (Index("ix_notifs_jobs_due", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),)


class JobPart(Base):
    """Whom a job is still for: some recipients by name, or the followers of a topic after the recipient `after`."""

    __tablename__ = "notifs_job_parts"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recipients: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    topic: Mapped[str | None] = mapped_column(String(200))
    exclude: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[str] = mapped_column(String(200))


class Webhook(Base):
    """Somebody outside who wants to be told of events."""

    __tablename__ = "notifs_webhooks"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class Delivery(Base):
    """One event on its way to one webhook: tried from `next_at` on, until it is finished one way or the other."""

    __tablename__ = "notifs_deliveries"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("notifs_webhooks.id", ondelete="CASCADE"), index=True)
    payload: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    """What was wrong with the last attempt that failed; None where none did, or one has succeeded since."""

    __table_args__ = (
        Index("ix_notifs_deliveries_next", "webhook_id", "next_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )
