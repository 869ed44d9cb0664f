"""What has to be true of every store, whatever was done to it."""

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import Store
from notifs.store.models import Mailbox, Receipt


async def revisions(store: Store) -> dict[str, int]:
    """The revision of every mailbox."""

    async def work(connection: AsyncConnection) -> dict[str, int]:
        return {row[0]: row[1] for row in await connection.execute(select(Mailbox.recipient, Mailbox.revision))}

    return await store.database.read(work)


async def problems(store: Store) -> list[str]:
    """Mailboxes with a gap in their positions, or whose counts are not those of their receipts.

    Only for stores in which nothing was deleted, and every change was a new notification.
    """
    kept = Receipt.archived_at.is_(None)
    counted = (
        select(
            Receipt.recipient,
            func.count(),
            func.max(Receipt.position),
            func.sum(case((kept & Receipt.read_at.is_(None), 1), else_=0)),
            func.sum(case((kept & Receipt.seen_at.is_(None), 1), else_=0)),
        )
        .group_by(Receipt.recipient)
        .order_by(Receipt.recipient)
    )
    told = select(Mailbox.recipient, Mailbox.revision, Mailbox.revision, Mailbox.unread, Mailbox.unseen)

    async def work(connection: AsyncConnection) -> list[str]:
        receipts = {tuple(row) for row in await connection.execute(counted)}
        mailboxes = {tuple(row) for row in await connection.execute(told)}
        return [f"{row}" for row in sorted(receipts ^ mailboxes)]

    return await store.database.read(work)
