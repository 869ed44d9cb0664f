"""What was sent, as its producer sees it: the content, and what has become of the copies."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.many import archived_at
from notifs.store.models import CONTENT, Announcement, Job, Notification, Receipt

_ARCHIVED = archived_at()
_OWN = ("producer", "dedupe_key", "subject_type", "subject_id", "send_at", "version")


@dataclass(frozen=True, slots=True)
class Counts:
    """Copies: how many there are, and how many were seen, read and archived. What is snoozed is not archived."""

    recipients: int = 0
    seen: int = 0
    read: int = 0
    archived: int = 0


@dataclass(frozen=True, slots=True)
class SentOne:
    """A notification that was sent, or is to be. `columns` are those of its content."""

    id: uuid.UUID
    columns: dict[str, Any]
    producer: str
    dedupe_key: str | None
    subject_type: str | None
    subject_id: str | None
    send_at: datetime | None
    version: int
    announced: bool
    job: str | None
    """The job that sends it and has not finished."""
    counts: Counts | None = None
    """None in a list."""


@dataclass(frozen=True, slots=True)
class ReceiptOf:
    """One recipient's copy, as the producer sees it."""

    recipient: str
    seen_at: datetime | None
    read_at: datetime | None
    archived_at: datetime | None


class SentBox:
    """What was sent from this database. What was taken back is not there any more.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, id: uuid.UUID) -> SentOne | None:
        """One notification with its counts; costs as much as it has copies."""

        async def work(connection: AsyncConnection) -> SentOne | None:
            row = (await connection.execute(_known().where(Notification.id == id))).one_or_none()
            return _one(row, await _counts(connection, id)) if row is not None else None

        return await self._database.read(work)

    async def bare(self, id: uuid.UUID, connection: AsyncConnection | None = None) -> SentOne | None:
        """The same without counts; in the caller's transaction if there is a `connection`."""

        async def work(connection: AsyncConnection) -> SentOne | None:
            row = (await connection.execute(_known().where(Notification.id == id))).one_or_none()
            return _one(row) if row is not None else None

        return await (work(connection) if connection else self._database.read(work))

    async def page(
        self, producer: str | None, kind: str | None = None, *, before: uuid.UUID | None = None, limit: int = 50
    ) -> list[SentOne]:
        """The newest of a producer's, or of all, below the id `before`."""
        statement = _known().order_by(Notification.id.desc()).limit(limit)
        if producer is not None:
            statement = statement.where(Notification.producer == producer)
        if kind is not None:
            statement = statement.where(Notification.kind == kind)
        if before is not None:
            statement = statement.where(Notification.id < before)

        async def work(connection: AsyncConnection) -> list[SentOne]:
            return [_one(row) for row in await connection.execute(statement)]

        return await self._database.read(work)

    async def receipts(self, id: uuid.UUID, *, after: str = "", limit: int = 50) -> list[ReceiptOf]:
        """Copies of one notification, by recipient in the database's order, after the recipient `after`."""
        statement = (
            select(Receipt.recipient, Receipt.seen_at, Receipt.read_at, _ARCHIVED)
            .where(Receipt.notification_id == id, Receipt.retracted_at.is_(None), Receipt.recipient > after)
            .order_by(Receipt.recipient)
            .limit(limit)
        )

        async def work(connection: AsyncConnection) -> list[ReceiptOf]:
            return [ReceiptOf(*row) for row in await connection.execute(statement)]

        return await self._database.read(work)


def _known() -> Any:
    announced = exists().where(Announcement.notification_id == Notification.id)
    job = (
        select(Job.id)
        .where(Job.notification_id == Notification.id, Job.act == "send", Job.finished_at.is_(None))
        .limit(1)
        .scalar_subquery()
    )
    own = (getattr(Notification, name) for name in _OWN)
    statement = select(*CONTENT, *own, announced.label("announced"), job.label("job"))
    return statement.where(Notification.retracted_at.is_(None))


def _one(row: Any, counts: Counts | None = None) -> SentOne:
    columns = {column.key: value for column, value in zip(CONTENT, row, strict=False)}
    own = {name: getattr(row, name) for name in _OWN}
    return SentOne(
        row.id, columns, **own, announced=bool(row.announced), job=str(row.job) if row.job else None, counts=counts
    )


async def _counts(connection: AsyncConnection, id: uuid.UUID) -> Counts:
    marks: Sequence[Any] = (Receipt.seen_at, Receipt.read_at, _ARCHIVED)
    statement = select(func.count(), *(func.count(mark) for mark in marks))
    where = (Receipt.notification_id == id, Receipt.retracted_at.is_(None))
    row: Any = (await connection.execute(statement.where(*where))).one()
    return Counts(*row)
