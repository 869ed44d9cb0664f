"""Announcements: one notification for everyone, which each mailbox takes in when its owner comes by.

To announce costs the same however many mailboxes there are. Numbers are given out in the order of commits, so that a
mailbox that has taken in everything up to one number has missed nothing below it.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlalchemy import bindparam, func, insert, literal, select, text, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import copies
from notifs.store.database import Database
from notifs.store.feed import Entry, Head
from notifs.store.mailbox import Change
from notifs.store.many import given_names, lists_given, names_given, one_of
from notifs.store.models import CONTENT, Announcement, Mailbox, Notification, Receipt, utcnow

ANNOUNCED_DAYS = 30
"""For how long an announcement that does not expire is taken in."""
AT_ONCE = 5000
"""Copies that one transaction makes, unless a single mailbox has to take in more."""
_LOCK = 7_012_027
"""The PostgreSQL advisory lock under which numbers are given out."""


@dataclass(frozen=True, slots=True)
class _Announced:
    """An announcement that may be taken in, with the columns of its content."""

    number: int
    content: Sequence[Any]


class Announcements:
    """Announcements, as mailboxes take them in.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_in(self, recipients: Sequence[str]) -> list[Change]:
        """Give each of these mailboxes a copy of what it has not taken in yet. Returns what changed.

        Where that is much, it is done in several transactions, as others who write shall not wait for all of it.
        """
        changes: list[Change] = []
        ordered, some = sorted(set(recipients)), await self._database.read(_at_once)
        for start in range(0, len(ordered), some):
            changes += await self._database.write(partial(take_in, recipients=ordered[start : start + some]))
        return changes


async def announce(connection: AsyncConnection, notification_id: uuid.UUID, expires_at: datetime | None) -> int:
    """Make a stored notification an announcement, which is taken in until it expires. Returns its number.

    Whoever else announces waits until this transaction has ended.
    """
    if connection.dialect.name != "sqlite":  # which has one writer
        await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK})
    number = await latest(connection) + 1
    values = {"number": number, "notification_id": notification_id, "until": _until(expires_at)}
    await connection.execute(insert(Announcement), values)
    return number


async def expire(connection: AsyncConnection, notification_id: uuid.UUID, expires_at: datetime | None) -> None:
    """Let it end at another moment, if the notification was announced."""
    theirs = update(Announcement).where(Announcement.notification_id == notification_id)
    await connection.execute(theirs.values(until=_until(expires_at)))


async def _at_once(connection: AsyncConnection) -> int:
    """How many mailboxes may take in together all that there is."""
    return max(1, AT_ONCE // max(1, (await connection.execute(_COUNT, {"now": utcnow()})).scalar_one()))


def _until(expires_at: datetime | None) -> datetime:
    return expires_at or utcnow() + timedelta(days=ANNOUNCED_DAYS)


async def latest(connection: AsyncConnection) -> int:
    """The number of the last announcement; 0 where there was none."""
    return int((await connection.execute(_LATEST)).scalar_one())


async def take_in(connection: AsyncConnection, recipients: Iterable[str]) -> list[Change]:
    """Give each of these mailboxes a copy of what it has not taken in yet; one that is not there is made.

    Returns what changed, in ascending order of recipient. What was taken back or has expired is passed over for good.
    """
    ordered = sorted(set(recipients))
    through = await latest(connection)
    if not ordered or not through:
        return []
    running = await _running(connection, await _lowest(connection, ordered), through)
    known = await _lock(connection, ordered)
    missing = {r: new for r, number in known.items() if (new := [each for each in running if each.number > number])}
    changes = await _make(connection, missing) if missing else []
    behind = [r for r, number in known.items() if number < through]
    dialect = connection.dialect.name
    await connection.execute(_pass(dialect), {"through": through, **lists_given(dialect, names=behind)})
    return changes


async def _lowest(connection: AsyncConnection, recipients: Sequence[str]) -> int:
    """The number up to which all of these have taken in everything."""
    dialect = connection.dialect.name
    count, lowest = (await connection.execute(_least(dialect), lists_given(dialect, names=recipients))).one()
    return int(lowest) if count == len(recipients) else 0


async def _running(connection: AsyncConnection, after: int, through: int) -> list[_Announced]:
    """What is taken in now, oldest first. None of it can be taken back before this transaction has ended."""
    rows = await connection.execute(_RUNNING, {"after": after, "through": through, "now": utcnow()})
    return [_Announced(number, content) for number, *content in rows]


async def _lock(connection: AsyncConnection, ordered: Sequence[str]) -> dict[str, int]:
    """Lock mailboxes, and make those that are not there. Returns the last announcement that each has taken in."""
    dialect = connection.dialect.name
    found = await connection.execute(_locked(dialect), names_given(dialect, ordered))
    return {row.recipient: row.announced_through for row in found}


# Statements that are run all the time are built once: to build one costs more than to run it.


_NOW = bindparam("now", type_=Announcement.until.type)
_COUNT = select(func.count()).select_from(Announcement).where(Announcement.until > _NOW)
_LATEST = select(func.coalesce(func.max(Announcement.number), 0))
_RUNNING = (
    select(Announcement.number, *CONTENT)
    .join_from(Announcement, Notification, Announcement.notification_id == Notification.id)
    .where(Announcement.number > bindparam("after"), Announcement.number <= bindparam("through"))
    .where(Announcement.until > _NOW, Notification.retracted_at.is_(None))
    .order_by(Announcement.number)
    # Before the mailboxes are locked: so does whoever takes it back.
    .with_for_update(read=True, of=Notification)
)


@cache
def _least(dialect: str) -> Any:
    statement = select(func.count(), func.min(Mailbox.announced_through))
    return statement.where(one_of(dialect, Mailbox.recipient, "names"))


@cache
def _pass(dialect: str) -> Any:
    behind = update(Mailbox).where(one_of(dialect, Mailbox.recipient, "names"))
    return behind.values(announced_through=bindparam("through"))


@cache
def _locked(dialect: str) -> Any:
    insertion: Any = sqlite if dialect == "sqlite" else postgresql
    nothing = (literal(0).label(name) for name in ("revision", "unread", "unseen"))
    rows = select(given_names(dialect), *nothing).where(true())  # else SQLite takes ON for a join's
    columns = ["recipient", "revision", "unread", "unseen"]
    statement = insertion.insert(Mailbox).from_select(columns, rows, include_defaults=False)
    same = {"announced_through": Mailbox.announced_through}
    locked = statement.on_conflict_do_update(index_elements=["recipient"], set_=same)
    return locked.returning(Mailbox.recipient, Mailbox.announced_through)


async def _make(connection: AsyncConnection, missing: Mapping[str, Sequence[_Announced]]) -> list[Change]:
    """Make the copies that these mailboxes, which are locked, do not have."""
    heads = await copies.advance(connection, {recipient: len(new) for recipient, new in missing.items()})
    changes = [_change(recipient, heads[recipient], missing[recipient]) for recipient in sorted(missing)]
    receipts = [
        {"recipient": c.recipient, "position": e.position, "revision": e.position, "notification_id": e.id}
        for c in changes
        for e in c.entries or ()
    ]
    await connection.execute(insert(Receipt), receipts)
    return changes


def _change(recipient: str, head: Head, new: Sequence[_Announced]) -> Change:
    prev = head.revision - len(new)
    entries = tuple(Entry.fresh(each.content, position) for position, each in enumerate(new, prev + 1))
    return Change(recipient, prev, head, True, entries, len(new))
