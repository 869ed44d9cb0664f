"""Retention: what nobody needs any more is deleted, in small steps, while everything else goes on.

The last change of a deleted copy can no longer be told. `Mailbox.pruned_through` is the highest revision that this
holds for: who has a cursor below it gets a snapshot, who has a later one knew the copy as it was when it went. A copy
that still counted, because it had expired before it was read, takes a revision with it, which nobody has reached yet.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    collate,
    delete,
    exists,
    false,
    func,
    inspect,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import idempotency, webhooks
from notifs.store.database import Database
from notifs.store.many import among, among_pairs
from notifs.store.models import (
    Announcement,
    Audit,
    Count,
    Delivery,
    Idempotency,
    Job,
    Mailbox,
    Notification,
    Receipt,
    Session,
    Spent,
    utcnow,
)

WINDOW = 5000
"""Copies that one query looks at."""
CHUNK = 500
"""Rows that one transaction deletes."""
JOBS_KEPT = timedelta(days=7)
"""For how long can be read of a job that it has finished."""

_MAILBOXES: Any = Mailbox.__table__


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows are gone, or would be."""

    copies: int = 0
    unread: int = 0
    """Those of the copies that had expired before they were read."""
    notifications: int = 0
    keys: int = 0
    """Idempotency keys that are free again."""
    sessions: int = 0
    """Sign-ins that had ended by themselves."""
    jobs: int = 0
    """Those that had finished."""
    announcements: int = 0
    """Those that are over, and that nobody has."""
    deliveries: int = 0
    """Those to webhooks that were finished."""
    audit: int = 0
    """Lines of the audit log."""
    limits: int = 0
    """Counts of tries, and what worked once, that nobody needs to remember any more."""

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


async def prune(database: Database, days: int, *, audit_days: int | None = None, dry_run: bool = False) -> Pruned:
    """Delete copies that were read or archived longer ago than `days`, or have expired, and what has ended by itself.

    A copy that is none of these stays, however old it is. A notification goes with its last copy, unless more may come.
    Lines of the audit log go after `audit_days`; None keeps them.
    With `dry_run` nothing is deleted, and it is not told how many notifications would be.
    """
    now = utcnow()
    due = partial(_is_due, now=now, before=now - timedelta(days=days))
    pruned = Pruned()
    async for window in _windows(database):
        found = [copy for copy in window if due(copy)]
        if dry_run:
            pruned += Pruned(copies=len(found), unread=sum(map(_is_unread, found)))
            continue
        for start in range(0, len(found), CHUNK):
            gone = await database.write(partial(_delete, copies=found[start : start + CHUNK], due=due))
            pruned += Pruned(copies=len(gone), unread=sum(map(_is_unread, gone)))
            # In a transaction of its own: of two that each delete a copy, the later one sees that there is none left.
            ids = {copy.notification_id for copy in gone}
            pruned += Pruned(notifications=await database.write(partial(_forget, ids=ids)))
    ended = Pruned(
        keys=await _end(database, Idempotency, Idempotency.created_at <= now - idempotency.KEPT, dry_run),
        sessions=await _end(database, Session, Session.expires_at <= now, dry_run),
        jobs=await _end(database, Job, Job.finished_at <= now - JOBS_KEPT, dry_run),
        announcements=await _end(database, Announcement, _is_over(now), dry_run),
        deliveries=await _end(database, Delivery, Delivery.finished_at <= now - webhooks.KEPT, dry_run),
        audit=await _end(database, Audit, _is_before(now, audit_days), dry_run),
        limits=await _end(database, Count, Count.expires_at <= now, dry_run)
        + await _end(database, Spent, Spent.expires_at <= now, dry_run),
    )
    lost = 0 if dry_run else await _forget_lost(database, now - timedelta(days=days))
    return pruned + ended + Pruned(notifications=lost)


def _is_before(now: datetime, days: int | None) -> ColumnElement[bool]:
    """Whether a line of the audit log is older than so many days; None of them is for None."""
    return Audit.id < _first_id(now - timedelta(days=days)) if days is not None else false()


