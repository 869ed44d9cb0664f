"""`notify`: the one way in. What it accepts is checked, then written, then pushed; in this order."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from notifs.errors import InvalidNotification
from notifs.forms import Forms
from notifs.kinds import Action, Actor, Content, Kind, Kinds, Priority
from notifs.signals import Created, Signals
from notifs.store import Change, Key, Notification, Store
from notifs.store.database import after_commit
from notifs.store.models import new_id, utcnow
from notifs.wire import Notification as StandardForm

RECIPIENT_LIMIT = 200
"""Characters of a recipient's id."""
KEY_LIMIT = 200
"""Characters of an idempotency key."""


class Fields(TypedDict, total=False):
    """What `notify` takes instead of a kind; `title` is the only one that it needs."""

    title: str
    body: str
    url: str | None
    kind: str
    icon: str | None
    actor: Actor | Mapping[str, str | None] | None
    actions: Sequence[Action | Mapping[str, str]]
    priority: Priority
    group: str | None
    data: Mapping[str, Any]


class Notifier:
    """Creates notifications.

    Args:
        store: where they are kept.
        kinds: the kinds that may be sent.
        signals: told of what was committed.
        forms: makes the standard form.
        changed: called with the changes of a commit of our own.
        moved: called with the recipients of a commit of the caller's; what they got is then read from the store.
    """

    def __init__(
        self,
        store: Store,
        kinds: Kinds,
        signals: Signals,
        forms: Forms,
        *,
        changed: Callable[[Sequence[Change]], None],
        moved: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._signals = signals
        self._forms = forms
        self._changed = changed
        self._moved = moved

    async def notify(
        self,
        event: Kind | None = None,
        /,
        *,
        to: str | Iterable[str],
        session: AsyncSession | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[Fields],
    ) -> str:
        """Notify one recipient or several, and return the notification's id.

        Args:
            event: what happened, as a kind; or leave it out and give `fields`.
            to: a recipient's id, or several; each gets one copy.
            session: a session of the caller's on the same database: the notification is committed or rolled back
                with everything else in it, and pushed after the commit.
            idempotency_key: 1 to 200 printable characters that name this call: for 24 hours the same call under the
                same key does nothing but return the same id, wherever and however often it is made.
            fields: `title`, and what of `body`, `url`, `icon`, `actor`, `actions`, `priority`, `group`, `data` and
                `kind` (a key) is wanted.

        Raises:
            InvalidNotification: a field is wrong or nobody is named; nothing was written.
            IdempotencyConflict: the key was used for other fields or recipients; nothing was written.
            StoreUnavailable: it could not be committed, or nobody can say whether it was: call again, with a key.
        """
        content = self._content(event, fields)
        recipients = _recipients(to)
        notification = Notification(id=new_id(), created_at=utcnow(), expires_at=None, **_columns(content))
        key = _key(idempotency_key, content, recipients) if idempotency_key is not None else None
        connection = await session.connection() if session else None
        id, changes = await self._store.create_once(notification, recipients, key, connection)
        created = Created(id, content.kind, tuple(recipients))
        if not changes:
            return id  # it was sent before
        if session is None:
            self._changed(changes)
            self._signals.send(created)
        else:
            after_commit(session, lambda: self._told_by_caller(created))
        return id

    async def get_unread_notifs(self, recipient: str, reverse: bool = False) -> list[StandardForm]:
        """All unread notifications of a recipient in the standard form: newest first, or oldest first if `reverse`."""
        entries = await self._store.unread(recipient)
        forms = self._forms.notifications(entries)
        return forms[::-1] if reverse else forms

    def _content(self, event: Kind | None, fields: Fields) -> Content:
        if event is None:
            return Content.check(**fields)
        if fields:
            raise InvalidNotification(
                f"{', '.join(sorted(fields))}: a kind makes its own fields; give either of the two"
            )
        return self._kinds.content(event)

    def _told_by_caller(self, created: Created) -> None:
        self._moved(created.recipients)
        self._signals.send(created)


def _columns(content: Content) -> dict[str, Any]:
    columns = content.model_dump()
    return {**columns, "actions": [dict(action) for action in columns["actions"]]}


def _key(key: str, content: Content, recipients: Sequence[str]) -> Key:
    if not 0 < len(key) <= KEY_LIMIT or not key.isprintable():
        raise InvalidNotification(f"idempotency_key: 1 to {KEY_LIMIT} printable characters name a call")
    # Without defaults: a field that a later version adds does not make another request of the same one.
    request = {"content": content.model_dump(exclude_defaults=True), "to": recipients}
    return Key("", key, hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest())


def _recipients(to: str | Iterable[str]) -> list[str]:
    named = [to] if isinstance(to, str) else list(to)
    for recipient in named:
        if not 0 < len(recipient) <= RECIPIENT_LIMIT or not recipient.isprintable():
            raise InvalidNotification(f"to: a recipient is text of 1 to {RECIPIENT_LIMIT} printable characters")
    if not named:
        raise InvalidNotification("to: nobody is named; give at least one recipient")
    return sorted(set(named))
