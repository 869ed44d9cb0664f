"""Retention: what nobody needs any more is deleted, in small steps, while everything else goes on.

The last change of a deleted copy can no longer be told. `Mailbox.pruned_through` is the highest revision that this
holds for: who has a cursor below it gets a snapshot, who has a later one knew the copy as it was when it went. A copy
that still counted, because it had expired before it was read, takes a revision with it, which nobody has reached yet.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import timedelta
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
    func,
    inspect,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import idempotency
from notifs.store.database import Database
from notifs.store.many import among
from notifs.store.models import Epoch, Idempotency, Mailbox, Notification, Receipt, Session, utcnow

WINDOW = 5000
"""Copies that one query looks at."""
CHUNK = 500
"""Rows that one transaction deletes."""

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

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


async def prune(database: Database, days: int, *, dry_run: bool = False) -> Pruned:
    """Delete copies that were read or archived longer ago than `days`, or have expired, and what has ended by itself.

    A copy that is none of these stays, however old it is. A notification goes with its last copy. With `dry_run`
    nothing is deleted, and it is not told how many notifications would be.
    """
    due, now = _due(days), utcnow()
    pruned = Pruned()
    async for found in _windows(database, due):
        if dry_run:
            pruned += Pruned(copies=len(found), unread=sum(map(_is_unread, found)))
            continue
        for start in range(0, len(found), CHUNK):
            copies = [(copy.recipient, copy.position) for copy in found[start : start + CHUNK]]
            pruned += await database.write(partial(_delete, due=due, copies=copies))
    keys = await _end(database, Idempotency, Idempotency.created_at <= now - idempotency.KEPT, dry_run)
    sessions = await _end(database, Session, Session.expires_at <= now, dry_run)
    return pruned + Pruned(keys=keys, sessions=sessions)


def _due(days: int) -> ColumnElement[bool]:
    """Copies whose latest mark is that old, and those that have expired."""
    now = utcnow()
    marks = Receipt.read_at, Receipt.archived_at
    marked = or_(*(mark.is_not(None) for mark in marks))
    long_ago = and_(*(or_(mark.is_(None), mark < now - timedelta(days=days)) for mark in marks))
    expired = exists().where(Notification.id == Receipt.notification_id, Notification.expires_at <= now)
    return or_(and_(marked, long_ago), expired)


async def _windows(database: Database, due: ColumnElement[bool]) -> AsyncIterator[list[Any]]:
    """Copies that are due, WINDOW by WINDOW of all that there are: no query takes long, however few it finds."""
    place = tuple_(Receipt.recipient, Receipt.position)
    window = select(*place.clauses, Receipt.read_at, Receipt.archived_at, due.label("due"))
    window = window.order_by(*place.clauses).limit(WINDOW)
    rows = await database.read(partial(_all, statement=window))
    while rows:
        yield [row for row in rows if row.due]
        further = place > tuple_(rows[-1].recipient, rows[-1].position)
        rows = await database.read(partial(_all, statement=window.where(further)))


async def _delete(
    connection: AsyncConnection, *, due: ColumnElement[bool], copies: Sequence[tuple[str, int]]
) -> Pruned:
    # One at a time: of two that each delete a copy of a notification, neither would see that it is the last.
    await connection.execute(select(Epoch.value).with_for_update())
    mailboxes = await _lock(connection, {recipient for recipient, _ in copies})
    # Due still? Since they were looked at, somebody may have marked them as unread.
    these = tuple_(Receipt.recipient, Receipt.position).in_(copies)
    gone = [*await connection.execute(delete(Receipt).where(these, due).returning(*_GONE))]
    await _recount(connection, mailboxes, gone)
    last = delete(Notification).where(
        Notification.id.in_({row.notification_id for row in gone}),
        ~exists().where(Receipt.notification_id == Notification.id),
    )
    notifications = (await connection.execute(last)).rowcount
    return Pruned(copies=len(gone), unread=sum(map(_is_unread, gone)), notifications=notifications)


# Columns only: SQLite 3.40 answers `IS NULL` wrongly in the RETURNING of a DELETE.
_GONE = (
    Receipt.recipient,
    Receipt.revision,
    Receipt.notification_id,
    Receipt.seen_at,
    Receipt.read_at,
    Receipt.archived_at,
)


def _is_unread(copy: Any) -> bool:
    return copy.read_at is None and copy.archived_at is None


def _is_unseen(copy: Any) -> bool:
    return copy.seen_at is None and copy.archived_at is None


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
        ((count,),) = await database.read(partial(_all, statement=select(func.count()).select_from(table).where(ended)))
        return int(count)
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


async def _all(connection: AsyncConnection, *, statement: Select[Any]) -> Sequence[Any]:
    rows: Sequence[Any] = (await connection.execute(statement)).all()
    return rows
