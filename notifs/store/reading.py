"""Reading mailboxes: a page, what has changed, what brings a client to the head; each of one moment."""

import contextlib
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Self, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import StoreUnavailable
from notifs.store import feed
from notifs.store.announcements import Announcements
from notifs.store.database import Database
from notifs.store.feed import Entry, Head, Look, Page, Standing
from notifs.store.searches import Searches
from notifs.wire import DELTA_LIMIT, PUSH_LIMIT, Cursor, Filter, Search

T = TypeVar("T")
Standings = Mapping[str, Standing]
EVERYTHING = Search()
_EVERY = 2**31 - 2


class Reading:
    """The reading half of the store. What was announced is taken in by the mailbox that is read.

    Args:
        database: where mailboxes are.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.announcements = Announcements(database)
        self._epoch: str | None = None
        self._searches = Searches()

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

    async def head(self, recipient: str) -> Head:
        return await self.database.read(lambda c: feed.head(c, recipient))

    async def look(self, recipients: Sequence[str]) -> Look:
        """How mailboxes are, and the epoch, in one query for all.

        An epoch other than `epoch` says that the database was restored; see `adopt`.
        """
        return await self.database.read(lambda c: feed.look(c, recipients))

    def adopt(self, epoch: str) -> None:
        """The database has got a new epoch: from now on cursors carry it, and those of before are no good."""
        self._epoch = epoch

    async def page(
        self,
        recipient: str,
        filter: Filter,
        *,
        search: Search = EVERYTHING,
        before: int | None = None,
        limit: int = 50,
    ) -> Page:
        """The newest lines of a filter below the position `before`, with the head of the same moment.

        Raises:
            TooManySearches: enough of this recipient are under way or waiting.
        """

        async def work(connection: AsyncConnection, at: Standings) -> Page:
            standing = at[recipient]
            return await feed.page(connection, standing, recipient, filter, search=search, before=before, limit=limit)

        async with self._searches.turn(recipient) if search != EVERYTHING else contextlib.nullcontext():
            return await self._read([recipient], work)

    async def unread(self, recipient: str) -> list[Entry]:
        """All unread lines, newest first, of one moment."""
        return list((await self.page(recipient, "unread", limit=_EVERY)).entries)

    async def changes(self, since: Mapping[str, int]) -> dict[str, tuple[Head, tuple[Entry, ...] | None]]:
        """For each recipient the head, and what changed after that revision; None where it is too much for a push.

        All are of one moment.
        """

        async def work(connection: AsyncConnection, at: Standings) -> dict[str, tuple[Head, tuple[Entry, ...] | None]]:
            found = await feed.changes(connection, at, since.items(), PUSH_LIMIT)
            return {recipient: (at[recipient].head, entries) for (recipient, _), entries in found.items()}

        return await self._read(since, work)

    async def catch_up(
        self, asked: Sequence[tuple[str, Cursor | None]], limit: int
    ) -> list[tuple[tuple[Entry, ...] | None, Page]]:
        """What brings each client from its cursor to the head: the changes since, or, where that is no way, a page.

        Of both at most one is not empty; both are of the head that the page carries, and all of one moment. Those that
        are at the head already cost nothing beyond the one query that reads the heads.
        """
        steps = [(r, cursor.revision if cursor and cursor.epoch == self.epoch else None) for r, cursor in asked]

        async def work(connection: AsyncConnection, at: Standings) -> list[tuple[tuple[Entry, ...] | None, Page]]:
            known = ((r, since) for r, since in steps if since is not None)
            deltas = await feed.changes(connection, at, known, DELTA_LIMIT)
            told = [None if since is None else deltas[r, since] for r, since in steps]
            lost = {r: None for (r, _), entries in zip(steps, told, strict=True) if entries is None}
            pages = await feed.newest(connection, at, lost, limit)
            return [
                (None, pages[r]) if entries is None else (entries, Page(at[r].head, (), False))
                for (r, _), entries in zip(steps, told, strict=True)
            ]

        return await self._read([r for r, _ in steps], work)

    async def one(self, recipient: str, id: uuid.UUID) -> Entry | None:
        """The recipient's line of one notification; None if it is not theirs."""
        return await self.database.read(lambda c: feed.one(c, recipient, id))

    async def _read(self, recipients: Iterable[str], work: Callable[[AsyncConnection, Standings], Awaitable[T]]) -> T:
        """Read mailboxes, which take in first what was announced; those that have done so cost one query."""

        async def read(connection: AsyncConnection) -> tuple[Standings, T]:
            at = await feed.standings(connection, recipients)
            return at, await work(connection, at)

        at, found = await self.database.read(read)
        if behind := [recipient for recipient, standing in at.items() if standing.behind]:
            with contextlib.suppress(StoreUnavailable):  # who cannot write reads what there is
                await self.announcements.take_in(behind)
                _, found = await self.database.read(read)
        return found
