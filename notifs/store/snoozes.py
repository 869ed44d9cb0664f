"""What is snoozed comes back when its time has come: once, whoever notices it, and as if it were new."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import collate, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.many import among, among_pairs, given_pairs, pairs_given
from notifs.store.models import SNOOZED, Mailbox, Receipt, utcnow

CHUNK = 2000
"""Copies that come back in one transaction."""

Place = tuple[str, int]
"""A copy: whose, and its position."""


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
            statement = select(Receipt.snoozed_until).where(SNOOZED).order_by(Receipt.snoozed_until).limit(1)
            return (await connection.execute(statement)).scalar_one_or_none()

        return await self._database.read(work)

    async def end_due(self) -> dict[str, list[uuid.UUID]]:
        """Bring back what is due, or a good part of it: unread and unseen, one change for each mailbox.

        Returns the ids that came back, by recipient. A mailbox that somebody else has locked is left for the next time.
        """
        due = await self._database.read(_due)
        return await self._database.write(lambda c: _end(c, due)) if due else {}


async def _due(connection: AsyncConnection) -> list[Place]:
    statement = select(Receipt.recipient, Receipt.position).where(SNOOZED, Receipt.snoozed_until <= utcnow())
    rows = await connection.execute(statement.order_by(Receipt.snoozed_until).limit(CHUNK))
    return [(row.recipient, row.position) for row in rows]


async def _end(connection: AsyncConnection, due: Sequence[Place]) -> dict[str, list[uuid.UUID]]:
    free = await _lock(connection, sorted({recipient for recipient, _ in due}))
    places = [place for place in due if place[0] in free]
    if not places:
        return {}
    # Since they were looked at, others may have brought them back, or put them off for longer.
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


async def _lock(connection: AsyncConnection, recipients: Sequence[str]) -> set[str]:
    """Lock those of the mailboxes that are free, in the order in which everybody does."""
    statement = select(Mailbox.recipient).where(among(connection, Mailbox.recipient, recipients))
    if connection.dialect.name != "sqlite":
        statement = statement.order_by(collate(Mailbox.recipient, "C")).with_for_update(skip_locked=True)
    return set((await connection.execute(statement)).scalars())


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
