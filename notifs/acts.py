"""What people do in their mailbox: one way for sockets, HTTP and links. Written first, then pushed to every tab."""

import uuid
from collections.abc import Callable, Sequence

from notifs.signals import Changed, Signals
from notifs.store import Act, Change, Head, Store
from notifs.wire import Cursor


class Acts:
    """Carries out acts.

    Args:
        store: where mailboxes are.
        signals: told of what changed.
        changed: called with the change after its commit.
    """

    def __init__(self, store: Store, signals: Signals, *, changed: Callable[[Sequence[Change]], None]) -> None:
        self._store = store
        self._signals = signals
        self._changed = changed

    async def do(
        self, recipient: str, act: Act, *, ids: Sequence[uuid.UUID] | None = None, up_to: Cursor | None = None
    ) -> Head:
        """Do `act` to the copies named by `ids`, or to all that the person could see at `up_to`.

        Other people's ids and unknown ones are ignored. Returns where the mailbox then stands.

        Raises:
            InvalidCursor: `up_to` is of another life of the database.
            StoreUnavailable: nothing was changed.
        """
        head, change = await self._store.change(recipient, act, ids=ids, up_to=up_to)
        if change is not None:
            self._changed([change])
            self._signals.send(Changed(recipient, act, tuple(str(id) for id in ids or ()), change.copies))
        return head
