"""Changing what was sent: its content, or taking it back. Every copy follows, and every screen that shows one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import announcements, copies, jobs
from notifs.store.drafts import DIRECT
from notifs.store.models import Notification

Subject = tuple[str, str]
"""What a notification is about: a type and an id, of the producer's choice."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What was changed: how many notifications, and whose mailboxes so far; jobs do the rest."""

    notifications: Sequence[uuid.UUID] = ()
    recipients: Sequence[str] = ()
    jobs: int = 0


async def update_content(
    connection: AsyncConnection, id: uuid.UUID, version: int, columns: dict[str, Any]
) -> Revised | None:
    """Give a notification these columns. None if its content is not of that version any more."""
    statement = (
        update(Notification)
        .where(Notification.id == id, Notification.version == version, Notification.retracted_at.is_(None))
        .values(**columns, version=version + 1)
        .returning(Notification.expires_at)
    )
    if (await connection.execute(statement)).first() is None:
        return None
    if "expires_at" in columns:
        await jobs.expire(connection, id, columns["expires_at"])
        await announcements.expire(connection, id, columns["expires_at"])
    holders = await copies.holders(connection, id, limit=DIRECT + 1)
    if len(holders) > DIRECT:
        await jobs.over_copies(connection, "update", id)
        return Revised([id], jobs=1)
    await copies.touch(connection, id, holders)
    return Revised([id], holders)


async def retract(connection: AsyncConnection, ids: Sequence[uuid.UUID]) -> Revised:
    """Take back notifications, and what is still to be sent of them. Unknown ones are ignored."""
    await jobs.end(connection, ids)
    found = update(Notification).where(Notification.id.in_(ids), Notification.retracted_at.is_(None))
    statement = found.values(**copies.blank()).returning(Notification.id)
    gone = sorted((await connection.execute(statement)).scalars())
    at_once: dict[uuid.UUID, list[str]] = {}
    left = DIRECT
    for id in gone:
        holders = await copies.holders(connection, id, limit=left + 1)
        if len(holders) > left:
            await jobs.over_copies(connection, "retract", id)
            continue
        at_once[id] = holders
        left -= len(holders)
    recipients = sorted({recipient for holders in at_once.values() for recipient in holders})
    await copies.lock(connection, recipients)  # of all of them, before any is changed: see there
    for id, holders in at_once.items():
        await copies.retract(connection, id, holders)
    return Revised(gone, recipients, len(gone) - len(at_once))


async def about(connection: AsyncConnection, subject: Subject, producer: str | None) -> list[uuid.UUID]:
    """The notifications about a subject that a producer has sent, or that anybody has."""
    statement = select(Notification.id).where(
        Notification.subject_type == subject[0],
        Notification.subject_id == subject[1],
        Notification.retracted_at.is_(None),
    )
    if producer is not None:
        statement = statement.where(Notification.producer == producer)
    return list((await connection.execute(statement.order_by(Notification.id))).scalars())
