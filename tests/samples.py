"""Things that tests send about."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import Change, Draft, Entry, Key, Notification, Store, creation
from notifs.store.models import CONTENT, new_id, utcnow


def notification(title: str = "Hello", **fields: Any) -> Notification:
    """A notification that is not stored yet."""
    values = {
        "id": new_id(),
        "kind": "message",
        "title": title,
        "body": "",
        "url": None,
        "icon": None,
        "actor": None,
        "actions": [],
        "priority": "normal",
        "group": None,
        "data": {},
        "created_at": utcnow(),
        "expires_at": None,
    }
    return Notification(**{**values, **fields})


def draft(
    sent: Notification,
    to: Sequence[str],
    key: Key | None = None,
    *,
    topics: Sequence[str] = (),
    exclude: Sequence[str] = (),
    **columns: Any,
) -> Draft:
    """What a producer wants to be sent."""
    content = {c.key: getattr(sent, c.key) for c in inspect(Notification).columns}
    recipients = sorted(set(to) - set(exclude))
    return Draft({**content, "producer": "", "version": 1, **columns}, recipients, topics, exclude, key)


def line(sent: Notification, position: int) -> Entry:
    """The line that a new copy of it is in a feed."""
    return Entry.fresh((getattr(sent, column.key) for column in CONTENT), position)


async def create(connection: AsyncConnection, sent: Notification, to: Sequence[str]) -> None:
    """Send it in a transaction of the caller's."""
    await creation.together(connection, [draft(sent, to)])


async def once(
    store: Store,
    sent: Notification,
    to: Sequence[str],
    key: Key | None,
    connection: AsyncConnection | None = None,
) -> tuple[str, list[Change]]:
    """Send it under a key. Returns the id of what is there now, and what has changed."""
    outcome = await store.send(draft(sent, to, key), connection)
    return outcome.sent.id, list(outcome.changes)
