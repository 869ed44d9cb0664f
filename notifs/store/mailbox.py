"""Changes of mailboxes: every one takes the next revision under the mailbox row's lock (docs/design.md)."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, case, false, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.feed import HEAD, THEIRS, Entry, Head, by_revision
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
    whose = {"whose": recipient}
    row = (await connection.execute(_LOCK, whose)).one_or_none()
    head = Head(*row) if row else Head(0, 0, 0)
    effect, do = _statements(act, named=ids is not None, up_to=up_to is not None, at=at is not None)
    chosen = {**whose, "ids": ids, "up_to": up_to, "at": at, "until": until}
    count, unread, unseen = map(int, (await connection.execute(effect, chosen)).one())
    if not count:
        return head, None
    after = Head(head.revision + 1, head.unread + unread, head.unseen + unseen)
    await connection.execute(do, {**chosen, "next": after.revision, "now": utcnow()})
    then = {"next": after.revision, "then_unread": after.unread, "then_unseen": after.unseen}
    await connection.execute(_MOVE, {**whose, **then})
    entries = await by_revision(connection, recipient, head.revision) if count <= limit else None
    return after, Change(recipient, head.revision, after, False, entries, count)


# Statements that are run all the time are built once: to build one costs more than to run it.


_LOCK = HEAD.with_for_update()
_NEXT = bindparam("next", type_=Mailbox.revision.type)
_MOVE = (
    update(Mailbox)
    .where(THEIRS)
    .values(revision=_NEXT, unread=bindparam("then_unread"), unseen=bindparam("then_unseen"))
)
_NOW, _UNTIL = (bindparam(name, type_=Receipt.read_at.type) for name in ("now", "until"))


@cache
def _statements(act: Act, *, named: bool, up_to: bool, at: bool) -> tuple[Select[Any], Update]:
    """What an act would do, and what does it, where copies are chosen in these ways."""
    target, after_unread, after_unseen = _plan(act)
    where = [Receipt.recipient == bindparam("whose"), target, Receipt.retracted_at.is_(None)]
    if named:
        where.append(Receipt.notification_id.in_(bindparam("ids", expanding=True)))
    if up_to:
        where += [Receipt.position <= bindparam("up_to"), Receipt.archived_at.is_(None)]
    if at:
        where.append(Receipt.revision == bindparam("at"))
    effect = _effect(after_unread, after_unseen).where(*where)
    return effect, update(Receipt).where(*where).values(revision=_NEXT, **_values(act))


def _plan(act: Act) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
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
            return or_(kept, and_(snoozed, Receipt.snoozed_until != _UNTIL)), false(), false()
        case "unsnooze":
            return snoozed, unread, false()


def _values(act: Act) -> dict[str, Any]:
    # What was read, put away or put back has been seen: the bell need not call for it again.
    seen = {"seen_at": func.coalesce(Receipt.seen_at, _NOW)}
    match act:
        case "read":
            return {"read_at": _NOW, **seen}
        case "unread":
            return {"read_at": null(), **seen}
        case "seen":
            return seen
        case "archive":
            return {"archived_at": _NOW, "snoozed_until": null(), **seen}
        case "snooze":
            return {"archived_at": _UNTIL, "snoozed_until": _UNTIL, **seen}
        case "unarchive" | "unsnooze":
            return {"archived_at": null(), "snoozed_until": null(), **seen}


def _effect(after_unread: ColumnElement[bool], after_unseen: ColumnElement[bool]) -> Select[Any]:
    """How many copies an act changes, and by how much the two counts move."""
    kept = Receipt.archived_at.is_(None)
    before_unread, before_unseen = and_(kept, Receipt.read_at.is_(None)), and_(kept, Receipt.seen_at.is_(None))

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    moved: list[Any] = [total(after_unread) - total(before_unread), total(after_unseen) - total(before_unseen)]
    return select(func.count(), *moved)
