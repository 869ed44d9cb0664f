"""The store: every table and query. It keeps, counts and answers; it never pushes.

`Store` is the door: each method is one transaction.
"""

import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from sqlalchemy import inspect, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import InvalidCursor, NotFound, StoreUnavailable
from notifs.gather import Gather
from notifs.store import accounts, audit, creation, events, mailbox, recount, retention, revision
from notifs.store.accounts import Person
from notifs.store.audit import AuditLog
from notifs.store.counts import Counts
from notifs.store.database import Database
from notifs.store.drafts import DIRECT, Draft, Outcome, Sent
from notifs.store.feed import Entry, Head, Look, Page
from notifs.store.idempotency import Key
from notifs.store.jobs import Jobs, Progress, Step
from notifs.store.keys import Keys
from notifs.store.links import Links
from notifs.store.mailbox import Act, Change
from notifs.store.models import Epoch, Notification
from notifs.store.outages import is_locked
from notifs.store.people import Accounts, By
from notifs.store.reading import Reading
from notifs.store.recipients import Recipients
from notifs.store.recount import Wrong
from notifs.store.retention import Pruned
from notifs.store.revision import Revised, Subject
from notifs.store.sent import SentBox, SentOne
from notifs.store.snoozes import Snoozes
from notifs.store.topics import Topics
from notifs.store.webhooks import Webhooks
from notifs.wire import PUSH_LIMIT, Cursor

TOGETHER = 200
"""Notifications that are created in one transaction, at most."""
FEW = 20
"""Recipients of a notification that may have so much company; larger ones keep none of those waiting."""

__all__ = [
    "Act", "Change", "Draft", "Entry", "Head", "Key", "Look", "Notification", "Outcome", "Page",
    "Progress", "Pruned", "Revised", "Sent", "SentOne", "Step", "Store", "Wrong",
]  # fmt: skip


class Store(Reading):
    """Mailboxes and their feeds, and the doors to everything beside them.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.accounts = Accounts(database)
        self.audit = AuditLog(database)
        self.counts = Counts(database)
        self.jobs = Jobs(database)
        self.keys = Keys(database)
        self.links = Links(database)
        self.recipients = Recipients(database)
        self.sent = SentBox(database)
        self.snoozes = Snoozes(database)
        self.topics = Topics(database)
        self.webhooks = Webhooks(database)
        self._together = Gather(self._create, most=TOGETHER, pace=0.0)
        self._larger = Gather(self._create, most=creation.COPIES // DIRECT, pace=0.0)

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
        answer: creation.Answer | None = None
        if connection is not None:
            (answer,) = await self._store(connection, [draft])
        elif creation.is_simple(draft):
            answer = await (self._together if len(draft.recipients) <= FEW else self._larger)(draft)
        if answer is None:
            (answer,) = await self.database.write(lambda c: self._store(c, [draft]))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _create(self, drafts: Sequence[Draft]) -> Sequence[creation.Answer | None]:
        """What has come meanwhile, in as few transactions as are short. None for what is to be tried alone."""
        answers: list[creation.Answer | None] = []
        for chunk in creation.chunks(drafts):
            answers += await self._create_chunk(chunk)
        return answers

    async def _create_chunk(self, drafts: Sequence[Draft]) -> Sequence[creation.Answer | None]:
        async def work(connection: AsyncConnection) -> Sequence[creation.Answer]:
            await creation.hurry(connection)
            return await self._store(connection, drafts)

        try:
            return await self.database.write(work)
        except Exception as error:
            if isinstance(error, StoreUnavailable) and not is_locked(error):
                return [error] * len(drafts)
        # One of them is wrong, or somebody has locked its mailbox for long: that is no fault of the others.
        return [None] * len(drafts)

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
        self,
        recipient: str,
        act: Act,
        *,
        ids: Sequence[uuid.UUID] | None = None,
        up_to: Cursor | None = None,
        at: Cursor | None = None,
        until: datetime | None = None,
    ) -> tuple[Head, Change | None]:
        """Do `act` to the recipient's copies: to those named, to all that the person could see at `up_to`, or to
        those last changed `at` that cursor. What is snoozed is so `until` a moment.

        Raises:
            InvalidCursor: `up_to` or `at` is of another life of the database.
        """
        cursors = {name: cursor for name, cursor in (("up_to", up_to), ("at", at)) if cursor is not None}
        for name, cursor in cursors.items():
            if cursor.epoch != self.epoch:
                raise InvalidCursor(f"{name} is of another epoch; sync first, then use the cursor that you get")
        chosen = {name: cursor.revision for name, cursor in cursors.items()}

        async def work(connection: AsyncConnection) -> tuple[Head, Change | None]:
            head, change = await mailbox.change(
                connection, recipient, act, ids=ids, **chosen, until=until, limit=PUSH_LIMIT
            )
            await self.webhooks.enqueue(connection, events.changed(act, change))
            return head, change

        return await self.database.write(work)

    async def prune(self, days: int, *, audit_days: int | None = None, dry_run: bool = False) -> Pruned:
        """Delete what was read or archived longer ago than `days`, or has expired; with `dry_run` only count it.

        Lines of the audit log are kept for `audit_days`; None for ever.
        """
        return await retention.prune(self.database, days, audit_days=audit_days, dry_run=dry_run)

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

    async def add_user(
        self,
        email: str,
        name: str,
        password_hash: str,
        external_id: str | None = None,
        *,
        admin: bool = False,
        **by: Unpack[By],
    ) -> Person:
        """Make an account. Its recipient id is `external_id`, if there is one.

        Raises:
            BadRequest: `email_taken`, `external_id_taken`, `invalid_email`, `invalid_name` or `invalid_external_id`.
        """

        async def work(connection: AsyncConnection) -> Person:
            person = await accounts.add(connection, email, name, password_hash, external_id, admin=admin)
            await audit.record(connection, "account_made", person.id, **by)
            if admin:
                await audit.record(connection, "admin_granted", person.id, **by)
            return person

        return await self.database.write(work)

    async def user(self, name: str) -> Person:
        """The person with this address or this recipient id, who may sign in.

        Raises:
            NotFound: `unknown_recipient`.
        """
        known = await self.database.read(lambda c: accounts.by_name(c, name))
        if known is None:
            what = "address" if "@" in name else "recipient id"
            raise NotFound(f"nobody has the {what} {name}; see: notifs user list", code="unknown_recipient")
        return known

    async def users(self) -> list[Person]:
        """Everybody with an account, by address."""
        return await self.database.read(accounts.everybody)