def _first_id(moment: datetime) -> uuid.UUID:
    """The lowest id that `new_id` can make at this moment, or before it."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _is_over(now: datetime) -> ColumnElement[bool]:
    """Whether nobody will take in an announcement and nobody has it. The last one stays: the next goes on counting."""
    last = select(func.max(Announcement.number)).scalar_subquery()
    held = exists().where(Receipt.notification_id == Announcement.notification_id)
    return and_(Announcement.until <= now, Announcement.number < last, ~held)


def _is_due(copy: Any, *, now: datetime, before: datetime) -> bool:
    """Whether it has expired, or its latest mark is that old; that of what is snoozed is still to come."""
    marks = [mark for mark in (copy.read_at, copy.archived_at) if mark is not None]
    return (copy.expires_at is not None and copy.expires_at <= now) or (bool(marks) and max(marks) < before)


def _is_unread(copy: Any) -> bool:
    return copy.read_at is None and copy.archived_at is None


def _is_unseen(copy: Any) -> bool:
    return copy.seen_at is None and copy.archived_at is None


async def _windows(database: Database) -> AsyncIterator[Sequence[Any]]:
    """All copies, WINDOW by WINDOW: no query takes long, however few are due."""
    place = tuple_(Receipt.recipient, Receipt.position)
    window = select(Receipt.__table__).order_by(*place.clauses).limit(WINDOW)
    copies = await database.read(partial(_copies, chosen=window))
    while copies:
        yield copies
        further = place > tuple_(copies[-1].recipient, copies[-1].position)
        copies = await database.read(partial(_copies, chosen=window.where(further)))


async def _copies(connection: AsyncConnection, *, chosen: Select[Any]) -> Sequence[Any]:
    """The chosen receipts, with the moment at which their notification expires."""
    copy = chosen.subquery()
    statement = select(copy, Notification.expires_at).join_from(
        copy, Notification, copy.c.notification_id == Notification.id
    )
    rows: Sequence[Any] = (await connection.execute(statement.order_by(copy.c.recipient, copy.c.position))).all()
    return rows


async def _delete(connection: AsyncConnection, *, copies: Sequence[Any], due: Callable[[Any], bool]) -> Sequence[Any]:
    """Delete these copies, and say in their mailboxes that they are gone. Returns those that were still due."""
    mailboxes = await _lock(connection, {copy.recipient for copy in copies})
    # Since they were looked at, somebody may have marked them as unread.
    these = select(Receipt.__table__).where(_among(connection, copies))
    gone = [copy for copy in await _copies(connection, chosen=these) if due(copy)]
    if gone:
        await connection.execute(delete(Receipt).where(_among(connection, gone)))
        await _recount(connection, mailboxes, gone)
    return gone


async def _forget(connection: AsyncConnection, *, ids: Collection[uuid.UUID]) -> int:
    """Delete those of these notifications that nobody has a copy of, and nobody will have. Returns how many."""
    # Those that somebody is about to have are left to the next time; the others nobody can get meanwhile.
    free = select(Notification.id).where(Notification.id.in_(ids)).with_for_update(skip_locked=True)
    alone = await _alone(connection, ids=await _ids(connection, statement=free))
    # What other jobs than those that send would change in copies, they have nothing to do.
    await connection.execute(delete(Job).where(Job.notification_id.in_(alone)))
    result: Any = await connection.execute(delete(Notification).where(Notification.id.in_(alone)))
    return int(result.rowcount)


async def _alone(connection: AsyncConnection, *, ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    statement = select(Notification.id).where(
        Notification.id.in_(ids),
        ~exists().where(Receipt.notification_id == Notification.id),
        ~exists().where(Announcement.notification_id == Notification.id),
        ~exists().where(Job.notification_id == Notification.id, Job.act == "send"),
    )
    return await _ids(connection, statement=statement)


async def _forget_lost(database: Database, before: datetime) -> int:
    """Delete notifications of before a moment that never had a copy, or whose jobs and announcements are gone now."""
    end = _first_id(before)
    total, after = 0, uuid.UUID(int=0)
    while True:
        window = select(Notification.id).where(Notification.id > after, Notification.id < end)
        ids = await database.read(partial(_ids, statement=window.order_by(Notification.id).limit(WINDOW)))
        if not ids:
            return total
        lost = await database.read(partial(_alone, ids=ids))
        for start in range(0, len(lost), CHUNK):
            total += await database.write(partial(_forget, ids=lost[start : start + CHUNK]))
        after = ids[-1]


async def _ids(connection: AsyncConnection, *, statement: Select[Any]) -> Sequence[uuid.UUID]:
    found: Sequence[uuid.UUID] = (await connection.execute(statement)).scalars().all()
    return found


def _among(connection: AsyncConnection, copies: Sequence[Any]) -> ColumnElement[bool]:
    return among_pairs(
        connection, (Receipt.recipient, Receipt.position), [(copy.recipient, copy.position) for copy in copies]
    )


async def _lock(connection: AsyncConnection, recipients: Iterable[str]) -> dict[str, Any]:
    statement = select(_MAILBOXES).where(among(connection, Mailbox.recipient, list(recipients)))
    if connection.dialect.name != "sqlite":
        # In the order in which `mailbox.create` takes them, which is not that of every language.
        statement = statement.order_by(collate(Mailbox.recipient, "C")).with_for_update()
    return {row.recipient: row for row in await connection.execute(statement)}


async def _recount(connection: AsyncConnection, mailboxes: dict[str, Any], gone: Sequence[Any]) -> None:
    """Write into the mailboxes that these copies are gone."""
    recipient, values = attrgetter("recipient"), []
    for name, rows in groupby(sorted(gone, key=recipient), key=recipient):
        lost, mailbox = list(rows), mailboxes[name]
        unread, unseen = sum(map(_is_unread, lost)), sum(map(_is_unseen, lost))
        revision = mailbox.revision + (1 if unread or unseen else 0)
        untold = revision if unread or unseen else max(row.revision for row in lost)
        values.append(
            {
                "name": name,
                "to_revision": revision,
                "to_unread": mailbox.unread - unread,
                "to_unseen": mailbox.unseen - unseen,
                "to_pruned_through": max(mailbox.pruned_through, untold),
            }
        )
    if values:
        columns = ("revision", "unread", "unseen", "pruned_through")
        statement = update(_MAILBOXES).where(Mailbox.recipient == bindparam("name"))
        await connection.execute(statement.values({name: bindparam(f"to_{name}") for name in columns}), values)


async def _end(database: Database, table: Any, ended: ColumnElement[bool], dry_run: bool) -> int:
    """Delete rows that have ended. Returns how many there were."""
    if dry_run:
        return await database.read(partial(_count, statement=select(func.count()).select_from(table).where(ended)))
    key = tuple_(*inspect(table).primary_key)
    statement = delete(table).where(key.in_(select(*key.clauses).where(ended).limit(CHUNK)))

    async def work(connection: AsyncConnection) -> int:
        result: Any = await connection.execute(statement)
        return int(result.rowcount)

    total, count = 0, CHUNK
    while count == CHUNK:
        count = await database.write(work)
        total += count
    return total


async def _count(connection: AsyncConnection, *, statement: Select[Any]) -> int:
    return int((await connection.execute(statement)).scalar_one())
