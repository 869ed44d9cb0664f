"""The store: every table and query. It keeps, counts and answers; it never pushes.

`Store` is the door: each method is one transaction.
"""

import contextlib
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar

from sqlalchemy import inspect, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import InvalidCursor, NotFound, StoreUnavailable
from notifs.gather import Gather
from notifs.store import accounts, creation, events, feed, mailbox, recount, retention, revision
from notifs.store.accounts import Person
from notifs.store.announcements import Announcements
from notifs.store.database import Database
from notifs.store.drafts import Draft, Outcome, Sent
from notifs.store.feed import Entry, Head, Look, Page, Standing
from notifs.store.idempotency import Key
from notifs.store.jobs import Jobs, Progress, Step
from notifs.store.keys import Keys
from notifs.store.links import Links
from notifs.store.mailbox import Act, Change
from notifs.store.models import Epoch, Notification
from notifs.store.recipients import Recipients
from notifs.store.recount import Wrong
from notifs.store.retention import Pruned
from notifs.store.revision import Revised, Subject
from notifs.store.sent import SentBox, SentOne
from notifs.store.topics import Topics
from notifs.store.webhooks import Webhooks
from notifs.wire import DELTA_LIMIT, PUSH_LIMIT, Cursor, Filter

T = TypeVar("T")
Standings = Mapping[str, Standing]
_EVERY = 2**31 - 2
TOGETHER = 200
"""Notifications that are created in one transaction, at most."""

__all__ = [
    "Act", "Change", "Draft", "Entry", "Head", "Key", "Look", "Notification", "Outcome", "Page",
    "Progress", "Pruned", "Revised", "Sent", "SentOne", "Step", "Store", "Wrong",
]  # fmt: skip


