"""Copies of one notification in many mailboxes at once: made, changed, taken back; few statements, however many.

Mailboxes are locked in ascending order of recipient, so that two pieces of work cannot deadlock.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    case,
    collate,
    func,
    insert,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.feed import Head
from notifs.store.many import among, given_names, given_pairs, names_given, pairs_given
from notifs.store.models import Mailbox, Receipt, utcnow

UNREAD = and_(Receipt.archived_at.is_(None), Receipt.read_at.is_(None))
UNSEEN = and_(Receipt.archived_at.is_(None), Receipt.seen_at.is_(None))


async def advance(connection: AsyncConnection, steps: Mapping[str, int]) -> dict[str, Head]:
    """Give each mailbox room for so many new copies; one that is not there is made. Returns where they then stand."""
    dialect = connection.dialect.name
    result = await connection.execute(_advance(dialect), pairs_given(dialect, sorted(steps.items())))
    return {recipient: Head(*head) for recipient, *head in result}


async def make(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """Make a copy for each of these recipients, who are named once and have none yet."""
    if not recipients:
        return
    dialect = connection.dialect.name
    names = names_given(dialect, sorted(recipients))
    await connection.execute(_advance_by_one(dialect), names)
    await connection.execute(_receive(dialect), {**names, "id": notification_id})


# Statements that are run all the time are built once: to build one costs more than to run it.


@cache
def _advance(dialect: str) -> Any:
    recipient, number = given_pairs(dialect)
    columns = (Mailbox.recipient, Mailbox.revision, Mailbox.unread, Mailbox.unseen)
    return _upsert(dialect, recipient, number).returning(*columns)


@cache
def _advance_by_one(dialect: str) -> Any:
    return _upsert(dialect, given_names(dialect), literal(1))


def _upsert(dialect: str, recipient: Any, number: Any) -> Any:
    names = ("revision", "unread", "unseen")
    rows = select(recipient, *(number.label(name) for name in names)).where(true())  # else SQLite takes ON for a join's
    insertion: Any = sqlite if dialect == "sqlite" else postgresql
    statement = insertion.insert(Mailbox).from_select(["recipient", *names], rows, include_defaults=False)
    step = {name: getattr(Mailbox, name) + getattr(statement.excluded, name) for name in names}
    return statement.on_conflict_do_update(index_elements=["recipient"], set_=step)


@cache
def _receive(dialect: str) -> Any:
    """Make copies at the revisions that the mailboxes have just reached."""
    place = (Mailbox.recipient, Mailbox.revision, Mailbox.revision.label("position"))
    theirs = Mailbox.recipient.in_(select(given_names(dialect)))
    rows = select(*place, bindparam("id", type_=Uuid)).where(theirs)
    names = ["recipient", "revision", "position", "notification_id"]
    return insert(Receipt).from_select(names, rows, include_defaults=False)


async def heads(connection: AsyncConnection, recipients: Sequence[str]) -> dict[str, Head]:
    """Where mailboxes stand."""
    statement = select(Mailbox.recipient, Mailbox.revision, Mailbox.unread, Mailbox.unseen)
    rows = await connection.execute(statement.where(among(connection, Mailbox.recipient, recipients)))
    return {row.recipient: Head(row.revision, row.unread, row.unseen) for row in rows}


async def holders(
    connection: AsyncConnection, notification_id: uuid.UUID, after: str = "", limit: int | None = None
) -> list[str]:
    """Those who have a copy that was not taken back, in the order of the index."""
    statement = (
        select(Receipt.recipient)
        .where(Receipt.notification_id == notification_id, Receipt.retracted_at.is_(None), Receipt.recipient > after)
        .order_by(Receipt.recipient)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


def blank() -> dict[str, Any]:
    """What is left of a notification that is taken back."""
    nothing = dict.fromkeys(("url", "icon", "actor", "group", "dedupe_key", "subject_type", "subject_id"))
    return {**nothing, "title": "", "body": "", "actions": [], "data": {}, "retracted_at": utcnow()}


async def retract(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """Take back the copies of these recipients: they are archived for good, and told as gone."""
    if not recipients:
        return
    now = utcnow()
    await lock(connection, recipients)
    await _count(connection, notification_id, recipients, unread=-_one(UNREAD), unseen=-_one(UNSEEN))
    gone = {"archived_at": func.coalesce(Receipt.archived_at, now), "snoozed_until": null(), "retracted_at": now}
    await _mark(connection, notification_id, recipients, gone)


async def touch(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """Say that the content of these copies is another one."""
    if not recipients:
        return
    await lock(connection, recipients)
    await _count(connection, notification_id, recipients, unread=literal(0), unseen=literal(0))
    await _mark(connection, notification_id, recipients, {})


async def renew(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """The same, and they are unread and unseen again, and no longer archived or snoozed."""
    if not recipients:
        return
    await lock(connection, recipients)
    await _count(connection, notification_id, recipients, unread=1 - _one(UNREAD), unseen=1 - _one(UNSEEN))
    new = {"read_at": null(), "seen_at": null(), "archived_at": null(), "snoozed_until": null()}
    await _mark(connection, notification_id, recipients, new)


async def lock(connection: AsyncConnection, recipients: Iterable[str]) -> None:
    """Lock mailboxes, in the order in which everybody does. SQLite has one writer, who needs no lock."""
    if connection.dialect.name != "sqlite":
        statement = select(Mailbox.revision).where(among(connection, Mailbox.recipient, sorted(recipients)))
        await connection.execute(statement.order_by(collate(Mailbox.recipient, "C")).with_for_update())


def _one(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _theirs(
    connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]
) -> tuple[ColumnElement[bool], ...]:
    return (
        Receipt.notification_id == notification_id,
        Receipt.retracted_at.is_(None),
        among(connection, Receipt.recipient, recipients),
    )


async def _count(
    connection: AsyncConnection,
    notification_id: uuid.UUID,
    recipients: Sequence[str],
    *,
    unread: ColumnElement[int],
    unseen: ColumnElement[int],
) -> None:
    """Give each mailbox the next revision, and move its counts by what its copy says."""
    copies = select(Receipt.recipient, unread.label("unread"), unseen.label("unseen"))
    copy = copies.where(*_theirs(connection, notification_id, recipients)).subquery()
    await connection.execute(
        update(Mailbox)
        .where(Mailbox.recipient == copy.c.recipient)
        .values(
            revision=Mailbox.revision + 1, unread=Mailbox.unread + copy.c.unread, unseen=Mailbox.unseen + copy.c.unseen
        )
    )


async def _mark(
    connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str], values: dict[str, Any]
) -> None:
    await connection.execute(
        update(Receipt)
        .where(*_theirs(connection, notification_id, recipients), Receipt.recipient == Mailbox.recipient)
        .values(revision=Mailbox.revision, **values)
    )
