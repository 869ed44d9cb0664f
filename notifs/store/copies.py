"""Copies of one notification in many mailboxes at once: made, changed, taken back; few statements, however many.

Mailboxes are locked in ascending order of recipient, so that two pieces of work cannot deadlock.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    Integer,
    Update,
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
from notifs.store.many import given_names, given_pairs, lists_given, names_given, one_of, pairs_given
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
    dialect = connection.dialect.name
    rows = await connection.execute(_heads(dialect), lists_given(dialect, names=recipients))
    return {recipient: Head(*head) for recipient, *head in rows}


@cache
def _heads(dialect: str) -> Any:
    columns = (Mailbox.recipient, Mailbox.revision, Mailbox.unread, Mailbox.unseen)
    return select(*columns).where(one_of(dialect, Mailbox.recipient, "names"))


async def holders(
    connection: AsyncConnection, notification_id: uuid.UUID, after: str = "", limit: int | None = None
) -> list[str]:
    """Those who have a copy that was not taken back, in the order of the index."""
    statement = _HOLDERS if limit is None else _FIRST_HOLDERS
    given = {"which": notification_id, "after": after, "most": limit}
    return list((await connection.execute(statement, given)).scalars())


_COPY = (Receipt.notification_id == bindparam("which"), Receipt.retracted_at.is_(None))
_HOLDERS = select(Receipt.recipient).where(*_COPY, Receipt.recipient > bindparam("after")).order_by(Receipt.recipient)
_FIRST_HOLDERS = _HOLDERS.limit(bindparam("most", type_=Integer))


def blank() -> dict[str, Any]:
    """What is left of a notification that is taken back."""
    nothing = dict.fromkeys(("url", "icon", "actor", "group", "dedupe_key", "subject_type", "subject_id"))
    return {**nothing, "title": "", "body": "", "actions": [], "data": {}, "retracted_at": utcnow()}


async def retract(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """Take back the copies of these recipients: they are archived for good, and told as gone."""
    await _change(connection, "retract", notification_id, recipients)


async def touch(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """Say that the content of these copies is another one."""
    await _change(connection, "touch", notification_id, recipients)


async def renew(connection: AsyncConnection, notification_id: uuid.UUID, recipients: Sequence[str]) -> None:
    """The same, and they are unread and unseen again, and no longer archived or snoozed."""
    await _change(connection, "renew", notification_id, recipients)


async def lock(connection: AsyncConnection, recipients: Iterable[str]) -> None:
    """Lock mailboxes, in the order in which everybody does. SQLite has one writer, who needs no lock."""
    dialect = connection.dialect.name
    if dialect != "sqlite":
        await connection.execute(_lock(dialect), lists_given(dialect, names=sorted(recipients)))


@cache
def _lock(dialect: str) -> Any:
    named = select(Mailbox.revision).where(one_of(dialect, Mailbox.recipient, "names"))
    return named.order_by(collate(Mailbox.recipient, "C")).with_for_update()


_What = Literal["retract", "touch", "renew"]


async def _change(
    connection: AsyncConnection, what: _What, notification_id: uuid.UUID, recipients: Sequence[str]
) -> None:
    if not recipients:
        return
    dialect = connection.dialect.name
    given = {"which": notification_id, "now": utcnow(), **lists_given(dialect, names=recipients)}
    await lock(connection, recipients)
    for statement in _changes(dialect, what):
        await connection.execute(statement, given)


@cache
def _changes(dialect: str, what: _What) -> tuple[Update, Update]:
    """Give each mailbox the next revision, and move its counts by what its copy says; then mark the copy."""
    now = bindparam("now", type_=Receipt.retracted_at.type)
    unread, unseen = (case((condition, 1), else_=0) for condition in (UNREAD, UNSEEN))
    gone = {"archived_at": func.coalesce(Receipt.archived_at, now), "snoozed_until": null(), "retracted_at": now}
    new = dict.fromkeys(("read_at", "seen_at", "archived_at", "snoozed_until"), null())
    by: dict[_What, tuple[Any, Any, dict[str, Any]]] = {
        "retract": (-unread, -unseen, gone),
        "touch": (literal(0), literal(0), {}),
        "renew": (1 - unread, 1 - unseen, new),
    }
    more_unread, more_unseen, marks = by[what]
    theirs = (*_COPY, one_of(dialect, Receipt.recipient, "names"))
    copy = select(Receipt.recipient, more_unread.label("unread"), more_unseen.label("unseen")).where(*theirs).subquery()
    counts = {name: getattr(Mailbox, name) + copy.c[name] for name in ("unread", "unseen")}
    count = update(Mailbox).where(Mailbox.recipient == copy.c.recipient)
    mark = update(Receipt).where(*theirs, Receipt.recipient == Mailbox.recipient)
    return (
        count.values(revision=Mailbox.revision + 1, **counts),
        mark.values(revision=Mailbox.revision, **marks),
    )