class Store:
    """Mailboxes and their feeds.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.announcements = Announcements(database)
        self.jobs = Jobs(database)
        self.keys = Keys(database)
        self.links = Links(database)
        self.recipients = Recipients(database)
        self.sent = SentBox(database)
        self.topics = Topics(database)
        self.webhooks = Webhooks(database)
        self._together = Gather(self._create, most=TOGETHER, pace=0.0)
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
        """Store a notification for each recipient. Returns what changed for each, in ascending order."""
        columns = {c.key: getattr(notification, c.key) for c in inspect(Notification).columns}
        draft = Draft({**columns, "producer": "", "version": 1}, sorted(set(recipients)))
        return list((await self.send(draft)).changes)

    async def send(self, draft: Draft, connection: AsyncConnection | None = None) -> Outcome:
        """Store a notification, and the copies of its recipients or the job that will make them.

        In the caller's transaction if there is a `connection`: nothing has happened until the caller commits.

        Raises:
            IdempotencyConflict: its key stands for another notification; nothing was written.
            InvalidNotification: `dedupe_key` goes with few recipients only.
        """
        if connection is not None:
            (answer,) = await self._store(connection, [draft])
        elif creation.is_simple(draft):
            answer = await self._together(draft)
        else:
            (answer,) = await self.database.write(lambda c: self._store(c, [draft]))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _create(self, drafts: Sequence[Draft]) -> Sequence[creation.Answer]:
        """What has come meanwhile, in as few transactions as are short."""
        answers: list[creation.Answer] = []
        for chunk in creation.chunks(drafts):
            answers += await self._create_chunk(chunk)
        return answers

    async def _create_chunk(self, drafts: Sequence[Draft]) -> Sequence[creation.Answer]:
        try:
            return await self.database.write(lambda c: self._store(c, drafts))
        except StoreUnavailable as error:
            return [error] * len(drafts)
        except Exception as error:
            if len(drafts) == 1:
                return [error]
        # One of them is wrong, which nobody could see before: that is no fault of the others.
        return [answer for draft in drafts for answer in await self._create_chunk([draft])]

    async def _store(self, connection: AsyncConnection, drafts: Sequence[Draft]) -> Sequence[creation.Answer]:
        """Several simple drafts, or one of any sort; and what webhooks are told of them."""
        answers: Sequence[creation.Answer]
        if creation.is_simple(drafts[0]):
            answers = await creation.together(connection, drafts)
        else:
            answers = [await creation.alone(connection, drafts[0])]
        await self.webhooks.enqueue(connection, events.sent(drafts, answers))
        return answers

    async def announce(self, draft: Draft, connection: AsyncConnection | None = None) -> Sent:
        """Store a notification for everyone.

        Raises:
            IdempotencyConflict: its key stands for another notification; nothing was written.
        """

        async def work(connection: AsyncConnection) -> Sent:
            sent = await creation.announce(connection, draft)
            await self.webhooks.enqueue(connection, events.announced(draft, sent))
            return sent

        return await (work(connection) if connection else self.database.write(work))

    async def update(
        self, id: uuid.UUID, version: int, columns: Mapping[str, Any], connection: AsyncConnection | None = None
    ) -> Revised | None:
        """Change the content of a notification, if it is of that version still; else None is returned."""

        async def work(connection: AsyncConnection) -> Revised | None:
            return await revision.update_content(connection, id, version, dict(columns))

        return await (work(connection) if connection else self.database.write(work))

    async def retract(self, ids: Sequence[uuid.UUID], connection: AsyncConnection | None = None) -> Revised:
        """Take back notifications, and what is still to be sent of them. Unknown ones are ignored."""
        if connection is not None:
            return await revision.retract(connection, ids)
        return await self.database.write(lambda c: revision.retract(c, ids))

    async def about(
        self, subject: Subject, producer: str | None, connection: AsyncConnection | None = None
    ) -> list[uuid.UUID]:
        """The notifications about a subject that a producer has sent, or, for None, that anybody has."""
        if connection is not None:
            return await revision.about(connection, subject, producer)
        return await self.database.read(lambda c: revision.about(c, subject, producer))

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

        async def work(connection: AsyncConnection) -> tuple[Head, Change | None]:
            head, change = await mailbox.change(connection, recipient, act, ids=ids, up_to=limit, limit=PUSH_LIMIT)
            await self.webhooks.enqueue(connection, events.changed(act, change))
            return head, change

        return await self.database.write(work)

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

    async def page(self, recipient: str, filter: Filter, *, before: int | None = None, limit: int = 50) -> Page:
        """The newest lines of a filter below the position `before`, with the head of the same moment."""

        async def work(connection: AsyncConnection, at: Standings) -> Page:
            return await feed.page(connection, at[recipient], recipient, filter, before=before, limit=limit)

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

    async def add_user(self, email: str, name: str, password_hash: str, external_id: str | None = None) -> Person:
        """Make an account. Its recipient id is `external_id`, if there is one.

        Raises:
            BadRequest: `email_taken`, `external_id_taken`, `invalid_email`, `invalid_name` or `invalid_external_id`.
        """
        return await self.database.write(lambda c: accounts.add(c, email, name, password_hash, external_id))

    async def user(self, name: str) -> Person:
        """The person with this address or this recipient id.

        Raises:
            NotFound: `unknown_recipient`.
        """
        known = await self.database.read(lambda c: accounts.by_name(c, name))
        if known is None:
            what = "address" if "@" in name else "recipient id"
            raise NotFound(f"nobody has the {what} {name}; see: notifs user list", code="unknown_recipient")
        return known

    async def end_sessions(self, user: str) -> int:
        """Sign a person out everywhere. Returns how many sign-ins that were."""
        return len(await self.database.write(lambda c: accounts.end_sessions(c, user)))

    async def users(self) -> list[Person]:
        """Everybody with an account, by address."""
        return await self.database.read(accounts.everybody)

    async def one(self, recipient: str, id: uuid.UUID) -> Entry | None:
        """The recipient's line of one notification; None if it is not theirs."""
        return await self.database.read(lambda c: feed.one(c, recipient, id))
