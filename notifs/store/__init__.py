"""The store: every table and query. It keeps, counts and answers; it never pushes.

`Store` is the door: each method is one transaction.
"""

import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Self

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import InvalidCursor, NotFound, StoreUnavailable
from notifs.store import accounts, feed, idempotency, mailbox, recount, retention
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.store.feed import Entry, Head, Page
from notifs.store.idempotency import Key
from notifs.store.mailbox import Act, Change
from notifs.store.models import Epoch, Notification
from notifs.store.recount import Wrong
from notifs.store.retention import Pruned
from notifs.wire import DELTA_LIMIT, PUSH_LIMIT, Cursor, Filter

_EVERY = 2**31 - 2

__all__ = ["Act", "Change", "Entry", "Head", "Key", "Notification", "Page", "Pruned", "Store", "Wrong"]


class Store:
    """Mailboxes and their feeds.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._epoch: str | None = None

    @property
    def epoch(self) -> str:
        """The name of this database's life.

        Raises:
            StoreUnavailable: the store was not opened yet.
        """
        if self._epoch is None:
            raise StoreUnavailable("the store is not open yet")
        return self._epoch

    async def open(self) -> Self:
        """Read the epoch; call it once before anything else."""
        self._epoch = await self.database.read(feed.epoch)
        return self

    async def ping(self) -> None:
        """Return if the database answers.

        Raises:
            StoreUnavailable: it does not.
        """
        await self.database.read(feed.epoch)

    def cursor(self, head: Head) -> Cursor:
        return Cursor(self.epoch, head.revision)

    async def create(self, notification: Notification, recipients: Sequence[str]) -> list[Change]:
        """Store a notification for each recipient, in a transaction of its own."""
        return await self.database.write(lambda c: mailbox.create(c, notification, recipients))

    async def create_once(
        self,
        notification: Notification,
        recipients: Sequence[str],
        key: Key | None,
        connection: AsyncConnection | None = None,
    ) -> tuple[str, list[Change]]:
        """The same, unless `key` has done it before. Returns the id of what is there now, and the changes.

        In the caller's transaction if there is a `connection`: nothing has happened until the caller commits.

        Raises:
            IdempotencyConflict: the key stands for another notification; nothing was written.
        """

        async def work(connection: AsyncConnection) -> tuple[str, list[Change]]:
            before = await idempotency.claim(connection, key, {"id": str(notification.id)}) if key else None
            if before is not None:
                return before["id"], []
            return str(notification.id), await mailbox.create(connection, notification, recipients)

        return await (work(connection) if connection else self.database.write(work))

    async def change(
        self, recipient: str, act: Act, *, ids: Sequence[uuid.UUID] | None = None, up_to: Cursor | None = None
    ) -> tuple[Head, Change | None]:
        """Do `act` to the recipient's copies: to those named, or to all that the person could see at `up_to`.

        Raises:
            InvalidCursor: `up_to` is of another life of the database.
        """
        if up_to is not None and up_to.epoch != self.epoch:
            raise InvalidCursor("up_to is of another epoch; sync first, then use the cursor that you get")
        limit = up_to.revision if up_to else None
        return await self.database.write(
            lambda c: mailbox.change(c, recipient, act, ids=ids, up_to=limit, limit=PUSH_LIMIT)
        )

    async def head(self, recipient: str) -> Head:
        return await self.database.read(lambda c: feed.head(c, recipient))

    async def look(self, recipients: Sequence[str]) -> tuple[str, dict[str, int]]:
        """The epoch, and the revision of each mailbox that has one, in one query for all.

        An epoch other than `epoch` says that the database was restored; see `adopt`.
        """
        return await self.database.read(lambda c: feed.look(c, recipients))

    def adopt(self, epoch: str) -> None:
        """The database has got a new epoch: from now on cursors carry it, and those of before are no good."""
        self._epoch = epoch

    async def page(self, recipient: str, filter: Filter, *, before: int | None = None, limit: int = 50) -> Page:
        """The newest lines of a filter below the position `before`, with the head of the same moment."""
        return await self.database.read(lambda c: feed.page(c, recipient, filter, before=before, limit=limit))

    async def unread(self, recipient: str) -> list[Entry]:
        """All unread lines, newest first, of one moment."""

        async def work(connection: AsyncConnection) -> list[Entry]:
            return list((await feed.page(connection, recipient, "unread", limit=_EVERY)).entries)

        return await self.database.read(work)

    async def changes(self, since: Mapping[str, int]) -> dict[str, tuple[Head, tuple[Entry, ...] | None]]:
        """For each recipient the head, and what changed after that revision; None where it is too much for a push.

        All are of one moment.
        """

        async def work(connection: AsyncConnection) -> dict[str, tuple[Head, tuple[Entry, ...] | None]]:
            at = await feed.standings(connection, since)
            found = await feed.changes(connection, at, since.items(), PUSH_LIMIT)
            return {recipient: (at[recipient].head, entries) for (recipient, _), entries in found.items()}

        return await self.database.read(work)

    async def catch_up(
        self, asked: Sequence[tuple[str, Cursor | None]], limit: int
    ) -> list[tuple[tuple[Entry, ...] | None, Page]]:
        """What brings each client from its cursor to the head: the changes since, or, where that is no way, a page.

        Of both at most one is not empty; both are of the head that the page carries, and all of one moment. Those that
        are at the head already cost nothing beyond the one query that reads the heads.
        """
        steps = [(r, cursor.revision if cursor and cursor.epoch == self.epoch else None) for r, cursor in asked]

        async def work(connection: AsyncConnection) -> list[tuple[tuple[Entry, ...] | None, Page]]:
            at = await feed.standings(connection, (r for r, _ in steps))
            known = ((r, since) for r, since in steps if since is not None)
            deltas = await feed.changes(connection, at, known, DELTA_LIMIT)
            told = [None if since is None else deltas[r, since] for r, since in steps]
            lost = {r: None for (r, _), entries in zip(steps, told, strict=True) if entries is None}
            pages = await feed.newest(connection, at, lost, limit)
            return [
                (None, pages[r]) if entries is None else (entries, Page(at[r].head, (), False))
                for (r, _), entries in zip(steps, told, strict=True)
            ]

        return await self.database.read(work)

    async def prune(self, days: int, *, dry_run: bool = False) -> Pruned:
        """Delete what was read or archived longer ago than `days`, or has expired; with `dry_run` only count it."""
        return await retention.prune(self.database, days, dry_run=dry_run)

    async def recount(self) -> AsyncIterator[tuple[int, list[Wrong]]]:
        """Compare every mailbox with its receipts, some at a time: how many they are, and those that are wrong."""
        after: str | None = ""
        while after is not None:
            count, wrong, after = await self.database.read(partial(recount.recount, after=after))
            yield count, wrong

    async def repair(self, recipient: str) -> None:
        """Set a mailbox to what its receipts say."""
        await self.database.write(lambda c: recount.repair(c, recipient))

    async def new_epoch(self) -> str:
        """Begin another life of the database: no cursor of before is believed. Returns the epoch."""

        async def work(connection: AsyncConnection) -> str:
            epoch = secrets.token_hex(8)
            await connection.execute(update(Epoch).values(value=epoch))
            return epoch

        epoch = await self.database.write(work)
        self.adopt(epoch)
        return epoch

    async def add_user(self, email: str, name: str, password_hash: str) -> Person:
        """Make an account.

        Raises:
            BadRequest: `email_taken` or `invalid_email`.
        """
        return await self.database.write(lambda c: accounts.add(c, email, name, password_hash))

    async def user(self, email: str) -> Person:
        """The person with this address.

        Raises:
            NotFound: `unknown_recipient`.
        """
        known = await self.database.read(lambda c: accounts.by_email(c, accounts.normal_email(email)))
        if known is None:
            raise NotFound(f"nobody has the address {email}; see: notifs user list", code="unknown_recipient")
        return known[0]

    async def end_sessions(self, user: str) -> int:
        """Sign a person out everywhere. Returns how many sign-ins that were."""
        return len(await self.database.write(lambda c: accounts.end_sessions(c, user)))

    async def users(self) -> list[Person]:
        """Everybody with an account, by address."""
        return await self.database.read(accounts.everybody)

    async def one(self, recipient: str, id: uuid.UUID) -> Entry | None:
        """The recipient's line of one notification; None if it is not theirs."""
        return await self.database.read(lambda c: feed.one(c, recipient, id))
