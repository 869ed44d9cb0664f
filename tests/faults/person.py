"""A person with a tab open: it follows the client's rule, comes back by itself, and keeps a log of what it showed."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.exceptions import InvalidHandshake, WebSocketException

from notifs.testing.rule import Mailbox
from notifs.wire import Cursor
from tests.faults.history import Shown
from tests.wire import Client

SYNC_SECONDS = 3.0
"""After so long without an answer `sync` is said again."""
RESTART = 1012


class Person:
    """One tab.

    Args:
        recipient: whose it is.
        cookie: the session's Cookie header.
        entrance: where to connect next; asked before each try.
    """

    def __init__(self, recipient: str, cookie: str, entrance: Callable[[], str]) -> None:
        self.recipient = recipient
        self.cookie = cookie
        self.mailbox = Mailbox()
        self.log: list[Shown] = []
        """Every message that was applied."""
        self.told: list[str] = []
        """`degraded` and its code, as often as it came."""
        self.drops: list[tuple[int | None, str]] = []
        """How each connection ended: close code and reason."""
        self.strangers: list[str] = []
        """Bodies that belong to somebody else."""
        self.least = 0
        """The smallest count that it was told."""
        self.last_message = 0.0
        """When something came last."""
        self.client: Client | None = None
        self._entrance = entrance
        self._known: set[str] = set()
        self._sync_due = 0.0

    @property
    def stands(self) -> bool:
        """Whether it is connected and has what the server had to say."""
        here = self.client is not None and not self.client.closed
        return here and self.mailbox.cursor is not None and self.mailbox.settled

    @asynccontextmanager
    async def present(self) -> AsyncIterator["Person"]:
        """Be there."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Connect, follow, and come back after any end, for ever."""
        while True:
            code: int | None = None
            try:
                auth = {"cursor": self.mailbox.cursor}
                async with Client.open(self._entrance(), headers={"cookie": self.cookie}, auth=auth) as self.client:
                    await self._follow(self.client)
                    code, _ = self.client.ending
                    self.drops.append(self.client.ending)
            except (OSError, TimeoutError, WebSocketException, InvalidHandshake, AssertionError) as error:
                self.drops.append((None, repr(error)))
            finally:
                self.client = None
            await asyncio.sleep(random.uniform(0, 2) if code == RESTART else random.uniform(0.1, 1))

    async def ask(self, event: str, data: Any) -> Any:
        """Send a client event and return its ack, or None if the connection is gone before it comes."""
        client = self.client
        if client is None or client.closed:
            return None
        try:
            return await client.ask(event, data)
        except (OSError, TimeoutError, WebSocketException):
            return None

    async def _follow(self, client: Client) -> None:
        while not client.closed:
            with contextlib.suppress(TimeoutError):
                await client.until(lambda: client.messages or client.closed, seconds=0.5)
            messages, client.messages[:] = list(client.messages), []
            client.frames.clear()
            for message in messages:
                self._take(message)
            if not client.closed:
                await self._sync_if_needed(client)

    async def _sync_if_needed(self, client: Client) -> None:
        now = time.monotonic()
        if not self.mailbox.needs_sync or now < self._sync_due:
            return
        self._sync_due = now + SYNC_SECONDS
        self.mailbox.asked()
        await client.ask_nothing("sync", {"cursor": self.mailbox.cursor})

    def _take(self, message: dict[str, Any]) -> None:
        self.last_message = time.monotonic()
        if message["type"] == "degraded":
            self.told.append(message["error"]["code"] if "error" in message else "store_unavailable")
        self.strangers += [n["body"] for n in message["notifs"] if "body" in n and self.recipient not in n["body"]]
        self.least = min(self.least, message["notif_count"] or 0, message["unseen_count"] or 0)
        before = Cursor.parse(self.mailbox.cursor)
        found = self.mailbox.take(message)
        after = Cursor.parse(self.mailbox.cursor)
        if after is None or (after == before and not found):
            return
        rows = [self.mailbox.rows[id] for id in found]
        live = before.revision if before and before.epoch == after.epoch and message["type"] != "snapshot" else None
        new = [r for r in rows if r["id"] not in self._known or (live is not None and r["position"] > live)]
        self._known.update(found)
        keys = tuple(row["title"] for row in new)
        self.log.append(Shown(time.monotonic(), message["type"], after.epoch, after.revision, keys))
