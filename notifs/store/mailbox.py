"""Changes of mailboxes: every one takes the next revision under the mailbox row's lock (docs/design.md)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.feed import Entry, Head, by_revision
from notifs.store.many import archived_at
from notifs.store.models import Mailbox, Receipt, utcnow

Act = Literal["read", "unread", "seen", "archive", "unarchive", "snooze", "unsnooze"]


class Change(NamedTuple):
    """One step of one mailbox, from `prev` to `head.revision`, and how many copies it changed.

    `entries` are those copies; None where there are more of them than were asked for.
    """

    recipient: str
    prev: int
    head: Head
    created: bool
    entries: tuple[Entry, ...] | None
    copies: int


async def change(
    connection: AsyncConnection,
    recipient: str,
    act: Act,
    *,
    ids: Sequence[uuid.UUID] | None = None,
    up_to: int | None = None,
    at: int | None = None,
    until: datetime | None = None,
    limit: int,
) -> tuple[Head, Change | None]:
    """Do `act` to the recipient's copies named by `ids`, to all up to the position `up_to`, or to those last changed
    at the revision `at`. What is snoozed is so `until` a moment.

    Ids that are not the recipient's are ignored, and copies that were taken back. Returns where the mailbox then
    stands, and the change, or None if there was nothing to change.

    Raises:
        ValueError: something is to be snoozed, and it is not said until when.
    """
    if act == "snooze" and until is None:
        raise ValueError("snooze: until when?")
    head = await _lock(connection, recipient)
    target, after_unread, after_unseen = _plan(act, until)
    where = [Receipt.recipient == recipient, target, Receipt.retracted_at.is_(None)]
    if ids is not None:
        where.append(Receipt.notification_id.in_(ids))
    if up_to is not None:
        where += [Receipt.position <= up_to, Receipt.archived_at.is_(None)]
    if at is not None:
        where.append(Receipt.revision == at)
    count, unread, unseen = await _effect(connection, where, after_unread, after_unseen)
    if not count:
        return head, None
    after = Head(head.revision + 1, head.unread + unread, head.unseen + unseen)
    await connection.execute(
        update(Receipt).where(*where).values(revision=after.revision, **_values(act, utcnow(), until))
    )
    await connection.execute(
        update(Mailbox)
        .where(Mailbox.recipient == recipient)
        .values(revision=after.revision, unread=after.unread, unseen=after.unseen)
    )
    entries = await by_revision(connection, recipient, head.revision) if count <= limit else None
    return after, Change(recipient, head.revision, after, False, entries, count)


async def _lock(connection: AsyncConnection, recipient: str) -> Head:
    statement = select(Mailbox.revision, Mailbox.unread, Mailbox.unseen).where(Mailbox.recipient == recipient)
    row = (await connection.execute(statement.with_for_update())).one_or_none()
    return Head(*row) if row else Head(0, 0, 0)


def _plan(act: Act, until: datetime | None) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Which copies `act` changes, and which of those count as unread and as unseen once it is done."""
    kept, unread = Receipt.archived_at.is_(None), Receipt.read_at.is_(None)
    snoozed = Receipt.archived_at == Receipt.snoozed_until
    unseen = and_(Receipt.seen_at.is_(None), kept)
    match act:
        case "read":
            return unread, false(), false()
        case "unread":
            return Receipt.read_at.is_not(None), kept, false()
        case "seen":
            return unseen, unread, false()
        case "archive":
            return or_(kept, snoozed), false(), false()
        case "unarchive":
            return archived_at().is_not(None), unread, false()
        case "snooze":
            return or_(kept, and_(snoozed, Receipt.snoozed_until != until)), false(), false()
        case "unsnooze":
            return snoozed, unread, false()


def _values(act: Act, now: datetime, until: datetime | None) -> dict[str, Any]:
    # What was read, put away or put back has been seen: the bell need not call for it again.
    seen = {"seen_at": func.coalesce(Receipt.seen_at, now)}
    match act:
        case "read":
            return {"read_at": now, **seen}
        case "unread":
            return {"read_at": null(), **seen}
        case "seen":
            return seen
        case "archive":
            return {"archived_at": now, "snoozed_until": null(), **seen}
        case "snooze":
            return {"archived_at": until, "snoozed_until": until, **seen}
        case "unarchive" | "unsnooze":
            return {"archived_at": null(), "snoozed_until": null(), **seen}


async def _effect(
    connection: AsyncConnection,
    where: Sequence[ColumnElement[bool]],
    after_unread: ColumnElement[bool],
    after_unseen: ColumnElement[bool],
) -> tuple[int, int, int]:
    """How many copies an act changes, and by how much the two counts move."""
    kept = Receipt.archived_at.is_(None)
    before_unread, before_unseen = and_(kept, Receipt.read_at.is_(None)), and_(kept, Receipt.seen_at.is_(None))

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = (
        await connection.execute(
            select(
                func.count(),
                total(after_unread) - total(before_unread),
                total(after_unseen) - total(before_unseen),
            ).where(*where)
        )
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
