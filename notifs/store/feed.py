"""Reading: a recipient's head, pages of the feed, and what changed since a revision. Nothing here writes."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.models import ARCHIVED, KEPT, UNREAD, Epoch, Mailbox, Notification, Receipt
from notifs.wire import Filter

FILTERS = {"unread": UNREAD, "all": KEPT, "archived": ARCHIVED}


@dataclass(frozen=True, slots=True)
class Head:
    """Where a mailbox stands: its revision, and the counts at that revision."""

    revision: int
    unread: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a feed: a receipt with its notification."""

    id: uuid.UUID
    kind: str
    title: str
    body: str
    url: str | None
    icon: str | None
    actor: dict[str, Any] | None
    actions: list[dict[str, Any]]
    priority: str
    group: str | None
    data: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    position: int
    revision: int
    seen_at: datetime | None = None
    read_at: datetime | None = None
    archived_at: datetime | None = None
    snoozed_until: datetime | None = None

    @classmethod
    def fresh(cls, notification: Notification, position: int) -> Self:
        """The line that a new notification is in a feed."""
        content: dict[str, Any] = {c.key: getattr(notification, c.key) for c in Notification.__table__.columns}
        return cls(position=position, revision=position, **content)


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of one filter, newest first, with the head of the same moment; `more` says that older ones remain."""

    head: Head
    entries: tuple[Entry, ...]
    more: bool


_LINE = (
    *Notification.__table__.columns,
    Receipt.position,
    Receipt.revision,
    Receipt.seen_at,
    Receipt.read_at,
    Receipt.archived_at,
    Receipt.snoozed_until,
)


def _lines(recipient: str) -> Select[Any]:
    joined = Receipt.notification_id == Notification.id
    return select(*_LINE).join_from(Receipt, Notification, joined).where(Receipt.recipient == recipient)


def _entries(rows: Iterable[Iterable[Any]]) -> tuple[Entry, ...]:
    return tuple(Entry(*row) for row in rows)


async def epoch(connection: AsyncConnection) -> str:
    """The name of this database's life."""
    return (await connection.execute(select(Epoch.value))).scalar_one()


async def head(connection: AsyncConnection, recipient: str) -> Head:
    """Where the mailbox stands; one that has never had a notification stands at 0."""
    statement = select(Mailbox.revision, Mailbox.unread, Mailbox.unseen).where(Mailbox.recipient == recipient)
    row = (await connection.execute(statement)).one_or_none()
    return Head(*row) if row else Head(0, 0, 0)


async def revisions(connection: AsyncConnection, recipients: Sequence[str]) -> dict[str, int]:
    """The revision of each mailbox that has one."""
    found: dict[str, int] = {}
    for start in range(0, len(recipients), 1000):
        chunk = recipients[start : start + 1000]
        rows = await connection.execute(select(Mailbox.recipient, Mailbox.revision).where(Mailbox.recipient.in_(chunk)))
        found.update((row[0], row[1]) for row in rows)
    return found


async def page(
    connection: AsyncConnection, recipient: str, filter: Filter, *, before: int | None = None, limit: int = 50
) -> Page:
    """The `limit` newest lines of a filter below the position `before`."""
    statement = _lines(recipient).where(FILTERS[filter]).order_by(Receipt.position.desc()).limit(limit + 1)
    if before is not None:
        statement = statement.where(Receipt.position < before)
    at = await head(connection, recipient)
    found = _entries(await connection.execute(statement))
    return Page(at, found[:limit], len(found) > limit)


async def changes(
    connection: AsyncConnection, recipient: str, since: int, *, limit: int
) -> tuple[Head, tuple[Entry, ...] | None]:
    """The head, and every line that changed after revision `since`, oldest change first.

    None instead of the lines where a gap cannot be filled: more than `limit` changes or lines, or a revision that
    the mailbox has not reached.
    """
    at = await head(connection, recipient)
    if not 0 <= at.revision - since <= limit:
        return at, None
    if at.revision == since:
        return at, ()
    found = await by_revision(connection, recipient, since, limit=limit + 1)
    return at, found if len(found) <= limit else None


async def by_revision(
    connection: AsyncConnection, recipient: str, since: int, *, limit: int | None = None
) -> tuple[Entry, ...]:
    """Lines that changed after revision `since`, oldest change first."""
    statement = _lines(recipient).where(Receipt.revision > since).order_by(Receipt.revision, Receipt.position)
    return _entries(await connection.execute(statement.limit(limit)))


async def one(connection: AsyncConnection, recipient: str, id: uuid.UUID) -> Entry | None:
    """The recipient's line of one notification, or None if it is not theirs."""
    found = _entries(await connection.execute(_lines(recipient).where(Notification.id == id)))
    return found[0] if found else None
