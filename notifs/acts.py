"""What people do in their mailbox: one way for sockets, HTTP and links. Written first, then pushed to every tab."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from notifs.signals import Changed, Signals
from notifs.store import Act, Change, Head, Store
from notifs.wire import Cursor


class Done(NamedTuple):
    """Where the mailbox stands after an act, and how many copies the act has changed."""

    head: Head
    changed: int


class Acts:
    """Carries out acts.

    Args:
        store: where mailboxes are.
        signals: told of what changed.
        changed: called with the change after its commit.
        snoozed: called when something is to come back at a time of its own.
    """

    def __init__(
        self,
        store: Store,
        signals: Signals,
        *,
        changed: Callable[[Sequence[Change]], None],
        snoozed: Callable[[], None],
    ) -> None:
        self._store = store
        self._signals = signals
        self._changed = changed
        self._snoozed = snoozed

    async def do(
        self,
        recipient: str,
        act: Act,
        *,
        ids: Sequence[uuid.UUID] | None = None,
        up_to: Cursor | None = None,
        at: Cursor | None = None,
        until: datetime | None = None,
    ) -> Done:
        """Do `act` to the copies named by `ids`, to all that the person could see at `up_to`, or to those that were
        last changed by the act that was answered with `at`. What is snoozed is so `until` a moment.

        Other people's ids and unknown ones are ignored.

        Raises:
            InvalidCursor: `up_to` or `at` is of another life of the database.
            StoreUnavailable: nothing was changed.
        """
        head, change = await self._store.change(recipient, act, ids=ids, up_to=up_to, at=at, until=until)
        if change is None:
            return Done(head, 0)
        self._changed([change])
        if act == "snooze":
            self._snoozed()
        self._signals.send(Changed(recipient, act, tuple(str(id) for id in ids or ()), change.copies))
        return Done(head, change.copies)
