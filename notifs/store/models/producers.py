"""The producers' tables: keys, topics, announcements, jobs, webhooks."""

import uuid
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from notifs.store.models.base import UNFINISHED, Base


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

    __table_args__ = (Index("ix_notifs_jobs_due", "due_at", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),)


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
        Index(
            "ix_notifs_deliveries_next", "webhook_id", "next_at", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
        ),
    )
