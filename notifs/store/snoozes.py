"""What is snoozed comes back when its time has come: once, whoever notices it, and as if it were new."""

import uuid
from collections import defaultdict
from datetime import datetime

from sqlalchemy import null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.many import among_pairs, given_pairs, pairs_given
from notifs.store.models import SNOOZED, Mailbox, Receipt, utcnow

CHUNK = 2000
"""Copies that come back in one transaction."""

Place = tuple[str, int]
"""A copy: whose, and its position."""


_NEXT = select(Receipt.snoozed_until).where(SNOOZED).order_by(Receipt.snoozed_until).limit(1)


class Snoozes:
    """The snoozes of a database.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_due(self) -> datetime | None:
        """When the next snooze ends, or has ended; None if nothing is snoozed."""

        async def work(connection: AsyncConnection) -> datetime | None:
            return (await connection.execute(_NEXT)).scalar_one_or_none()

        return await self._database.read(work)

    async def end_due(self) -> dict[str, list[uuid.UUID]]:
        """Bring back what is due, or a good part of it: unread and unseen, one change for each mailbox.

        Returns the ids that came back, by recipient. A mailbox that somebody else has locked is left for the next time.
        """
        first = await self.next_due()
        return {} if first is None or first > utcnow() else await self._database.write(_end)


async def _end(connection: AsyncConnection) -> dict[str, list[uuid.UUID]]:
    places = await _due(connection)
    if not places:
        return {}
    # While their mailboxes were locked, others may have brought them back, or put them off for longer.
    these = among_pairs(connection, (Receipt.recipient, Receipt.position), places)
    new = {name: null() for name in ("snoozed_until", "archived_at", "read_at", "seen_at")}
    statement = (
        update(Receipt)
        .where(these, SNOOZED, Receipt.snoozed_until <= utcnow(), Receipt.recipient == Mailbox.recipient)
        .values(revision=Mailbox.revision + 1, **new)
        .returning(Receipt.recipient, Receipt.notification_id)
    )
    back: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for recipient, id in (await connection.execute(statement)).all():
        back[recipient].append(id)
    await _count(connection, {recipient: len(ids) for recipient, ids in back.items()})
    return dict(back)


async def _due(connection: AsyncConnection) -> list[Place]:
    """Lock mailboxes that are free, and return what is due in them: who waits for none can block nobody."""
    joined = Receipt.recipient == Mailbox.recipient
    due = select(Receipt.recipient, Receipt.position).join_from(Receipt, Mailbox, joined)
    due = due.where(SNOOZED, Receipt.snoozed_until <= utcnow()).order_by(Receipt.snoozed_until).limit(CHUNK)
    rows = await connection.execute(due.with_for_update(of=Mailbox, skip_locked=True))
    return [(row.recipient, row.position) for row in rows]


async def _count(connection: AsyncConnection, back: dict[str, int]) -> None:
    """Give each mailbox the next revision, and count what came back."""
    if not back:
        return
    dialect = connection.dialect.name
    recipient, count = given_pairs(dialect)
    statement = (
        update(Mailbox)
        .where(Mailbox.recipient == recipient)
        .values(revision=Mailbox.revision + 1, unread=Mailbox.unread + count, unseen=Mailbox.unseen + count)
    )
    await connection.execute(statement, pairs_given(dialect, sorted(back.items())))
